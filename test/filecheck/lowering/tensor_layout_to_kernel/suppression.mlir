// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// A step finds the best box that is left, and then removes it and what it hides; only the scores that are left are carried.

// CHECK-LABEL: @suppression
// CHECK: kernel.compute (%{{.*}} = 1, %{{.*}} = 2, %{{.*}} = 6) -> tensor<1x2x6xf32>
// CHECK: kernel.scan (%{{.*}} = 3) carried (%{{.*}} : tensor<1x2x6xf32>) stacked tensor<3x1x2xi32>
// CHECK:   %[[BEST:.*]] = kernel.compute ({{.*}} = 1, {{.*}} = 2) -> tensor<1x2xi32>
// CHECK:     %[[PEAK:.*]] = kernel.reduce max
// CHECK:     kernel.reduce min
// CHECK:     arith.cmpf olt, %{{.*}}, %[[PEAK]] : f32
// CHECK:   kernel.compute ({{.*}} = 1, {{.*}} = 2, {{.*}} = 6) -> tensor<1x2x6xf32>
// CHECK:     %[[TAKEN:.*]] = kernel.read %[[BEST]]
// CHECK:     arith.constant 5.000000e-01 : f32
// CHECK:     arith.cmpi eq, %{{.*}}, %[[TAKEN]] : i32
// CHECK:     arith.select
// CHECK: kernel.compute ({{.*}} = 1, {{.*}} = 2, {{.*}} = 3) -> tensor<1x2x3xi64>
func.func @suppression(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>) -> tensor<1x2x3xi64> {
  %0 = dnn.non_max_suppression %b, %s {most = 3 : i64, overlap = 0.5 : f64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x3xi64>
  func.return %0 : tensor<1x2x3xi64>
}
