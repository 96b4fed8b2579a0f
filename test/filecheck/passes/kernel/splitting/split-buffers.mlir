// RUN: webdnn-opt %s --pass-pipeline='kernel-split-buffers{bytes=32 bindings=3}' --split-input-file | filecheck %s

// A kernel becomes one for each piece of its result, and reads the pieces that its indices reach.

// CHECK:       kernel.func @k_piece0(%x: memref<8xf32>, %y: memref<8xf32>) {
// CHECK-NEXT:    kernel.compute (%i = 8) {
// CHECK-NEXT:      %v = kernel.read %x[%i] : memref<8xf32>
// CHECK-NEXT:      kernel.write %v, %y[%i] : memref<8xf32>
// CHECK:       kernel.func @k_piece1(%x_1: memref<8xf32>, %y_1: memref<8xf32>) {
// CHECK-NEXT:    kernel.compute (%i_1 = 8) {
// CHECK-NEXT:      %v_1 = kernel.read %x_1[%i_1] : memref<8xf32>
// CHECK-NOT:   kernel.func @k(
// CHECK:       func.func @main(%a: memref<8xf32> {kernel.piece = 0 : i64}, %a_1: memref<8xf32> {kernel.piece = 1 : i64})
// CHECK-SAME:    -> (memref<8xf32> {kernel.piece = 0 : i64}, memref<8xf32> {kernel.piece = 1 : i64})
// CHECK:         kernel.call @k_piece0(%a, %b)
// CHECK-NEXT:    kernel.call @k_piece1(%a_1, %b_1)
// CHECK-NEXT:    func.return %b, %b_1
kernel.func @k(%x: memref<16xf32>, %y: memref<16xf32>) {
  kernel.compute (%i = 16) {
    %v = kernel.read %x[%i] : memref<16xf32>
    kernel.write %v, %y[%i] : memref<16xf32>
  }
}
func.func @main(%a: memref<16xf32>) -> memref<16xf32> {
  %b = kernel.alloc : memref<16xf32>
  kernel.call @k(%a, %b) : memref<16xf32>, memref<16xf32>
  func.return %b : memref<16xf32>
}

// -----

// Rows of a result are the digits of the position in its piece; a window takes its halo from the next piece.

// CHECK:       kernel.func @row_piece0(%x: memref<8xf32>, %x_1: memref<8xf32>, %y: memref<8xf32>) {
// CHECK-NEXT:    kernel.compute (%i = 8) {
// CHECK-NEXT:      %{{.*}} = kernel.read %x_1[%i + -4] : memref<8xf32>
// CHECK-NEXT:      %{{.*}} = kernel.read %x[%i + 4] : memref<8xf32>
// CHECK-NEXT:      %{{.*}} = kernel.inside [%i + 4] of [8]
// CHECK-NEXT:      %{{.*}} = arith.select
// CHECK-NEXT:      kernel.write %{{.*}}, %y[%i] : memref<8xf32>
// CHECK:       kernel.func @row_piece1(%x_2: memref<8xf32>, %x_3: memref<4xf32>, %y_1: memref<8xf32>) {
kernel.func @row(%x: memref<20xf32>, %y: memref<16xf32>) {
  kernel.compute (%i = 4, %j = 4) {
    %v = kernel.read %x[%i * 4 + %j + 4] : memref<20xf32>
    kernel.write %v, %y[%i * 4 + %j] : memref<16xf32>
  }
}

// -----

// An index that depends on data chooses among all pieces of a constant.

// CHECK:       kernel.func @gather(%w: memref<8xf32>, %w_1: memref<8xf32>, %y: memref<4xf32>) {
// CHECK:         kernel.read %w_1[%n + -8] : memref<8xf32>
// CHECK:         kernel.read %w[%n] : memref<8xf32>
// CHECK:         kernel.inside [%n] of [8]
kernel.func @gather(%w: memref<16xf32>, %y: memref<4xf32>) {
  kernel.compute (%i = 4) {
    %at = arith.constant 9 : i32
    %n = arith.index_cast %at : i32 to index
    %v = kernel.read %w[%n] : memref<16xf32>
    kernel.write %v, %y[%i] : memref<4xf32>
  }
}

// -----

// What fits stays.

// CHECK:       kernel.func @small(%x: memref<8xf32>, %y: memref<8xf32>) {
// CHECK-NEXT:    kernel.compute (%i = 8) {
kernel.func @small(%x: memref<8xf32>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}
