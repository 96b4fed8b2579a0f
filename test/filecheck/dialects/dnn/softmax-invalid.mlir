// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Exponentials are floats.

// CHECK: 'dnn.softmax' does not verify: found tensor<2xi32>, expected floats
func.func @floats(%a: tensor<2xi32>) {
  %r = dnn.softmax %a {axis = 0 : i64} : (tensor<2xi32>) -> tensor<2xi32>
  func.return
}

// -----

// The axis is one of the input.

// CHECK: 'dnn.log_softmax' does not verify: axis 1 is not one of 1 axes
func.func @axis(%a: tensor<2xf32>) {
  %r = dnn.log_softmax %a {axis = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  func.return
}
