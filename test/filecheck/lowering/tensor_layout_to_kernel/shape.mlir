// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Row-major to row-major is a view.

// CHECK-LABEL: @reshape_view
// CHECK-NEXT: kernel.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
func.func @reshape_view(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %0 = dnn.reshape %x {shape = array<i64: 3, 4>} : (tensor<2x6xf32>) -> tensor<3x4xf32>
  func.return %0 : tensor<3x4xf32>
}

// Into another order, each element is read where it stood.

// CHECK-LABEL: @reshape_moves
// CHECK-NEXT: kernel.compute (%n = 4, %m = 3) -> tensor<4x3xf32>
// CHECK-NEXT: kernel.read %x[(%m * 4 + %n) floordiv 6, %m * 4 + %n + (%m * 4 + %n) floordiv 6 * -6] : tensor<2x6xf32>
func.func @reshape_moves(%x: tensor<2x6xf32>) -> tensor<3x4xf32, #tensor_layout.layout<[1, 0]>> {
  %0 = dnn.reshape %x {shape = array<i64: 3, 4>} : (tensor<2x6xf32>) -> tensor<3x4xf32, #tensor_layout.layout<[1, 0]>>
  func.return %0 : tensor<3x4xf32, #tensor_layout.layout<[1, 0]>>
}

// A layout that makes up for the permutation leaves a view; else elements move.

// CHECK-LABEL: @transpose_view
// CHECK: kernel.reshape %{{.*}} : tensor<6x2xf32> -> tensor<6x2xf32>
// CHECK-NEXT: func.return
func.func @transpose_view(%x: tensor<2x6xf32>) -> tensor<6x2xf32> {
  %0 = tensor_layout.convert %x : tensor<2x6xf32> -> tensor<2x6xf32, #tensor_layout.layout<[1, 0]>>
  %1 = dnn.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<2x6xf32, #tensor_layout.layout<[1, 0]>>) -> tensor<6x2xf32>
  func.return %1 : tensor<6x2xf32>
}

// CHECK-LABEL: @transpose_moves
// CHECK: kernel.read %x[%n, %m] : tensor<2x6xf32>
func.func @transpose_moves(%x: tensor<2x6xf32>) -> tensor<6x2xf32> {
  %0 = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
  func.return %0 : tensor<6x2xf32>
}

// A negative step is a negative coefficient.

// CHECK-LABEL: @slice
// CHECK: kernel.read %x[%m, %n * -2 + 5] : tensor<2x6xf32>
func.func @slice(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %0 = dnn.slice %x {starts = array<i64: 0, 5>, sizes = array<i64: 2, 3>, steps = array<i64: 1, -2>} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// Operands of one layout, without padding along the axis, get places in one buffer.

// CHECK-LABEL: @concat_places
// CHECK-NEXT: kernel.concat 1 %a, %b : tensor<2x3xf32>, tensor<2x5xf32> -> tensor<2x8xf32>
func.func @concat_places(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) -> tensor<2x8xf32> {
  %0 = dnn.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
  func.return %0 : tensor<2x8xf32>
}

// Elsewhere each element is taken from the operand that it falls into.

// CHECK-LABEL: @concat_padded
// CHECK: kernel.compute (%m_1 = 2, %n_1 = 8) -> tensor<2x8xf32>
// CHECK: %[[A:.*]] = kernel.read %{{.*}}[%m_1, %n_1] outside %{{.*}} : tensor<2x4xf32>
// CHECK: %[[MINE:.*]] = kernel.inside [%n_1 + -3] of [5]
// CHECK: %[[B:.*]] = kernel.read %b[%m_1, %n_1 + -3] outside %{{.*}} : tensor<2x5xf32>
// CHECK: arith.select %[[MINE]], %[[B]], %[[A]] : f32
func.func @concat_padded(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) -> tensor<2x8xf32> {
  %0 = tensor_layout.convert %a : tensor<2x3xf32> -> tensor<2x3xf32, #tensor_layout.layout<[0, 1], align 4>>
  %1 = dnn.concat %0, %b {axis = 1 : i64} : (tensor<2x3xf32, #tensor_layout.layout<[0, 1], align 4>>, tensor<2x5xf32>) -> tensor<2x8xf32>
  func.return %1 : tensor<2x8xf32>
}

// Padding with a constant is the value outside; the other modes move the index inside.

// CHECK-LABEL: @pad_constant
// CHECK: kernel.read %x[%i + -1] outside %{{.*}} : tensor<4xf32>
func.func @pad_constant(%x: tensor<4xf32>) -> tensor<7xf32> {
  %0 = dnn.pad %x {mode = "constant", pads = array<i64: 1, 2>} : (tensor<4xf32>) -> tensor<7xf32>
  func.return %0 : tensor<7xf32>
}

// CHECK-LABEL: @pad_wrap
// CHECK: kernel.read %x[%i + (%i + 3) floordiv 4 * -4 + 3] : tensor<4xf32>
func.func @pad_wrap(%x: tensor<4xf32>) -> tensor<7xf32> {
  %0 = dnn.pad %x {mode = "wrap", pads = array<i64: 1, 2>} : (tensor<4xf32>) -> tensor<7xf32>
  func.return %0 : tensor<7xf32>
}

// What the layout stores as padding is not what lies outside.

// CHECK-LABEL: @pad_of_padded
// CHECK: kernel.compute (%i_1 = 6) -> tensor<6xf32>
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[STORED:.*]] = kernel.read %{{.*}}[%i_1 + -1] outside %[[ZERO]] : tensor<4xf32>
// CHECK: %[[INSIDE:.*]] = kernel.inside [%i_1 + -1] of [3]
// CHECK: arith.select %[[INSIDE]], %[[STORED]], %[[ZERO]] : f32
func.func @pad_of_padded(%x: tensor<3xf32>) -> tensor<6xf32> {
  %0 = tensor_layout.convert %x : tensor<3xf32> -> tensor<3xf32, #tensor_layout.layout<[0], align 4>>
  %1 = dnn.pad %0 {mode = "constant", pads = array<i64: 1, 2>} : (tensor<3xf32, #tensor_layout.layout<[0], align 4>>) -> tensor<6xf32>
  func.return %1 : tensor<6xf32>
}
