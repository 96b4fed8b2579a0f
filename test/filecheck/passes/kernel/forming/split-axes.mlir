// RUN: webdnn-opt %s --pass-pipeline=kernel-split-axes --verify-each | filecheck %s

// The phases of a transposed convolution choose its weights.
// CHECK-LABEL: @phases
// CHECK: kernel.compute (%y = 4, %yr = 2, %c = 8) {
// CHECK: kernel.read %{{.*}}[%y * 4 + %k] : memref<16xf32>
// CHECK: kernel.read %{{.*}}[%yr * 32 + %k * 8 + %c] : memref<64xf32>
// CHECK: kernel.write %{{.*}}, %{{.*}}[%y * 16 + %yr * 8 + %c] : memref<64xf32>
kernel.func @phases(%x: memref<16xf32>, %w: memref<64xf32>, %o: memref<64xf32>) {
  kernel.compute (%y = 8, %c = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %x[%y floordiv 2 * 4 + %k] : memref<16xf32>
      %b = kernel.read %w[%y mod 2 * 32 + %k * 8 + %c] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o[%y * 8 + %c] : memref<64xf32>
  }
}

// A panel of weights stays together, and so does what no reduction reads.
// CHECK-LABEL: @kept
// CHECK: kernel.compute (%{{.*}} = 16) {
// CHECK: kernel.compute (%{{.*}} = 8) {
kernel.func @kept(%x1: memref<4xf32>, %w1: memref<64xf32>, %o1: memref<16xf32>) {
  kernel.compute (%c = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %x1[%k] : memref<4xf32>
      %b = kernel.read %w1[%c floordiv 8 * 32 + %k * 8 + %c mod 8] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o1[%c] : memref<16xf32>
  }
  kernel.compute (%y = 8) {
    %v = kernel.read %x1[%y floordiv 2] : memref<4xf32>
    kernel.write %v, %o1[%y] : memref<16xf32>
  }
}

// Groups of two panels each are an axis, beside the columns of a group; groups that would cut a panel are not.
// CHECK-LABEL: @groups
// CHECK: kernel.compute (%[[G:.*]] = 2, %[[R:.*]] = 16) {
// CHECK: kernel.read %{{.*}}[%[[G]] * 4 + %{{.*}}] : memref<8xf32>
// CHECK: kernel.read %{{.*}}[{{.*}}%[[R]] floordiv 8{{.*}}] : memref<128xf32>
// CHECK: kernel.compute (%{{.*}} = 16) {
kernel.func @groups(%x: memref<8xf32>, %w: memref<128xf32>, %o: memref<32xf32>) {
  kernel.compute (%c = 32) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %x[%c floordiv 16 * 4 + %k] : memref<8xf32>
      %b = kernel.read %w[%c floordiv 8 * 32 + %k * 8 + %c mod 8] : memref<128xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o[%c] : memref<32xf32>
  }
  kernel.compute (%d = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %a = kernel.read %x[%d floordiv 4 * 2 + %k] : memref<8xf32>
      %b = kernel.read %w[%d floordiv 8 * 16 + %k * 8 + %d mod 8] : memref<128xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o[%d] : memref<32xf32>
  }
}
