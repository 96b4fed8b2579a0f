// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// Leading axes broadcast.

// CHECK-LABEL: @matmul
// CHECK: dnn.matmul %a, %b : (tensor<2x1x3x4xf32>, tensor<5x4x6xf32>) -> tensor<2x5x3x6xf32>
func.func @matmul(%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x6xf32>) -> tensor<2x5x3x6xf32> {
  %r = dnn.matmul %a, %b : (tensor<2x1x3x4xf32>, tensor<5x4x6xf32>) -> tensor<2x5x3x6xf32>
  func.return %r : tensor<2x5x3x6xf32>
}

// A sum over axes that the result does not name.

// CHECK-LABEL: @einsum
// CHECK: dnn.einsum %a, %b {equation = "bij,bkj->bik"} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
func.func @einsum(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %r = dnn.einsum %a, %b {equation = "bij,bkj->bik"} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  func.return %r : tensor<2x3x5xf32>
}

// A letter that stands twice takes the diagonal.

// CHECK-LABEL: @diagonal
// CHECK: dnn.einsum %a {equation = "ii->"} : (tensor<3x3xi32>) -> tensor<i32>
func.func @diagonal(%a: tensor<3x3xi32>) -> tensor<i32> {
  %r = dnn.einsum %a {equation = "ii->"} : (tensor<3x3xi32>) -> tensor<i32>
  func.return %r : tensor<i32>
}
