// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-outside --verify-each --split-input-file | filecheck %s

// Only the index that may leave is tested.

// CHECK-LABEL: @leaves
// CHECK:         %[[P:.*]] = kernel.inside [%j + -1] of [4]
// CHECK-NEXT:    %[[V:.*]] = kernel.read %x[%i, %j + -1] : memref<3x4xf32>
// CHECK-NEXT:    arith.select %[[P]], %[[V]], %zero : f32
kernel.func @leaves(%x: memref<3x4xf32>, %y: memref<3x4xf32>) {
  kernel.compute (%i = 3, %j = 4) {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %x[%i, %j + -1] outside %zero : memref<3x4xf32>
    kernel.write %v, %y[%i, %j] : memref<3x4xf32>
  }
}

// -----

// What ranges prove inside is read plainly; so is what had no value outside.

// CHECK-LABEL: @inside
// CHECK-NOT:     kernel.inside
// CHECK:         kernel.read %x[%i] : memref<4xf32>
// CHECK:         kernel.read %x[%i + 2] : memref<4xf32>
kernel.func @inside(%x: memref<4xf32>, %y: memref<2xf32>) {
  kernel.compute (%i = 2) {
    %zero = arith.constant 0.0 : f32
    %u = kernel.read %x[%i] outside %zero : memref<4xf32>
    %v = kernel.read %x[%i + 2] : memref<4xf32>
    %w = arith.addf %u, %v : f32
    kernel.write %w, %y[%i] : memref<2xf32>
  }
}
