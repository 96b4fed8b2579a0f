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

// How many elements of a sorted vector are not larger.

// CHECK-LABEL: @search_sorted
// CHECK: dnn.search_sorted %a, %b : (tensor<9xf32>, tensor<2x3xf32>) -> tensor<2x3xi32>
func.func @search_sorted(%a: tensor<9xf32>, %b: tensor<2x3xf32>) -> tensor<2x3xi32> {
  %r = dnn.search_sorted %a, %b : (tensor<9xf32>, tensor<2x3xf32>) -> tensor<2x3xi32>
  func.return %r : tensor<2x3xi32>
}

// The places of boxes, with and without a least score.

// CHECK-LABEL: @non_max_suppression
// CHECK: dnn.non_max_suppression %b, %s {most = 2 : i64, overlap = 5.000000e-01 : f64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x2xi64>
// CHECK: dnn.non_max_suppression %b, %s {least = 2.500000e-01 : f64, most = 6 : i64, overlap = 0.000000e+00 : f64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x6xi64>
func.func @non_max_suppression(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>) -> (tensor<1x2x2xi64>, tensor<1x2x6xi64>) {
  %0 = dnn.non_max_suppression %b, %s {most = 2 : i64, overlap = 0.5 : f64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x2xi64>
  %1 = dnn.non_max_suppression %b, %s {least = 0.25 : f64, most = 6 : i64, overlap = 0.0 : f64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x6xi64>
  func.return %0, %1 : tensor<1x2x2xi64>, tensor<1x2x6xi64>
}
