// RUN: webdnn-opt %s --pass-pipeline=kernel-split-outputs --split-input-file | filecheck %s

// Each output gets a kernel, which takes what that output needs.

// CHECK:       kernel.func @k_0(%x: memref<8xf32>, %y: memref<8xf32>) {
// CHECK:         %n = arith.negf %v : f32
// CHECK-NOT:     math.exp
// CHECK:         kernel.write %n, %y[%i] : memref<8xf32>
// CHECK:       kernel.func @k_1(%x_1: memref<8xf32>, %z: memref<8xf32>) {
// CHECK-NOT:     arith.negf
// CHECK:         kernel.write %e, %z[%i_1] : memref<8xf32>
// CHECK-NOT:   kernel.func @k(
// CHECK:         kernel.call @k_0(%a, %b)
// CHECK-NEXT:    kernel.call @k_1(%a, %c)
kernel.func @k(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    %e = math.exp %v : f32
    kernel.write %n, %y[%i] : memref<8xf32>
    kernel.write %e, %z[%i] : memref<8xf32>
  }
}
func.func @main(%a: memref<8xf32>) -> (memref<8xf32>, memref<8xf32>) {
  %b = kernel.alloc : memref<8xf32>
  %c = kernel.alloc : memref<8xf32>
  kernel.call @k(%a, %b, %c) : memref<8xf32>, memref<8xf32>, memref<8xf32>
  func.return %b, %c : memref<8xf32>, memref<8xf32>
}

// -----

// A kernel with one output stays.

// CHECK:       kernel.func @one(
// CHECK:         kernel.write
kernel.func @one(%x: memref<8xf32>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}

// -----

// A part takes a counter of the loop around its call if it needs it.

// CHECK:       kernel.func @k_0(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
// CHECK:       kernel.func @k_1(%z: memref<8xf32>) {
// CHECK:         kernel.call @k_0(%a, %b) at %t_1 : memref<40xf32>, memref<8xf32>
// CHECK-NEXT:    kernel.call @k_1(%c) : memref<8xf32>
kernel.func @k(%x: memref<40xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t * 8 + %i] : memref<40xf32>
    %one = arith.constant 1.0 : f32
    kernel.write %v, %y[%i] : memref<8xf32>
    kernel.write %one, %z[%i] : memref<8xf32>
  }
}
func.func @main(%a: memref<40xf32>, %b: memref<8xf32>, %c: memref<8xf32>) {
  %t = kernel.index [2] of 5
  kernel.call @k(%a, %b, %c) at %t : memref<40xf32>, memref<8xf32>, memref<8xf32>
  func.return
}
