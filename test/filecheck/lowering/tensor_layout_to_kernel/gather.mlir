// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// An index that was read: negative ones count from the end, and the range is proven by clamping.

// CHECK-LABEL: @gather
// CHECK: %[[I:.*]] = kernel.read %i[%m] : tensor<2xi64>
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[I]] : i64
// CHECK: arith.maxsi
// CHECK: %[[CLAMPED:.*]] = arith.minsi
// CHECK-NEXT: %[[ROW:.*]] = arith.index_cast %[[CLAMPED]] : i64 to index
// CHECK-NEXT: kernel.read %x[%[[ROW]], %n] : tensor<9x4xf32>
func.func @gather(%x: tensor<9x4xf32>, %i: tensor<2xi64>) -> tensor<2x4xf32> {
  %0 = dnn.gather %x, %i {axis = 0 : i64} : (tensor<9x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  func.return %0 : tensor<2x4xf32>
}

// Coordinates lie along the last axis of the indices.

// CHECK-LABEL: @gather_nd
// CHECK: kernel.read %i[%i_1, 0] : tensor<7x2xi64>
// CHECK: %[[Y:.*]] = arith.index_cast
// CHECK: kernel.read %i[%i_1, 1] : tensor<7x2xi64>
// CHECK: %[[X:.*]] = arith.index_cast
// CHECK-NEXT: kernel.read %x[%[[Y]], %[[X]]] : tensor<3x4xf32>
func.func @gather_nd(%x: tensor<3x4xf32>, %i: tensor<7x2xi64>) -> tensor<7xf32> {
  %0 = dnn.gather_nd %x, %i {batch_dims = 0 : i64} : (tensor<3x4xf32>, tensor<7x2xi64>) -> tensor<7xf32>
  func.return %0 : tensor<7xf32>
}
