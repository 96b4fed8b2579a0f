// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// The weights have the input's channels.

// CHECK: 'dnn.conv' does not verify: 3 channels and weights [4, 2, 3] do not fit 1 groups
func.func @channels(%a: tensor<1x3x8xf32>, %b: tensor<4x2x3xf32>) {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6xf32>
  func.return
}

// -----

// The kernel has as many axes as the input.

// CHECK: 'dnn.conv' does not verify: found input [1, 3, 8] and weights [4, 3, 3, 3], expected as many axes, at least 3
func.func @rank(%a: tensor<1x3x8xf32>, %b: tensor<4x3x3x3xf32>) {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6xf32>
  func.return
}

// -----

// The bias has a number for each output channel.

// CHECK: 'dnn.conv' does not verify: the bias has shape [3], expected [4]
func.func @bias(%a: tensor<1x3x8xf32>, %b: tensor<4x3x3xf32>, %c: tensor<3xf32>) {
  %r = dnn.conv %a, %b, %c {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8xf32>, tensor<4x3x3xf32>, tensor<3xf32>) -> tensor<1x4x6xf32>
  func.return
}

// -----

// Each spatial axis has its stride and pads.

// CHECK: 'dnn.conv' does not verify: found 2 kernel extents, 1 strides, 1 dilations and 2 pads, expected 2, 2, 2 and 4 for 2 spatial axes
func.func @strides(%a: tensor<1x3x8x8xf32>, %b: tensor<4x3x3x3xf32>) {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  func.return
}

// -----

// A kernel fits on the padded input.

// CHECK: 'dnn.conv' does not verify: a window of 7 does not fit on 5+0+0 elements
func.func @room(%a: tensor<1x3x5xf32>, %b: tensor<4x3x3xf32>) {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 3>, groups = 1 : i64} : (tensor<1x3x5xf32>, tensor<4x3x3xf32>) -> tensor<1x4x1xf32>
  func.return
}

// -----

// The result has the type that follows.

// CHECK: 'dnn.conv' does not verify: found result types tensor<1x4x7xf32>, expected tensor<1x4x6xf32>
func.func @result(%a: tensor<1x3x8xf32>, %b: tensor<4x3x3xf32>) {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8xf32>, tensor<4x3x3xf32>) -> tensor<1x4x7xf32>
  func.return
}

// -----

// Padding leaves something of a transposed convolution.

// CHECK: 'dnn.conv_transpose' does not verify: pads [3, 3] leave nothing of the result: its extents would be [0]
func.func @nothing(%a: tensor<1x3x4xf32>, %b: tensor<4x3x3xf32>) {
  %r = dnn.conv_transpose %a, %b {strides = array<i64: 1>, pads = array<i64: 3, 3>, dilations = array<i64: 1>, output_padding = array<i64: 0>, groups = 1 : i64} : (tensor<1x3x4xf32>, tensor<4x3x3xf32>) -> tensor<1x4x1xf32>
  func.return
}

// -----

// Output padding is not negative.

// CHECK: 'dnn.conv_transpose' does not verify: found output padding [-1], expected 1 numbers, zero or more
func.func @output_padding(%a: tensor<1x3x4xf32>, %b: tensor<4x3x3xf32>) {
  %r = dnn.conv_transpose %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding = array<i64: -1>, groups = 1 : i64} : (tensor<1x3x4xf32>, tensor<4x3x3xf32>) -> tensor<1x4x5xf32>
  func.return
}
