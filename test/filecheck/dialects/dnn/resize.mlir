// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// Sampled at other places.

// CHECK-LABEL: @linear
// CHECK: dnn.resize %a {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "linear", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
func.func @linear(%a: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %r = dnn.resize %a {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "linear", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return %r : tensor<3x8xf32>
}

// Nearest elements of part of the input.

// CHECK-LABEL: @region
// CHECK: dnn.resize %a {antialias = false, coordinates = "tf_crop_and_resize", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "nearest", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 3, 8>, roi = array<f64: 0.000000e+00, 2.500000e-01, 1.000000e+00, 1.000000e+00>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
func.func @region(%a: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %r = dnn.resize %a {antialias = false, coordinates = "tf_crop_and_resize", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "nearest", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 3, 8>, roi = array<f64: 0.000000e+00, 2.500000e-01, 1.000000e+00, 1.000000e+00>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return %r : tensor<3x8xf32>
}
