// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// Floats normalized along an axis.

// CHECK-LABEL: @softmax
// CHECK: dnn.softmax %a {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @softmax(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = dnn.softmax %a {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %r : tensor<2x3xf32>
}

// The logarithm of that.

// CHECK-LABEL: @log_softmax
// CHECK: dnn.log_softmax %a {axis = 0 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
func.func @log_softmax(%a: tensor<2x3xf16>) -> tensor<2x3xf16> {
  %r = dnn.log_softmax %a {axis = 0 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  func.return %r : tensor<2x3xf16>
}
