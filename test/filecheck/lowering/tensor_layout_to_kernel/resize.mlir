// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Nearest elements at an integral scale need no table.

// CHECK-LABEL: @nearest
// CHECK: kernel.read %x[%m, %n floordiv 2] : tensor<3x4xf32>
func.func @nearest(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %0 = dnn.resize %x {antialias = false, coordinates = "asymmetric", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "nearest", rounding = "floor", scales = array<f64: 1.0, 2.0>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return %0 : tensor<3x8xf32>
}

// Else places of the taps, which a clamp keeps provably within the image, and their weights are constants.

// CHECK-LABEL: @linear
// CHECK: %[[PLACES:.*]] = dnn.constant dense<{{\[\[}}0, 0], [0, 1], [0, 1], [1, 2], [1, 2], [2, 3], [2, 3], [3, 3]]> : tensor<8x2xi32>
// CHECK: %[[WEIGHTS:.*]] = dnn.constant dense<{{.*}}> : tensor<8x2xf32>
// CHECK: kernel.reduce add (%k = 2) from %{{.*}} : f32
// CHECK: kernel.read %[[PLACES]][%n, %k] : tensor<8x2xi32>
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: %[[AT:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: kernel.read %x[%m, %[[AT]]] : tensor<3x4xf32>
// CHECK: kernel.read %[[WEIGHTS]][%n, %k] : tensor<8x2xf32>
func.func @linear(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %0 = dnn.resize %x {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "linear", rounding = "floor", scales = array<f64: 1.0, 2.0>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return %0 : tensor<3x8xf32>
}
