// RUN: webdnn-opt %s --pass-pipeline=kernel-share-offsets --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-share-offsets,kernel-form-kernels --split-input-file | filecheck %s --check-prefix=FORMED

// Computes that differ by even steps are told which of them they are, and are then one kernel.

// CHECK-LABEL: @strips
// CHECK:         %[[S:.*]] = kernel.index [0] of 3
// CHECK-NEXT:    kernel.compute (%y = 4) {
// CHECK-NEXT:      kernel.read %x[%y + %[[S]] * 4] : memref<12xf32>
// CHECK-NEXT:      kernel.write %{{.*}}, %z[%y + %[[S]] * 8 + 1] : memref<24xf32>
// CHECK:         %[[T:.*]] = kernel.index [1] of 3
// CHECK:           kernel.read %x[%{{.*}} + %[[T]] * 4]
// CHECK:         %[[U:.*]] = kernel.index [2] of 3
// CHECK:           kernel.read %x[%{{.*}} + %[[U]] * 4]

// FORMED-COUNT-1: kernel.func
// FORMED-NOT:   kernel.func
// FORMED-LABEL: @strips
// FORMED-COUNT-3: kernel.call @move0(%{{.*}}, %{{.*}}) at %{{.*}} : memref<12xf32>, memref<24xf32>
func.func @strips(%x: memref<12xf32>, %z: memref<24xf32>) {
  kernel.compute (%y = 4) {
    %v = kernel.read %x[%y] : memref<12xf32>
    kernel.write %v, %z[%y + 1] : memref<24xf32>
  }
  kernel.compute (%y = 4) {
    %v = kernel.read %x[%y + 4] : memref<12xf32>
    kernel.write %v, %z[%y + 9] : memref<24xf32>
  }
  kernel.compute (%y = 4) {
    %v = kernel.read %x[%y + 8] : memref<12xf32>
    kernel.write %v, %z[%y + 17] : memref<24xf32>
  }
  func.return
}

// -----

// Steps that are not even, or fewer than three, stay what they are.

// CHECK-LABEL: @uneven
// CHECK-NOT:     kernel.index
func.func @uneven(%x: memref<12xf32>, %z: memref<12xf32>) {
  kernel.compute (%y = 2) {
    %v = kernel.read %x[%y] : memref<12xf32>
    kernel.write %v, %z[%y] : memref<12xf32>
  }
  kernel.compute (%y = 2) {
    %v = kernel.read %x[%y + 4] : memref<12xf32>
    kernel.write %v, %z[%y + 4] : memref<12xf32>
  }
  kernel.compute (%y = 2) {
    %v = kernel.read %x[%y + 6] : memref<12xf32>
    kernel.write %v, %z[%y + 6] : memref<12xf32>
  }
  func.return
}

// -----

// A compute that needs a test at an edge is no model for those inside.

// CHECK-LABEL: @edge
// CHECK:         kernel.read %x[%y + -1] outside
// CHECK:         %[[S:.*]] = kernel.index [0] of 3
// CHECK:           kernel.read %x[%{{.*}} + %[[S]] * 4 + 3] outside
func.func @edge(%x: memref<20xf32>, %z: memref<20xf32>) {
  kernel.compute (%y = 4) {
    %o = arith.constant 0.0 : f32
    %v = kernel.read %x[%y + -1] outside %o : memref<20xf32>
    kernel.write %v, %z[%y] : memref<20xf32>
  }
  kernel.compute (%y = 4) {
    %o = arith.constant 0.0 : f32
    %v = kernel.read %x[%y + 3] outside %o : memref<20xf32>
    kernel.write %v, %z[%y + 4] : memref<20xf32>
  }
  kernel.compute (%y = 4) {
    %o = arith.constant 0.0 : f32
    %v = kernel.read %x[%y + 7] outside %o : memref<20xf32>
    kernel.write %v, %z[%y + 8] : memref<20xf32>
  }
  kernel.compute (%y = 4) {
    %o = arith.constant 0.0 : f32
    %v = kernel.read %x[%y + 11] outside %o : memref<20xf32>
    kernel.write %v, %z[%y + 12] : memref<20xf32>
  }
  func.return
}

// -----

// Strips may stand in loops of their own, and run from the last one to the first.

// CHECK-LABEL: @backwards
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:           %[[S:.*]] = kernel.index [0] of 3
// CHECK-NEXT:      kernel.compute (%{{.*}} = 4) {
// CHECK-NEXT:        kernel.read %x[%{{.*}} + %[[S]] * -4 + 8] : memref<12xf32>
// CHECK:         %[[T:.*]] = kernel.index [1] of 3
// CHECK-NEXT:    kernel.compute (%{{.*}} = 4) {
// CHECK-NEXT:      kernel.read %x[%{{.*}} + %[[T]] * -4 + 8] : memref<12xf32>
// CHECK:         %[[U:.*]] = kernel.index [2] of 3

// FORMED-LABEL: @backwards
// FORMED-COUNT-3: kernel.call @move0(%{{.*}}, %{{.*}}) at %{{.*}} : memref<12xf32>, memref<12xf32>
func.func @backwards(%x: memref<12xf32>, %z: memref<12xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  scf.for %n = %zero to %one step %one {
    kernel.compute (%y = 4) {
      %v = kernel.read %x[%y + 8] : memref<12xf32>
      kernel.write %v, %z[%y + 8] : memref<12xf32>
    }
  }
  kernel.compute (%y = 4) {
    %v = kernel.read %x[%y + 4] : memref<12xf32>
    kernel.write %v, %z[%y + 4] : memref<12xf32>
  }
  kernel.compute (%y = 4) {
    %v = kernel.read %x[%y] : memref<12xf32>
    kernel.write %v, %z[%y] : memref<12xf32>
  }
  func.return
}
