// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// A reduction is a value inside the body; the mean divides it.

// CHECK-LABEL: @mean
// CHECK: %[[SUM:.*]] = kernel.reduce add (%k = 3) from %{{.*}} : f32 {
// CHECK-NEXT: %[[X:.*]] = kernel.read %x[%m, %k, %n] : tensor<2x3x4xf32>
// CHECK-NEXT: kernel.yield %[[X]] : f32
// CHECK: arith.divf %[[SUM]], %{{.*}} : f32
func.func @mean(%x: tensor<2x3x4xf32>) -> tensor<2x4xf32> {
  %0 = dnn.reduce_mean %x {axes = array<i64: 1>, keepdims = false} : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  func.return %0 : tensor<2x4xf32>
}

// Unsigned numbers are compared with their sign bit turned.

// CHECK-LABEL: @unsigned_max
// CHECK: %[[MAX:.*]] = kernel.reduce max (%k = 3) from %{{.*}} : i32 {
// CHECK: arith.xori
// CHECK: }
// CHECK: arith.xori %[[MAX]], %{{.*}} : i32
func.func @unsigned_max(%x: tensor<2x3xui32>) -> tensor<2x1xui32> {
  %0 = dnn.reduce_max %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x3xui32>) -> tensor<2x1xui32>
  func.return %0 : tensor<2x1xui32>
}

// The greatest of bools is whether any holds.

// CHECK-LABEL: @any
// CHECK: kernel.reduce or (%k = 3) from %{{.*}} : i1
func.func @any(%x: tensor<3xi1>) -> tensor<i1> {
  %0 = dnn.reduce_max %x {axes = array<i64: 0>, keepdims = false} : (tensor<3xi1>) -> tensor<i1>
  func.return %0 : tensor<i1>
}

// Prefixes of 16 elements, then of all: two passes, the first one shifted.

// CHECK-LABEL: @prefix_sums
// CHECK: %[[FIRST:.*]] = kernel.compute (%i = 40) -> tensor<40xf32>
// CHECK: kernel.reduce add (%k = 16)
// CHECK: kernel.read %x[%i + %k * -1 + -1] outside %{{.*}} : tensor<40xf32>
// CHECK: kernel.compute (%i_1 = 40) -> tensor<40xf32>
// CHECK: kernel.reduce add (%k_1 = 3)
// CHECK: kernel.read %[[FIRST]][%i_1 + %k_1 * -16] outside %{{.*}} : tensor<40xf32>
func.func @prefix_sums(%x: tensor<40xf32>) -> tensor<40xf32> {
  %0 = dnn.cum_sum %x {axis = 0 : i64, exclusive = true, reverse = false} : (tensor<40xf32>) -> tensor<40xf32>
  func.return %0 : tensor<40xf32>
}
