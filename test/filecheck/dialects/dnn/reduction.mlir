// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// The axis stays with extent 1.

// CHECK-LABEL: @reduce_sum
// CHECK: dnn.reduce_sum %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
func.func @reduce_sum(%a: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  %r = dnn.reduce_sum %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  func.return %r : tensor<2x1x4xf32>
}

// So it does in a mean,

// CHECK-LABEL: @reduce_mean
// CHECK: dnn.reduce_mean %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
func.func @reduce_mean(%a: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  %r = dnn.reduce_mean %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  func.return %r : tensor<2x1x4xf32>
}

// in a product,

// CHECK-LABEL: @reduce_prod
// CHECK: dnn.reduce_prod %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
func.func @reduce_prod(%a: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  %r = dnn.reduce_prod %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  func.return %r : tensor<2x1x4xf32>
}

// in a maximum,

// CHECK-LABEL: @reduce_max
// CHECK: dnn.reduce_max %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
func.func @reduce_max(%a: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  %r = dnn.reduce_max %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  func.return %r : tensor<2x1x4xf32>
}

// and in a logarithm of a sum of exponentials.

// CHECK-LABEL: @reduce_log_sum_exp
// CHECK: dnn.reduce_log_sum_exp %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
func.func @reduce_log_sum_exp(%a: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  %r = dnn.reduce_log_sum_exp %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  func.return %r : tensor<2x1x4xf32>
}

// Or the axes go.

// CHECK-LABEL: @reduce_min
// CHECK: dnn.reduce_min %a {axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xi8>) -> tensor<3xi8>
func.func @reduce_min(%a: tensor<2x3x4xi8>) -> tensor<3xi8> {
  %r = dnn.reduce_min %a {axes = array<i64: 0, 2>, keepdims = false} : (tensor<2x3x4xi8>) -> tensor<3xi8>
  func.return %r : tensor<3xi8>
}

// Bools have a greatest element too.

// CHECK-LABEL: @bools
// CHECK: dnn.reduce_max %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xi1>) -> tensor<2x1x4xi1>
func.func @bools(%a: tensor<2x3x4xi1>) -> tensor<2x1x4xi1> {
  %r = dnn.reduce_max %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3x4xi1>) -> tensor<2x1x4xi1>
  func.return %r : tensor<2x1x4xi1>
}

// Sums of what comes before, or behind.

// CHECK-LABEL: @cum_sum
// CHECK: dnn.cum_sum %a {axis = 1 : i64, exclusive = false, reverse = true} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @cum_sum(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = dnn.cum_sum %a {axis = 1 : i64, exclusive = false, reverse = true} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %r : tensor<2x3xf32>
}

// Products of what comes before.

// CHECK-LABEL: @cum_prod
// CHECK: dnn.cum_prod %a {axis = 1 : i64, exclusive = true, reverse = false} : (tensor<2x3xi32>) -> tensor<2x3xi32>
func.func @cum_prod(%a: tensor<2x3xi32>) -> tensor<2x3xi32> {
  %r = dnn.cum_prod %a {axis = 1 : i64, exclusive = true, reverse = false} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  func.return %r : tensor<2x3xi32>
}
