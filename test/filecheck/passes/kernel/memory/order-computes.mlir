// RUN: webdnn-opt %s --pass-pipeline=kernel-order-computes --verify-each --split-input-file | filecheck %s

// A large buffer is read, and gone, before another one is made.

// CHECK-LABEL: @branches
// CHECK:         kernel.write %{{.*}}, %a[%i]
// CHECK:         kernel.read %a[%{{.*}} * 64]
// CHECK:         kernel.write %{{.*}}, %b[%{{.*}}]
// CHECK:         kernel.read %b[%{{.*}} * 64]
// CHECK:         func.return
func.func @branches(%x: memref<64xf32>) -> memref<2xf32> {
  %a = kernel.alloc : memref<64xf32>
  kernel.compute (%i = 64) {
    %v = kernel.read %x[%i] : memref<64xf32>
    kernel.write %v, %a[%i] : memref<64xf32>
  }
  %b = kernel.alloc : memref<64xf32>
  kernel.compute (%i = 64) {
    %v = kernel.read %x[63 - %i] : memref<64xf32>
    kernel.write %v, %b[%i] : memref<64xf32>
  }
  %y = kernel.alloc : memref<2xf32>
  kernel.compute (%i = 1) {
    %v = kernel.read %a[%i * 64] : memref<64xf32>
    kernel.write %v, %y[%i] : memref<2xf32>
  }
  kernel.compute (%i = 1) {
    %v = kernel.read %b[%i * 64] : memref<64xf32>
    kernel.write %v, %y[%i + 1] : memref<2xf32>
  }
  func.return %y : memref<2xf32>
}

// -----

// An order that needs no more than any other is kept.

// CHECK-LABEL: @chain
// CHECK:         kernel.write %{{.*}}, %a[%i]
// CHECK:         kernel.write %{{.*}}, %b[%{{.*}}]
// CHECK:         kernel.write %{{.*}}, %y[%{{.*}}]
func.func @chain(%x: memref<8xf32>) -> memref<8xf32> {
  %a = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %a[%i] : memref<8xf32>
  }
  %b = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %b[%i] : memref<8xf32>
  }
  %y = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %a[%i] : memref<8xf32>
    %w = kernel.read %b[%i] : memref<8xf32>
    %s = arith.addf %v, %w : f32
    kernel.write %s, %y[%i] : memref<8xf32>
  }
  func.return %y : memref<8xf32>
}
