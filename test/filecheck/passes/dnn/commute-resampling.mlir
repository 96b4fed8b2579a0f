// RUN: webdnn-opt %s --pass-pipeline=dnn-commute-resampling --split-input-file --verify-each | filecheck %s

// Means shrink a map: the convolution sees the small one.
// CHECK-LABEL: @shrunk
// CHECK: [[P:%.*]] = dnn.average_pool %x {{.*}} -> tensor<1x64x14x14xf32>
// CHECK-NEXT: %y = dnn.conv [[P]], {{.*}} -> tensor<1x32x14x14xf32>
func.func @shrunk(%x: tensor<1x64x28x28xf32>, %w: tensor<32x64x1x1xf32>, %b: tensor<32xf32>) -> tensor<1x32x14x14xf32> {
  %c = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x28x28xf32>, tensor<32x64x1x1xf32>, tensor<32xf32>) -> tensor<1x32x28x28xf32>
  %y = dnn.average_pool %c {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = false} : (tensor<1x32x28x28xf32>) -> tensor<1x32x14x14xf32>
  func.return %y : tensor<1x32x14x14xf32>
}

// -----

// Interpolation lets it grow: the convolution sees it before.
// CHECK-LABEL: @grown
// CHECK: [[C:%.*]] = dnn.conv %x, {{.*}} -> tensor<1x8x7x7xf32>
// CHECK-NEXT: %y = dnn.resize [[C]] {sizes = array<i64: 1, 8, 14, 14>, {{.*}} -> tensor<1x8x14x14xf32>
func.func @grown(%x: tensor<1x16x7x7xf32>, %w: tensor<8x16x1x1xf32>) -> tensor<1x8x14x14xf32> {
  %r = dnn.resize %x {sizes = array<i64: 1, 16, 14, 14>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, mode = "linear", coordinates = "half_pixel", rounding = "floor", cubic_a = -7.5e-01 : f64, exclude_outside = false, antialias = false, extrapolation = 0.0 : f64} : (tensor<1x16x7x7xf32>) -> tensor<1x16x14x14xf32>
  %y = dnn.conv %r, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x16x14x14xf32>, tensor<8x16x1x1xf32>) -> tensor<1x8x14x14xf32>
  func.return %y : tensor<1x8x14x14xf32>
}

// -----

// Means of as many windows as pixels are taken of few channels.
// CHECK-LABEL: @narrowed
// CHECK: [[C:%.*]] = dnn.conv %x
// CHECK-NEXT: %y = dnn.average_pool [[C]]
func.func @narrowed(%x: tensor<1x256x8x8xf32>, %w: tensor<16x256x1x1xf32>) -> tensor<1x16x8x8xf32> {
  %p = dnn.average_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x256x8x8xf32>) -> tensor<1x256x8x8xf32>
  %y = dnn.conv %p, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x256x8x8xf32>, tensor<16x256x1x1xf32>) -> tensor<1x16x8x8xf32>
  func.return %y : tensor<1x16x8x8xf32>
}

// -----

// Kept: a bias that zeros of the padding would not have, what others read, windows of a convolution, and a region
// that lies outside.
// CHECK-LABEL: @kept
// CHECK: dnn.conv %x
// CHECK-NEXT: dnn.average_pool
// CHECK-NEXT: dnn.conv %x
// CHECK-NEXT: dnn.average_pool
// CHECK-NEXT: dnn.conv %x
// CHECK-NEXT: dnn.average_pool
// CHECK-NEXT: dnn.resize %x
// CHECK-NEXT: dnn.conv
func.func @kept(%x: tensor<1x64x8x8xf32>, %w: tensor<64x64x1x1xf32>, %b: tensor<64xf32>, %v: tensor<64x64x3x3xf32>) -> (tensor<1x64x5x5xf32>, tensor<1x64x8x8xf32>, tensor<1x64x4x4xf32>, tensor<1x64x4x4xf32>, tensor<1x64x16x16xf32>) {
  %c0 = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x8x8xf32>, tensor<64x64x1x1xf32>, tensor<64xf32>) -> tensor<1x64x8x8xf32>
  %y0 = dnn.average_pool %c0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = true} : (tensor<1x64x8x8xf32>) -> tensor<1x64x5x5xf32>
  %c1 = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x8x8xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x8x8xf32>
  %y1 = dnn.average_pool %c1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = false} : (tensor<1x64x8x8xf32>) -> tensor<1x64x4x4xf32>
  %c2 = dnn.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x8x8xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x8x8xf32>
  %y2 = dnn.average_pool %c2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = false} : (tensor<1x64x8x8xf32>) -> tensor<1x64x4x4xf32>
  %r3 = dnn.resize %x {sizes = array<i64: 1, 64, 16, 16>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, roi = array<f64: 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0>, mode = "linear", coordinates = "tf_crop_and_resize", rounding = "floor", cubic_a = -7.5e-01 : f64, exclude_outside = false, antialias = false, extrapolation = 1.0 : f64} : (tensor<1x64x8x8xf32>) -> tensor<1x64x16x16xf32>
  %y3 = dnn.conv %r3, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x16x16xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x16x16xf32>
  func.return %y0, %c1, %y1, %y2, %y3 : tensor<1x64x5x5xf32>, tensor<1x64x8x8xf32>, tensor<1x64x4x4xf32>, tensor<1x64x4x4xf32>, tensor<1x64x16x16xf32>
}

// -----

// Kept: an order that is the cheaper one.
// CHECK-LABEL: @cheap
// CHECK: dnn.conv %x
// CHECK-NEXT: dnn.resize
func.func @cheap(%x: tensor<1x16x7x7xf32>, %w: tensor<8x16x1x1xf32>) -> tensor<1x8x14x14xf32> {
  %c = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x16x7x7xf32>, tensor<8x16x1x1xf32>) -> tensor<1x8x7x7xf32>
  %y = dnn.resize %c {sizes = array<i64: 1, 8, 14, 14>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, mode = "nearest", coordinates = "asymmetric", rounding = "floor", cubic_a = -7.5e-01 : f64, exclude_outside = false, antialias = false, extrapolation = 0.0 : f64} : (tensor<1x8x7x7xf32>) -> tensor<1x8x14x14xf32>
  func.return %y : tensor<1x8x14x14xf32>
}
