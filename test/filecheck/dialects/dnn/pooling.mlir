// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// The largest element of windows.

// CHECK-LABEL: @max_pool
// CHECK: dnn.max_pool %a {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
func.func @max_pool(%a: tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32> {
  %r = dnn.max_pool %a {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
  func.return %r : tensor<1x3x4x4xf32>
}

// A last window may hang over the end.

// CHECK-LABEL: @ceil_mode
// CHECK: dnn.max_pool %a {kernel = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = true} : (tensor<1x3x8xi8>) -> tensor<1x3x4xi8>
func.func @ceil_mode(%a: tensor<1x3x8xi8>) -> tensor<1x3x4xi8> {
  %r = dnn.max_pool %a {kernel = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = true} : (tensor<1x3x8xi8>) -> tensor<1x3x4xi8>
  func.return %r : tensor<1x3x4xi8>
}

// Where the largest elements lie.

// CHECK-LABEL: @indices
// CHECK: dnn.max_pool_with_indices %a {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false, column_major = false} : (tensor<1x3x8xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xi64>)
func.func @indices(%a: tensor<1x3x8xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xi64>) {
  %r0, %r1 = dnn.max_pool_with_indices %a {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false, column_major = false} : (tensor<1x3x8xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xi64>)
  func.return %r0, %r1 : tensor<1x3x4xf32>, tensor<1x3x4xi64>
}

// The mean of windows.

// CHECK-LABEL: @average_pool
// CHECK: dnn.average_pool %a {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
func.func @average_pool(%a: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %r = dnn.average_pool %a {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  func.return %r : tensor<1x3x8x8xf32>
}

// The norm of windows.

// CHECK-LABEL: @lp_pool
// CHECK: dnn.lp_pool %a {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 2>, ceil_mode = false, p = 3 : i64} : (tensor<1x3x8xf32>) -> tensor<1x3x3xf32>
func.func @lp_pool(%a: tensor<1x3x8xf32>) -> tensor<1x3x3xf32> {
  %r = dnn.lp_pool %a {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 2>, ceil_mode = false, p = 3 : i64} : (tensor<1x3x8xf32>) -> tensor<1x3x3xf32>
  func.return %r : tensor<1x3x3xf32>
}
