// RUN: webdnn-opt %s --pass-pipeline=kernel-merge-rows --verify-each | filecheck %s

// All 49 points of a map become one axis.
// CHECK-LABEL: @small
// CHECK: kernel.compute (%{{.*}} = 1, %{{.*}} = 49, %{{.*}} = 16) schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], expand [1], vector 2 by 4> {
// CHECK: kernel.read %{{.*}}[%{{.*}} * 567 + %{{.*}} floordiv 7 * 18 + %{{.*}} * 9 + %{{.*}}] : memref<729xf32>
// CHECK: kernel.write %{{.*}}, %{{.*}}[%{{.*}} * 784 + %{{.*}} * 16 + %{{.*}}] : memref<784xf32>
kernel.func @small(%x: memref<729xf32>, %w: memref<144xf32>, %o: memref<784xf32>) {
  kernel.compute (%y = 7, %p = 7, %c = 16) schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], expand [1], vector 2 by 4, merge 0 into 1 by 7> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 9) from %zero : f32 {
      %a = kernel.read %x[%y * 81 + %p * 9 + %k] : memref<729xf32>
      %b = kernel.read %w[%k * 16 + %c] : memref<144xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o[%y * 112 + %p * 16 + %c] : memref<784xf32>
  }
}

// So do rows that lie apart: the axis between them stays where it is.
// CHECK-LABEL: @apart
// CHECK: kernel.compute (%{{.*}} = 2, %{{.*}} = 3, %{{.*}} = 8) schedule #kernel.schedule<tile [1, 1, 4], order [1, 0, 2], expand [2], vector 2 by 4> {
// CHECK: kernel.read %{{.*}}[%{{.*}} * 24 + %{{.*}} floordiv 4 * 8 + %{{.*}} * 4 + %{{.*}}] : memref<48xf32>
kernel.func @apart(%x2: memref<48xf32>, %o2: memref<48xf32>) {
  kernel.compute (%y = 4, %q = 3, %p = 4) schedule #kernel.schedule<tile [1, 1, 4], order [1, 0, 2], expand [2], vector 2 by 4, merge 0 into 2 by 2> {
    %v = kernel.read %x2[%y * 12 + %q * 4 + %p] : memref<48xf32>
    kernel.write %v, %o2[%y * 12 + %q * 4 + %p] : memref<48xf32>
  }
}

// A schedule that merges nothing leaves the axes as they are.
// CHECK-LABEL: @kept
// CHECK: kernel.compute (%{{.*}} = 7, %{{.*}} = 7, %{{.*}} = 16) schedule #kernel.schedule<tile [1, 4, 8], order [0, 1, 2], vector 2 by 4> {
kernel.func @kept(%x1: memref<784xf32>, %o1: memref<784xf32>) {
  kernel.compute (%y = 7, %p = 7, %c = 16) schedule #kernel.schedule<tile [1, 4, 8], order [0, 1, 2], vector 2 by 4> {
    %v = kernel.read %x1[%y * 112 + %p * 16 + %c] : memref<784xf32>
    kernel.write %v, %o1[%y * 112 + %p * 16 + %c] : memref<784xf32>
  }
}
