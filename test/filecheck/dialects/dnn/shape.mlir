// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// The same elements under another shape.

// CHECK-LABEL: @reshape
// CHECK: dnn.reshape %a {shape = array<i64: 3, 4>} : (tensor<2x6xf32>) -> tensor<3x4xf32>
func.func @reshape(%a: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %r = dnn.reshape %a {shape = array<i64: 3, 4>} : (tensor<2x6xf32>) -> tensor<3x4xf32>
  func.return %r : tensor<3x4xf32>
}

// Axis i of the result is axis permutation[i] of the operand.

// CHECK-LABEL: @transpose
// CHECK: dnn.transpose %a {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
func.func @transpose(%a: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %r = dnn.transpose %a {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  func.return %r : tensor<4x2x3xf32>
}

// Steps may be negative.

// CHECK-LABEL: @slice
// CHECK: dnn.slice %a {starts = array<i64: 0, 5>, sizes = array<i64: 2, 3>, steps = array<i64: 1, -2>} : (tensor<2x6xf32>) -> tensor<2x3xf32>
func.func @slice(%a: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %r = dnn.slice %a {starts = array<i64: 0, 5>, sizes = array<i64: 2, 3>, steps = array<i64: 1, -2>} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  func.return %r : tensor<2x3xf32>
}

// Operands of one shape but for the axis.

// CHECK-LABEL: @concat
// CHECK: dnn.concat %a, %b, %c {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>, tensor<2x1xf32>) -> tensor<2x9xf32>
func.func @concat(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>, %c: tensor<2x1xf32>) -> tensor<2x9xf32> {
  %r = dnn.concat %a, %b, %c {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>, tensor<2x1xf32>) -> tensor<2x9xf32>
  func.return %r : tensor<2x9xf32>
}

// Axes of extent 1 and new leading axes are repeated.

// CHECK-LABEL: @expand
// CHECK: dnn.expand %a {shape = array<i64: 2, 3, 4>} : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
func.func @expand(%a: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  %r = dnn.expand %a {shape = array<i64: 2, 3, 4>} : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  func.return %r : tensor<2x3x4xf32>
}

// The operand side by side.

// CHECK-LABEL: @tile
// CHECK: dnn.tile %a {repeats = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
func.func @tile(%a: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %r = dnn.tile %a {repeats = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  func.return %r : tensor<2x6xf32>
}

// Padding with the nearest element, or with a value; negative pads cut off.

// CHECK-LABEL: @pad_edge
// CHECK: dnn.pad %a {mode = "edge", pads = array<i64: 0, 1, 0, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
func.func @pad_edge(%a: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %r = dnn.pad %a {mode = "edge", pads = array<i64: 0, 1, 0, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  func.return %r : tensor<2x6xf32>
}

// A value to pad with is an operand of one element.

// CHECK-LABEL: @pad_value
// CHECK: dnn.pad %a, %b {mode = "constant", pads = array<i64: 0, -1, 0, 2>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x4xf32>
func.func @pad_value(%a: tensor<2x3xf32>, %b: tensor<f32>) -> tensor<2x4xf32> {
  %r = dnn.pad %a, %b {mode = "constant", pads = array<i64: 0, -1, 0, 2>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x4xf32>
  func.return %r : tensor<2x4xf32>
}

// A triangle of each matrix.

// CHECK-LABEL: @trilu
// CHECK: dnn.trilu %a {k = -1 : i64, upper = true} : (tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
func.func @trilu(%a: tensor<2x4x5xf32>) -> tensor<2x4x5xf32> {
  %r = dnn.trilu %a {k = -1 : i64, upper = true} : (tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  func.return %r : tensor<2x4x5xf32>
}
