// RUN: webdnn-opt %s -p convert-dnn-to-tensor-layout --verify-each --split-input-file | filecheck %s

// Every tensor becomes row-major, the function's arguments and results too; a constant keeps its plain type.

// CHECK-LABEL: func.func @main(%x: tensor<2x3xf32, #tensor_layout.layout<[0, 1]>>) -> tensor<2x3xf32, #tensor_layout.layout<[0, 1]>> {
// CHECK-NEXT: %b = dnn.constant dense<{{.*}}> : tensor<3xf32> : tensor<3xf32>
// CHECK-NEXT: dnn.add %x, %b : (tensor<2x3xf32, #tensor_layout.layout<[0, 1]>>, tensor<3xf32>) -> tensor<2x3xf32, #tensor_layout.layout<[0, 1]>>
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %b = dnn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> : tensor<3xf32>
  %0 = dnn.add %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// -----

// A constant that is returned is converted, since a result has an explicit layout.

// CHECK-LABEL: func.func @constant() -> tensor<2xf32, #tensor_layout.layout<[0]>> {
// CHECK: %[[C:.*]] = tensor_layout.convert %c : tensor<2xf32> -> tensor<2xf32, #tensor_layout.layout<[0]>>
// CHECK-NEXT: func.return %[[C]]
func.func @constant() -> tensor<2xf32> {
  %c = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  func.return %c : tensor<2xf32>
}

// -----

// A scalar has an order of no axes; a declaration stays as it is.

// CHECK-LABEL: func.func @scalar(%x: tensor<f32, #tensor_layout.layout<[]>>)
// CHECK: func.func private @elsewhere(tensor<2xf32>) -> tensor<2xf32>
func.func @scalar(%x: tensor<f32>) -> tensor<f32> {
  %0 = dnn.relu %x : (tensor<f32>) -> tensor<f32>
  func.return %0 : tensor<f32>
}
func.func private @elsewhere(tensor<2xf32>) -> tensor<2xf32>
