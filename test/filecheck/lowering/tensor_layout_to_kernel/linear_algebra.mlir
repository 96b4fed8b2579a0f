// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// An operand without a batch axis is read alike for each batch; narrow integers return to their range.

// CHECK-LABEL: @matmul
// CHECK: kernel.reduce add (%k = 3) from %{{.*}} : i32
// CHECK-NEXT: kernel.read %a[%m, %k]
// CHECK-NEXT: kernel.read %b[%b_1, %k, %n]
// CHECK: arith.shli
// CHECK-NEXT: arith.shrsi
func.func @matmul(%a: tensor<2x3xi8>, %b: tensor<5x3x4xi8>) -> tensor<5x2x4xi8> {
  %y = dnn.matmul %a, %b : (tensor<2x3xi8>, tensor<5x3x4xi8>) -> tensor<5x2x4xi8>
  func.return %y : tensor<5x2x4xi8>
}

// A letter that stands twice is one index.

// CHECK-LABEL: @trace
// CHECK-NEXT: kernel.compute () -> tensor<f32>
// CHECK: kernel.reduce add (%i = 3)
// CHECK-NEXT: kernel.read %a[%i, %i]
func.func @trace(%a: tensor<3x3xf32>) -> tensor<f32> {
  %y = dnn.einsum %a {equation = "ii->"} : (tensor<3x3xf32>) -> tensor<f32>
  func.return %y : tensor<f32>
}
