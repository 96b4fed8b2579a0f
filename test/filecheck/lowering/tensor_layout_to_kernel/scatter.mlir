// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Each element of the result looks for the last update that meets it.

// CHECK-LABEL: @replace
// CHECK: %[[OLD:.*]] = kernel.read %x[%m, %n] : tensor<3x4xf32>
// CHECK: %[[LAST:.*]] = kernel.reduce max (%k = 2) from %{{.*}} : i32 {
// CHECK:   kernel.read %i[%m, %k] : tensor<3x2xi64>
// CHECK: }
// CHECK: %[[NEW:.*]] = kernel.read %u[%m, %{{.*}}] : tensor<3x2xf32>
// CHECK: %[[NONE:.*]] = arith.cmpi slt, %[[LAST]], %{{.*}} : i32
// CHECK: arith.select %[[NONE]], %[[OLD]], %[[NEW]] : f32
func.func @replace(%x: tensor<3x4xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %0 = dnn.scatter_elements %x, %i, %u {axis = 1 : i64, reduction = "none"} : (tensor<3x4xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x4xf32>
  func.return %0 : tensor<3x4xf32>
}

// Updates that combine are a reduction from the element.

// CHECK-LABEL: @add
// CHECK: %[[OLD:.*]] = kernel.read %x[%m, %n] : tensor<8x4xf32>
// CHECK: kernel.reduce add (%k = 2) from %[[OLD]] : f32 {
// CHECK:   kernel.read %i[%k, 0] : tensor<2x1xi64>
// CHECK:   kernel.read %u[%k, %n] : tensor<2x4xf32>
func.func @add(%x: tensor<8x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) -> tensor<8x4xf32> {
  %0 = dnn.scatter_nd %x, %i, %u {reduction = "add"} : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
  func.return %0 : tensor<8x4xf32>
}
