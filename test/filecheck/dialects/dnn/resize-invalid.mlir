// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// There is a size and a scale for each axis.

// CHECK: 'dnn.resize' does not verify: found 1 sizes and 2 scales for 2 axes
func.func @sizes(%a: tensor<3x4xf32>) {
  %r = dnn.resize %a {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "linear", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 8>} : (tensor<3x4xf32>) -> tensor<8xf32>
  func.return
}

// -----

// Modes are those of ONNX.

// CHECK: 'dnn.resize' does not verify: found mode 'quintic', expected one of nearest, linear, cubic
func.func @mode(%a: tensor<3x4xf32>) {
  %r = dnn.resize %a {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "quintic", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return
}

// -----

// A scale is positive.

// CHECK: 'dnn.resize' does not verify: cannot resize [3, 4] to [3, 8] by [1.0, 0.0]: expected positive numbers
func.func @scale(%a: tensor<3x4xf32>) {
  %r = dnn.resize %a {antialias = false, coordinates = "half_pixel", cubic_a = -7.500000e-01 : f64, exclude_outside = false, extrapolation = 0.000000e+00 : f64, mode = "linear", rounding = "floor", scales = array<f64: 1.0, 0.0>, sizes = array<i64: 3, 8>} : (tensor<3x4xf32>) -> tensor<3x8xf32>
  func.return
}
