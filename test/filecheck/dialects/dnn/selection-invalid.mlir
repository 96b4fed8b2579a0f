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

// -----

// What is searched in is a vector.

// CHECK: 'dnn.search_sorted' does not verify: [3, 3] is no vector to search in
func.func @search_sorted(%a: tensor<3x3xf32>, %b: tensor<2xf32>) {
  %r = dnn.search_sorted %a, %b : (tensor<3x3xf32>, tensor<2xf32>) -> tensor<2xi32>
  func.return
}

// -----

// Every box has a score in every class.

// CHECK: 'dnn.non_max_suppression' does not verify: boxes [1, 6, 4] and scores [1, 2, 5], expected (B, N, 4) and (B, C, N)
func.func @boxes(%b: tensor<1x6x4xf32>, %s: tensor<1x2x5xf32>) {
  %r = dnn.non_max_suppression %b, %s {most = 2 : i64, overlap = 0.5 : f64} : (tensor<1x6x4xf32>, tensor<1x2x5xf32>) -> tensor<1x2x2xi64>
  func.return
}
