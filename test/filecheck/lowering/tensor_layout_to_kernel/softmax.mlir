// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Maximum, sum and quotient are one kernel.

// CHECK-LABEL: @softmax
// CHECK-NEXT: kernel.compute (%m = 2, %n = 3) -> tensor<2x3xf32>
// CHECK: %[[PEAK:.*]] = kernel.reduce max (%k = 3)
// CHECK: %[[SUM:.*]] = kernel.reduce add (%k_1 = 3)
// CHECK:   arith.subf %{{.*}}, %[[PEAK]] : f32
// CHECK:   math.exp
// CHECK: kernel.read %x[%m, %n] : tensor<2x3xf32>
// CHECK: arith.divf %{{.*}}, %[[SUM]] : f32
// CHECK-NOT: kernel.compute
// CHECK: func.return
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dnn.softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}
