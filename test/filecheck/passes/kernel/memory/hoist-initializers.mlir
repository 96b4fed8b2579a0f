// RUN: webdnn-opt %s --pass-pipeline=kernel-hoist-initializers --verify-each --split-input-file | filecheck %s

// What runs once comes first; what reads much runs before what reads little, whose weights need the least room beside.

// CHECK-LABEL: @expand
// CHECK:         kernel.weight #dnn.weight<large
// CHECK:         kernel.weight #dnn.weight<small
// CHECK:         kernel.compute once (%{{.*}} = 256)
// CHECK:         kernel.compute once (%{{.*}} = 64)
// CHECK-NOT:     kernel.compute once
// CHECK:         kernel.compute (%{{.*}} = 8)
// CHECK:         func.return
func.func @expand(%x: memref<8xf32>) -> memref<8xf32> {
  %a = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %a[%i] : memref<8xf32>
  }
  %small = kernel.weight #dnn.weight<small : tensor<16xf32>> : memref<16xf32>
  %b = kernel.alloc : memref<64xf32>
  kernel.compute once (%i = 64) {
    %v = kernel.read %small[%i floordiv 4] : memref<16xf32>
    kernel.write %v, %b[%i] : memref<64xf32>
  }
  %large = kernel.weight #dnn.weight<large : tensor<64xf32>> : memref<64xf32>
  %c = kernel.alloc : memref<256xf32>
  kernel.compute once (%i = 256) {
    %v = kernel.read %large[%i floordiv 4] : memref<64xf32>
    kernel.write %v, %c[%i] : memref<256xf32>
  }
  %d = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %p = kernel.read %a[%i] : memref<8xf32>
    %q = kernel.read %b[%i] : memref<64xf32>
    %r = kernel.read %c[%i] : memref<256xf32>
    %pq = arith.addf %p, %q : f32
    %pqr = arith.addf %pq, %r : f32
    kernel.write %pqr, %d[%i] : memref<8xf32>
  }
  func.return %d : memref<8xf32>
}

// -----

// What needs another's result stays behind it, however much it frees, and zeros around it too.

// CHECK-LABEL: @chain
// CHECK:         kernel.compute once (%{{.*}} = 14)
// CHECK:         kernel.compute once (%{{.*}} = 1)
// CHECK:         kernel.compute once (%{{.*}} = 16)
// CHECK:         kernel.compute (%{{.*}} = 16)
func.func @chain(%x: memref<16xf32>) -> memref<16xf32> {
  %w = kernel.weight #dnn.weight<w : tensor<16xf32>> : memref<16xf32>
  %large = kernel.weight #dnn.weight<large : tensor<64xf32>> : memref<64xf32>
  %a = kernel.alloc : memref<16xf32>
  kernel.compute once (%i = 14) {
    %v = kernel.read %w[%i] : memref<16xf32>
    kernel.write %v, %a[%i + 1] : memref<16xf32>
  }
  kernel.compute once (%j = 1) {
    %zero = arith.constant 0.0 : f32
    kernel.write %zero, %a[%j] : memref<16xf32>
  }
  %b = kernel.alloc : memref<16xf32>
  kernel.compute once (%k = 16) {
    %p = kernel.read %a[%k] : memref<16xf32>
    %q = kernel.read %large[%k * 4] : memref<64xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %b[%k] : memref<16xf32>
  }
  %c = kernel.alloc : memref<16xf32>
  kernel.compute (%i = 16) {
    %p = kernel.read %x[%i] : memref<16xf32>
    %q = kernel.read %b[%i] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %c[%i] : memref<16xf32>
  }
  func.return %c : memref<16xf32>
}
