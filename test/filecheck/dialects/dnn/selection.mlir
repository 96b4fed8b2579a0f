// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// The index of an extreme element is an i64.

// CHECK-LABEL: @arg_max
// CHECK: dnn.arg_max %a {axis = 1 : i64, keepdims = true, select_last = false} : (tensor<2x3xf32>) -> tensor<2x1xi64>
func.func @arg_max(%a: tensor<2x3xf32>) -> tensor<2x1xi64> {
  %r = dnn.arg_max %a {axis = 1 : i64, keepdims = true, select_last = false} : (tensor<2x3xf32>) -> tensor<2x1xi64>
  func.return %r : tensor<2x1xi64>
}

// The axis may go, and the last of equal elements be taken.

// CHECK-LABEL: @arg_min
// CHECK: dnn.arg_min %a {axis = 0 : i64, keepdims = false, select_last = true} : (tensor<2x3xf32>) -> tensor<3xi64>
func.func @arg_min(%a: tensor<2x3xf32>) -> tensor<3xi64> {
  %r = dnn.arg_min %a {axis = 0 : i64, keepdims = false, select_last = true} : (tensor<2x3xf32>) -> tensor<3xi64>
  func.return %r : tensor<3xi64>
}

// Elements and their indices.

// CHECK-LABEL: @top_k
// CHECK: dnn.top_k %a {axis = 1 : i64, k = 2 : i64, largest = true} : (tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
func.func @top_k(%a: tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>) {
  %r, %s = dnn.top_k %a {axis = 1 : i64, k = 2 : i64, largest = true} : (tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
  func.return %r, %s : tensor<2x2xf32>, tensor<2x2xi64>
}
