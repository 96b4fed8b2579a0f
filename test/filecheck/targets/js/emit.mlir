// RUN: webdnn-opt %s --pass-pipeline='js-select-schedule,kernel-tile,kernel-lower-blocks,kernel-lower-accesses,js-legalize' -t webdnn-js | filecheck %s

// A matrix product: sums in locals, addresses outside of the loop that does not move them.

// CHECK-LABEL: function k_product(b0, b1, b2) {
// CHECK-NEXT:    for (let i0 = 0; i0 < 2; i0++) {
// CHECK-NEXT:      const v1 = i0 * 4;
// CHECK:           for (let [[K:i[0-9]+]] = 0; [[K]] < 8; [[K]]++) {
// CHECK-NEXT:        const [[A:v[0-9]+]] = b0[[[K]]];
// CHECK-NEXT:        const [[B:v[0-9]+]] = [[K]] * 8 + v1;
// CHECK-NEXT:        [[S:v[0-9]+]] = [[A]] * b1[[[B]]] + [[S]];
// CHECK:           b2[v1] = Math.fround([[S]]);
// CHECK-NEXT:      b2[v1 + 1] = Math.fround(
kernel.func @product(%a: memref<8xf32>, %b: memref<64xf32>, %y: memref<8xf32>) {
  kernel.compute (%m = 1, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %p = kernel.read %a[%m * 8 + %k] : memref<8xf32>
      %q = kernel.read %b[%k * 8 + %n] : memref<64xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<8xf32>
  }
}

// Integers keep their 32 or 64 bits.

// CHECK-LABEL: function k_integers(b0, b1) {
// CHECK:           b0[i0] = Math.imul([[X:v[0-9]+]], [[X]]) + [[X]] | 0;
// CHECK:           b1[i0] = BigInt.asIntN(64, [[Y:v[0-9]+]] * [[Y]]);
kernel.func @integers(%x: memref<8xi32>, %y: memref<8xi64>) {
  kernel.compute (%i = 8) {
    %a = kernel.read %x[%i] : memref<8xi32>
    %b = kernel.read %y[%i] : memref<8xi64>
    %p = arith.muli %a, %a : i32
    %s = arith.addi %p, %a : i32
    %q = arith.muli %b, %b : i64
    kernel.write %s, %x[%i] : memref<8xi32>
    kernel.write %q, %y[%i] : memref<8xi64>
  }
}

// What a loop around calls counts is a number that each launch is given.

// CHECK:       function k_step(b0, b1, n0) {
// CHECK-NEXT:    const [[ROW:v[0-9]+]] = n0 * 8;
// CHECK:           b1[[[I:i[0-9]+]]] = Math.fround(b0[[[I]] + [[ROW]]]);
kernel.func @step(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t * 8 + %i] : memref<40xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}
