// RUN: webdnn-opt %s --pass-pipeline=kernel-tile | filecheck %s

// Rows are balanced: 14 by 6 is two blocks of 5 and one of 4; loops count trips from 0 by 1.
// CHECK-LABEL: @rows
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: scf.for %[[MO:.*]] = %{{.*}} to %[[TWO]] step
// CHECK: kernel.compute (%{{.*}} = 5, %{{.*}} = 8) schedule #kernel.schedule<tile [5, 8], order [0, 1], vector 1 by 4>
// CHECK: kernel.read %{{.*}}[%[[MO]] * 40 + %{{.*}} * 8 + %{{.*}}]
// CHECK: kernel.compute (%{{.*}} = 4, %{{.*}} = 8)
// CHECK: kernel.read %{{.*}}[%{{.*}} * 8 + %{{.*}} + 80]
kernel.func @rows(%x: memref<112xf32>, %y: memref<112xf32>) {
  kernel.compute (%m = 14, %n = 8) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
    %v = kernel.read %x[%m * 8 + %n] : memref<112xf32>
    kernel.write %v, %y[%m * 8 + %n] : memref<112xf32>
  }
}

// An axis with lanes keeps whole vectors; what is left has none.
// CHECK-LABEL: @lanes
// CHECK: kernel.compute (%{{.*}} = 8) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4>
// CHECK: kernel.compute (%{{.*}} = 1) schedule #kernel.schedule<tile [1], order [0]>
kernel.func @lanes(%x1: memref<9xf32>, %y1: memref<9xf32>) {
  kernel.compute (%i = 9) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4> {
    %v = kernel.read %x1[%i] : memref<9xf32>
    kernel.write %v, %y1[%i] : memref<9xf32>
  }
}

// An expanded axis is copied, so that divisions of it fold.
// CHECK-LABEL: @expanded
// CHECK-NOT: scf.for
// CHECK-NOT: floordiv
// CHECK: kernel.read %{{.*}}[%{{.*}}]
// CHECK: kernel.read %{{.*}}[%{{.*}} + 8]
kernel.func @expanded(%x2: memref<16xf32>, %y2: memref<8xf32>) {
  kernel.compute (%i = 8) schedule #kernel.schedule<tile [4], order [0], expand [0]> {
    %v = kernel.read %x2[%i floordiv 4 * 8 + %i mod 4] : memref<16xf32>
    kernel.write %v, %y2[%i] : memref<8xf32>
  }
}

// Without a schedule there is nothing to do.
// CHECK-LABEL: @unscheduled
// CHECK-NOT: scf.for
// CHECK: kernel.compute (%{{.*}} = 8) {
kernel.func @unscheduled(%x3: memref<8xf32>, %y3: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x3[%i] : memref<8xf32>
    kernel.write %v, %y3[%i] : memref<8xf32>
  }
}

// An aligned axis has whole blocks and a rest, where others are balanced.
// CHECK-LABEL: @aligned
// CHECK: arith.constant 3 : index
// CHECK: kernel.compute (%{{.*}} = 4) schedule
// CHECK: kernel.compute (%{{.*}} = 2) schedule
kernel.func @aligned(%x4: memref<14xf32>, %y4: memref<14xf32>) {
  kernel.compute (%i = 14) schedule #kernel.schedule<tile [4], order [0], aligned [0]> {
    %v = kernel.read %x4[%i] : memref<14xf32>
    kernel.write %v, %y4[%i] : memref<14xf32>
  }
}

// What fills no whole vector is one all the same, where its last lanes may be dropped.
// CHECK-LABEL: @masked
// CHECK: kernel.compute (%{{.*}} = 8) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4>
// CHECK: kernel.compute (%{{.*}} = 7) schedule #kernel.schedule<tile [7], order [0], vector 0 by 4 masked>
kernel.func @masked(%x5: memref<23xf32>, %y5: memref<23xf32>) {
  kernel.compute (%i = 23) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4 masked> {
    %v = kernel.read %x5[%i] : memref<23xf32>
    kernel.write %v, %y5[%i] : memref<23xf32>
  }
}
