// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// The indices take the place of the axis.

// CHECK-LABEL: @gather
// CHECK: dnn.gather %a, %b {axis = 1 : i64} : (tensor<4x9x5xf32>, tensor<2x3xi64>) -> tensor<4x2x3x5xf32>
func.func @gather(%a: tensor<4x9x5xf32>, %b: tensor<2x3xi64>) -> tensor<4x2x3x5xf32> {
  %r = dnn.gather %a, %b {axis = 1 : i64} : (tensor<4x9x5xf32>, tensor<2x3xi64>) -> tensor<4x2x3x5xf32>
  func.return %r : tensor<4x2x3x5xf32>
}

// An index for each element of the result.

// CHECK-LABEL: @gather_elements
// CHECK: dnn.gather_elements %a, %b {axis = 1 : i64} : (tensor<3x4xf32>, tensor<3x2xi32>) -> tensor<3x2xf32>
func.func @gather_elements(%a: tensor<3x4xf32>, %b: tensor<3x2xi32>) -> tensor<3x2xf32> {
  %r = dnn.gather_elements %a, %b {axis = 1 : i64} : (tensor<3x4xf32>, tensor<3x2xi32>) -> tensor<3x2xf32>
  func.return %r : tensor<3x2xf32>
}

// Coordinates along the last axis of the indices, behind batch axes.

// CHECK-LABEL: @gather_nd
// CHECK: dnn.gather_nd %a, %b {batch_dims = 1 : i64} : (tensor<3x4x5x6xf32>, tensor<3x7x2xi64>) -> tensor<3x7x6xf32>
func.func @gather_nd(%a: tensor<3x4x5x6xf32>, %b: tensor<3x7x2xi64>) -> tensor<3x7x6xf32> {
  %r = dnn.gather_nd %a, %b {batch_dims = 1 : i64} : (tensor<3x4x5x6xf32>, tensor<3x7x2xi64>) -> tensor<3x7x6xf32>
  func.return %r : tensor<3x7x6xf32>
}

// A length for each sequence.

// CHECK-LABEL: @reverse_sequence
// CHECK: dnn.reverse_sequence %a, %b {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
func.func @reverse_sequence(%a: tensor<4x2xf32>, %b: tensor<2xi64>) -> tensor<4x2xf32> {
  %r = dnn.reverse_sequence %a, %b {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  func.return %r : tensor<4x2xf32>
}
