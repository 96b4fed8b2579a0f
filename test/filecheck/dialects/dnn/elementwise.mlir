// RUN: webdnn-opt %s | webdnn-opt | filecheck %s

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<2x3xf32>, %b: tensor<3xf32>, %p: tensor<3xi1>) {
  // CHECK: dnn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = dnn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.add %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = dnn.add %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.less %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  %2 = dnn.less %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  // CHECK: dnn.where %p, %x, %b : (tensor<3xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %3 = dnn.where %p, %x, %b : (tensor<3xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return
}
