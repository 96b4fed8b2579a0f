// RUN: webdnn-opt %s --pass-pipeline='kernel-split-buffers{bytes=16 bindings=3}' --split-input-file | filecheck %s

// A kernel becomes one for each piece of its result, and reads the pieces that its indices reach.

// CHECK:       kernel.func @k_piece0(%x: memref<4xf32>, %y: memref<4xf32>) {
// CHECK-NEXT:    kernel.compute (%i = 4) {
// CHECK-NEXT:      %v = kernel.read %x[%i] : memref<4xf32>
// CHECK-NEXT:      kernel.write %v, %y[%i] : memref<4xf32>
// CHECK:       kernel.func @k_piece1(%x_1: memref<4xf32>, %y_1: memref<4xf32>) {
// CHECK-NEXT:    kernel.compute (%i_1 = 4) {
// CHECK-NEXT:      kernel.read %x_1[%i_1] : memref<4xf32>
// CHECK-NOT:   kernel.func @k(
// CHECK:       func.func @main(
// CHECK-SAME:    {kernel.piece = 0 : i64}
// CHECK-SAME:    {kernel.piece = 1 : i64}
// CHECK:         kernel.call @k_piece0(
// CHECK-NEXT:    kernel.call @k_piece1(
kernel.func @k(%x: memref<8xf32>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}
func.func @main(%a: memref<8xf32>) -> memref<8xf32> {
  %b = kernel.alloc : memref<8xf32>
  kernel.call @k(%a, %b) : memref<8xf32>, memref<8xf32>
  func.return %b : memref<8xf32>
}
