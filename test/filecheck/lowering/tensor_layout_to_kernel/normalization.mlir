// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Mean, variance about the mean, and the point are one kernel.

// CHECK-LABEL: @layer_norm
// CHECK-NEXT: kernel.compute (%b_1 = 2, %m = 3, %n = 8) -> tensor<2x3x8xf32>
// CHECK: kernel.reduce add (%k = 8)
// CHECK: %[[MEAN:.*]] = arith.divf
// CHECK: %[[SQUARES:.*]] = kernel.reduce add (%k_1 = 8)
// CHECK: %[[X:.*]] = kernel.read %x[%b_1, %m, %k_1]
// CHECK-NEXT: %[[C:.*]] = arith.subf %[[X]], %[[MEAN]]
// CHECK-NEXT: arith.mulf %[[C]], %[[C]]
// CHECK: math.sqrt
// CHECK: kernel.read %s[%n]
// CHECK: kernel.read %b[%n]
// CHECK-NOT: kernel.compute
func.func @layer_norm(%x: tensor<2x3x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<2x3x8xf32> {
  %y = dnn.layer_norm %x, %s, %b {axis = 2 : i64, epsilon = 1.0e-5 : f64}
     : (tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  func.return %y : tensor<2x3x8xf32>
}

// A group of channels begins at a multiple of its size.

// CHECK-LABEL: @group_norm
// CHECK: kernel.reduce add (%k = 2, %k_1 = 8)
// CHECK-NEXT: kernel.read %x[%b, %m floordiv 2 * 2 + %k, %k_1]
func.func @group_norm(%x: tensor<1x4x8xf32>, %s: tensor<4xf32>) -> tensor<1x4x8xf32> {
  %y = dnn.group_norm %x, %s, %s {groups = 2 : i64, epsilon = 1.0e-5 : f64}
     : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  func.return %y : tensor<1x4x8xf32>
}

// A batch normalization has no reduction.

// CHECK-LABEL: @batch_norm
// CHECK-NOT: kernel.reduce
// CHECK: kernel.read %s[%m]
func.func @batch_norm(%x: tensor<1x4x8xf32>, %s: tensor<4xf32>) -> tensor<1x4x8xf32> {
  %y = dnn.batch_norm %x, %s, %s, %s, %s {epsilon = 1.0e-5 : f64}
     : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  func.return %y : tensor<1x4x8xf32>
}

// Channels that are not there count as zero; the exponent 3/4 takes two roots.

// CHECK-LABEL: @lrn
// CHECK: kernel.reduce add (%k = 3)
// CHECK: kernel.read %x[%b, %m + %k + -1, %n] outside
// CHECK: math.sqrt
// CHECK: math.sqrt
// CHECK-NOT: math.powf
func.func @lrn(%x: tensor<1x8x2xf32>) -> tensor<1x8x2xf32> {
  %y = dnn.lrn %x {size = 3 : i64, alpha = 1.0e-4 : f64, beta = 0.75 : f64, bias = 1.0 : f64}
     : (tensor<1x8x2xf32>) -> tensor<1x8x2xf32>
  func.return %y : tensor<1x8x2xf32>
}
