// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// The slope is read where it broadcasts from.

// CHECK-LABEL: @prelu
// CHECK: %[[X:.*]] = kernel.read %x[%m, %n] : tensor<2x3xf32>
// CHECK: %[[S:.*]] = kernel.read %s[%n] : tensor<3xf32>
// CHECK: %[[P:.*]] = arith.mulf %[[S]], %[[X]]
// CHECK: %[[N:.*]] = arith.cmpf olt, %[[X]]
// CHECK: arith.select %[[N]], %[[P]], %[[X]] : f32
func.func @prelu(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dnn.prelu %x, %s : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// Factors of one are left out.

// CHECK-LABEL: @elu
// CHECK-NOT: arith.mulf
// CHECK: math.expm1
// CHECK-NOT: arith.mulf
// CHECK: arith.select
func.func @elu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dnn.elu %x {alpha = 1.0 : f64, rate = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// Unsigned integers that fill their type are compared as such.

// CHECK-LABEL: @clip
// CHECK: arith.minui
func.func @clip(%x: tensor<4xui32>) -> tensor<4xui32> {
  %0 = dnn.clip %x {high = 6 : i64} : (tensor<4xui32>) -> tensor<4xui32>
  func.return %0 : tensor<4xui32>
}
