// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Each channel has its statistics.

// CHECK: 'dnn.batch_norm' does not verify: found [1] for 3 channels, expected [3]
func.func @batch_norm(%a: tensor<1x3x8xf32>, %b: tensor<3xf32>, %c: tensor<3xf32>, %d: tensor<3xf32>, %e: tensor<1xf32>) {
  %r = dnn.batch_norm %a, %b, %c, %d, %e {epsilon = 1.000000e-05 : f64} : (tensor<1x3x8xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<1xf32>) -> tensor<1x3x8xf32>
  func.return
}

// -----

// Statistics are of floats.

// CHECK: 'dnn.layer_norm' does not verify: found elements of type i32, expected floats
func.func @integers(%a: tensor<8xi32>, %b: tensor<8xi32>) {
  %r = dnn.layer_norm %a, %b {axis = 0 : i64, epsilon = 1.000000e-05 : f64} : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
  func.return
}

// -----

// The axis is counted from 0.

// CHECK: 'dnn.layer_norm' does not verify: axis -1 is not one of 2 axes, counted from 0
func.func @axis(%a: tensor<2x8xf32>, %b: tensor<8xf32>) {
  %r = dnn.layer_norm %a, %b {axis = -1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  func.return
}

// -----

// The scale broadcasts to the input, not the input to the scale.

// CHECK: 'dnn.rms_norm' does not verify: a parameter of shape [2, 8] does not broadcast to [8]
func.func @scale(%a: tensor<8xf32>, %b: tensor<2x8xf32>) {
  %r = dnn.rms_norm %a, %b {axis = 0 : i64, epsilon = 1.000000e-05 : f64} : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<8xf32>
  func.return
}

// -----

// Groups are equal.

// CHECK: 'dnn.group_norm' does not verify: 4 channels do not make 3 equal groups
func.func @groups(%a: tensor<1x4x8xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) {
  %r = dnn.group_norm %a, %b, %c {groups = 3 : i64, epsilon = 1.000000e-05 : f64} : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  func.return
}

// -----

// Axes stand in order.

// CHECK: 'dnn.mean_variance_norm' does not verify: found axes [2, 0], expected some, counted from 0, in order
func.func @axes(%a: tensor<2x3x8xf32>) {
  %r = dnn.mean_variance_norm %a {axes = array<i64: 2, 0>} : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  func.return
}

// -----

// There are two norms.

// CHECK: 'dnn.lp_norm' does not verify: found a norm of order 3, expected 1 or 2
func.func @order(%a: tensor<2x3xf32>) {
  %r = dnn.lp_norm %a {axis = 0 : i64, p = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}
