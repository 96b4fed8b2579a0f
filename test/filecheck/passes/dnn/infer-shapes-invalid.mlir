// RUN: not webdnn-opt %s --pass-pipeline=dnn-infer-shapes --split-input-file 2>&1 | filecheck %s

// An extent that contradicts the operands is found once these are known.
// CHECK: 'dnn.relu' has a result of type tensor<5x?xf32>, expected tensor<3x2xf32>
// CHECK-NEXT: hint: correct the shapes
func.func @contradiction(%x: tensor<2x3xf32>) -> tensor<5x?xf32> {
  %t = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<?x?xf32>
  %y = dnn.relu %t : (tensor<?x?xf32>) -> tensor<5x?xf32>
  func.return %y : tensor<5x?xf32>
}

// -----

// Operands that turn out not to fit are refused.
// CHECK: 'dnn.reshape' cannot have a shape: cannot reshape [3, 2] to [7]
func.func @misfit(%x: tensor<2x3xf32>) -> tensor<7xf32> {
  %t = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<?x?xf32>
  %y = dnn.reshape %t {shape = array<i64: 7>} : (tensor<?x?xf32>) -> tensor<7xf32>
  func.return %y : tensor<7xf32>
}
