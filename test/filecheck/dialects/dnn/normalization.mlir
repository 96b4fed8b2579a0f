// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// Known statistics of each channel.

// CHECK-LABEL: @batch_norm
// CHECK: dnn.batch_norm %a, %b, %c, %d, %e {epsilon = 1.000000e-05 : f64} : (tensor<1x3x8xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x8xf32>
func.func @batch_norm(%a: tensor<1x3x8xf32>, %b: tensor<3xf32>, %c: tensor<3xf32>, %d: tensor<3xf32>, %e: tensor<3xf32>) -> tensor<1x3x8xf32> {
  %r = dnn.batch_norm %a, %b, %c, %d, %e {epsilon = 1.000000e-05 : f64} : (tensor<1x3x8xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x8xf32>
  func.return %r : tensor<1x3x8xf32>
}

// Statistics of the last axes.

// CHECK-LABEL: @layer_norm
// CHECK: dnn.layer_norm %a, %b, %c {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf32>, tensor<8xf32>, tensor<3x8xf32>) -> tensor<2x3x8xf32>
func.func @layer_norm(%a: tensor<2x3x8xf32>, %b: tensor<8xf32>, %c: tensor<3x8xf32>) -> tensor<2x3x8xf32> {
  %r = dnn.layer_norm %a, %b, %c {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf32>, tensor<8xf32>, tensor<3x8xf32>) -> tensor<2x3x8xf32>
  func.return %r : tensor<2x3x8xf32>
}

// Without a bias.

// CHECK-LABEL: @layer_norm_without_bias
// CHECK: dnn.layer_norm %a, %b {axis = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
func.func @layer_norm_without_bias(%a: tensor<2x3x8xf32>, %b: tensor<8xf32>) -> tensor<2x3x8xf32> {
  %r = dnn.layer_norm %a, %b {axis = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  func.return %r : tensor<2x3x8xf32>
}

// The mean square alone.

// CHECK-LABEL: @rms_norm
// CHECK: dnn.rms_norm %a, %b {axis = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf16>, tensor<8xf16>) -> tensor<2x3x8xf16>
func.func @rms_norm(%a: tensor<2x3x8xf16>, %b: tensor<8xf16>) -> tensor<2x3x8xf16> {
  %r = dnn.rms_norm %a, %b {axis = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x3x8xf16>, tensor<8xf16>) -> tensor<2x3x8xf16>
  func.return %r : tensor<2x3x8xf16>
}

// Statistics of groups of channels.

// CHECK-LABEL: @group_norm
// CHECK: dnn.group_norm %a, %b, %c {groups = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
func.func @group_norm(%a: tensor<1x4x8xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<1x4x8xf32> {
  %r = dnn.group_norm %a, %b, %c {groups = 2 : i64, epsilon = 1.000000e-05 : f64} : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  func.return %r : tensor<1x4x8xf32>
}

// Neighbouring channels.

// CHECK-LABEL: @lrn
// CHECK: dnn.lrn %a {size = 5 : i64, alpha = 1.000000e-04 : f64, beta = 7.500000e-01 : f64, bias = 1.000000e+00 : f64} : (tensor<1x8x2xf32>) -> tensor<1x8x2xf32>
func.func @lrn(%a: tensor<1x8x2xf32>) -> tensor<1x8x2xf32> {
  %r = dnn.lrn %a {size = 5 : i64, alpha = 1.000000e-04 : f64, beta = 7.500000e-01 : f64, bias = 1.000000e+00 : f64} : (tensor<1x8x2xf32>) -> tensor<1x8x2xf32>
  func.return %r : tensor<1x8x2xf32>
}

// Statistics over any axes.

// CHECK-LABEL: @mean_variance_norm
// CHECK: dnn.mean_variance_norm %a {axes = array<i64: 0, 2>} : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
func.func @mean_variance_norm(%a: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %r = dnn.mean_variance_norm %a {axes = array<i64: 0, 2>} : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  func.return %r : tensor<2x3x8xf32>
}

// A unit vector along an axis.

// CHECK-LABEL: @lp_norm
// CHECK: dnn.lp_norm %a {axis = 1 : i64, p = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @lp_norm(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = dnn.lp_norm %a {axis = 1 : i64, p = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %r : tensor<2x3xf32>
}
