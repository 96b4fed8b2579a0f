// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// A convolution with strides, asymmetric padding, dilation and a bias.

// CHECK-LABEL: @conv
// CHECK: dnn.conv %a, %b, %c {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
func.func @conv(%a: tensor<1x3x8x8xf32>, %b: tensor<4x3x3x3xf32>, %c: tensor<4xf32>) -> tensor<1x4x4x6xf32> {
  %r = dnn.conv %a, %b, %c {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  func.return %r : tensor<1x4x4x6xf32>
}

// Groups divide input and output channels.

// CHECK-LABEL: @groups
// CHECK: dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x4x8xf32>, tensor<6x2x3xf32>) -> tensor<1x6x6xf32>
func.func @groups(%a: tensor<1x4x8xf32>, %b: tensor<6x2x3xf32>) -> tensor<1x6x6xf32> {
  %r = dnn.conv %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x4x8xf32>, tensor<6x2x3xf32>) -> tensor<1x6x6xf32>
  func.return %r : tensor<1x6x6xf32>
}

// A transposed convolution takes its weights as a convolution does.

// CHECK-LABEL: @transposed
// CHECK: dnn.conv_transpose %a, %b, %c {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<5x3x3x3xf32>, tensor<5xf32>) -> tensor<1x5x8x8xf32>
func.func @transposed(%a: tensor<1x3x4x4xf32>, %b: tensor<5x3x3x3xf32>, %c: tensor<5xf32>) -> tensor<1x5x8x8xf32> {
  %r = dnn.conv_transpose %a, %b, %c {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<5x3x3x3xf32>, tensor<5xf32>) -> tensor<1x5x8x8xf32>
  func.return %r : tensor<1x5x8x8xf32>
}
