// RUN: webdnn-opt %s --pass-pipeline=kernel-flatten-buffers --verify-each --split-input-file | filecheck %s

// Positions are row-major; a buffer without axes has one element.

// CHECK-LABEL: kernel.func @flat(%x: memref<12xf32>, %s: memref<1xf32>, %y: memref<12xf32>)
// CHECK:         kernel.read %x[%i * 4 + %j] : memref<12xf32>
// CHECK:         kernel.read %s[0] : memref<1xf32>
// CHECK:         kernel.write %{{.*}}, %y[%j * 3 + %i] : memref<12xf32>
kernel.func @flat(%x: memref<3x4xf32>, %s: memref<f32>, %y: memref<4x3xf32>) {
  kernel.compute (%i = 3, %j = 4) {
    %v = kernel.read %x[%i, %j] : memref<3x4xf32>
    %w = kernel.read %s[] : memref<f32>
    %u = arith.addf %v, %w : f32
    kernel.write %u, %y[%j, %i] : memref<4x3xf32>
  }
}

// -----

// The program's own buffers keep their shapes.

// CHECK-LABEL: @main
// CHECK:         kernel.call @k(%x) : memref<3x4xf32>
func.func @main(%x: memref<3x4xf32>) {
  kernel.call @k(%x) : memref<3x4xf32>
  func.return
}
