// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// There are only so many elements.

// CHECK: 'dnn.top_k' does not verify: cannot take 6 of the 5 elements along axis 1
func.func @top_k(%a: tensor<2x5xf32>) {
  %r, %s = dnn.top_k %a {axis = 1 : i64, k = 6 : i64, largest = true} : (tensor<2x5xf32>) -> (tensor<2x6xf32>, tensor<2x6xi64>)
  func.return
}

// -----

// The axis is one of the input.

// CHECK: 'dnn.arg_max' does not verify: axis 2 is not one of 2 axes
func.func @arg_max(%a: tensor<2x3xf32>) {
  %r = dnn.arg_max %a {axis = 2 : i64, keepdims = true, select_last = false} : (tensor<2x3xf32>) -> tensor<2x3xi64>
  func.return
}
