// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Indices are integers.

// CHECK: 'dnn.gather' does not verify: the indices have elements of type f32, expected i32 or i64
func.func @indices(%a: tensor<4xf32>, %b: tensor<2xf32>) {
  %r = dnn.gather %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return
}

// -----

// The axis is one of the input.

// CHECK: 'dnn.gather' does not verify: axis 1 is not one of 1 axes
func.func @axis(%a: tensor<4xf32>, %b: tensor<2xi64>) {
  %r = dnn.gather %a, %b {axis = 1 : i64} : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  func.return
}

// -----

// Other axes are no longer than those of the input.

// CHECK: 'dnn.gather_elements' does not verify: indices [4, 2] do not fit [3, 4] along the axes other than 1
func.func @elements(%a: tensor<3x4xf32>, %b: tensor<4x2xi64>) {
  %r = dnn.gather_elements %a, %b {axis = 1 : i64} : (tensor<3x4xf32>, tensor<4x2xi64>) -> tensor<4x2xf32>
  func.return
}

// -----

// There are at most as many coordinates as axes.

// CHECK: 'dnn.gather_nd' does not verify: indices [7, 3] do not address [3, 4] behind 0 batch axes
func.func @coordinates(%a: tensor<3x4xf32>, %b: tensor<7x3xi64>) {
  %r = dnn.gather_nd %a, %b {batch_dims = 0 : i64} : (tensor<3x4xf32>, tensor<7x3xi64>) -> tensor<7xf32>
  func.return
}

// -----

// There is a length for each sequence.

// CHECK: 'dnn.reverse_sequence' does not verify: lengths [3] do not fit axis 1 of [4, 2]
func.func @lengths(%a: tensor<4x2xf32>, %b: tensor<3xi64>) {
  %r = dnn.reverse_sequence %a, %b {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<3xi64>) -> tensor<4x2xf32>
  func.return
}
