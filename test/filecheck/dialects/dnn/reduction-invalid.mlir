// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Axes ascend.

// CHECK: 'dnn.reduce_sum' does not verify: found axes [1, 0], expected some of 2 axes, ascending
func.func @axes(%a: tensor<2x3xf32>) {
  %r = dnn.reduce_sum %a {axes = array<i64: 1, 0>, keepdims = true} : (tensor<2x3xf32>) -> tensor<1x1xf32>
  func.return
}

// -----

// Bools are not added up.

// CHECK: 'dnn.reduce_sum' does not verify: found bools, expected numbers
func.func @bools(%a: tensor<2xi1>) {
  %r = dnn.reduce_sum %a {axes = array<i64: 0>, keepdims = true} : (tensor<2xi1>) -> tensor<1xi1>
  func.return
}

// -----

// Exponentials are floats.

// CHECK: 'dnn.reduce_log_sum_exp' does not verify: found tensor<2xi32>, expected floats
func.func @floats(%a: tensor<2xi32>) {
  %r = dnn.reduce_log_sum_exp %a {axes = array<i64: 0>, keepdims = true} : (tensor<2xi32>) -> tensor<1xi32>
  func.return
}

// -----

// The result has the type that follows.

// CHECK: 'dnn.reduce_sum' does not verify: found result types tensor<3xf32>, expected tensor<1x3xf32>
func.func @result(%a: tensor<2x3xf32>) {
  %r = dnn.reduce_sum %a {axes = array<i64: 0>, keepdims = true} : (tensor<2x3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// The axis is one of the operand's.

// CHECK: 'dnn.cum_prod' does not verify: axis 2 is not one of 2 axes
func.func @prefix(%a: tensor<2x3xf32>) {
  %r = dnn.cum_prod %a {axis = 2 : i64, exclusive = false, reverse = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}
