// RUN: webdnn-opt %s --pass-pipeline=dnn-pad-empty-tensors --split-input-file --verify-each | filecheck %s

// Inputs and outputs without elements get one; the constants that stood for them go.
// CHECK-LABEL: func.func @empty(%x: tensor<1x3xf32>) -> tensor<1xi64>
// CHECK-NEXT: %{{.*}} = dnn.constant dense<0> : tensor<1xi64>
// CHECK-NEXT: func.return %{{.*}} : tensor<1xi64>
func.func @empty(%x: tensor<0x3xf32>) -> tensor<0xi64> {
  %y = dnn.reshape %x {shape = array<i64: 0>} : (tensor<0x3xf32>) -> tensor<0xf32>
  %z = dnn.cast %y {to = i64} : (tensor<0xf32>) -> tensor<0xi64>
  func.return %z : tensor<0xi64>
}

// -----

// What has elements stays as it is.
// CHECK-LABEL: func.func @filled(%x: tensor<2xf32>) -> tensor<2xf32>
// CHECK-NEXT: func.return %x : tensor<2xf32>
func.func @filled(%x: tensor<2xf32>) -> tensor<2xf32> {
  func.return %x : tensor<2xf32>
}
