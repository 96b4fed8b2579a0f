// RUN: webdnn-opt %s --pass-pipeline=kernel-elide-duplicates --split-input-file | filecheck %s

// The second comparison is the first one, and that inside the loop too.

// CHECK-LABEL: @twice(
// CHECK:         %[[LESS:.*]] = arith.cmpf olt, %a, %b : f32
// CHECK-NEXT:    %s = arith.select %[[LESS]], %a, %b : f32
// CHECK-NEXT:    scf.for
// CHECK-NOT:       arith.cmpf
// CHECK:           arith.select %[[LESS]], %v, %s : f32
kernel.func @twice(%x: memref<64xf32>, %y: memref<64xf32>) {
  %t = kernel.id "global" of 16
  %low = arith.constant 0 : index
  %high = arith.constant 3 : index
  %step = arith.constant 1 : index
  %a = kernel.read %x[%t] : memref<64xf32>
  %b = kernel.read %x[%t + 1] : memref<64xf32>
  %p = arith.cmpf olt, %a, %b : f32
  %s = arith.select %p, %a, %b : f32
  %r = scf.for %i = %low to %high step %step iter_args(%v = %s) -> (f32) {
    %q = arith.cmpf olt, %a, %b : f32
    %u = arith.select %q, %v, %s : f32
    scf.yield %u : f32
  }
  kernel.write %r, %y[%t] : memref<64xf32>
}

// -----

// Two reads around a write are two.

// CHECK-LABEL: @between(
// CHECK:         %a = kernel.read %y[%t]
// CHECK:         kernel.write
// CHECK:         %b = kernel.read %y[%t]
kernel.func @between(%y: memref<16xf32>) {
  %t = kernel.id "global" of 16
  %a = kernel.read %y[%t] : memref<16xf32>
  %d = arith.addf %a, %a : f32
  kernel.write %d, %y[%t] : memref<16xf32>
  %b = kernel.read %y[%t] : memref<16xf32>
  %e = arith.addf %b, %b : f32
  kernel.write %e, %y[%t] : memref<16xf32>
}
