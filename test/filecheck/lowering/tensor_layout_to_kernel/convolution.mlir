// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Taps are the outer axes of the reduction; padding is a value outside; a group is a quotient of the output channel.

// CHECK-LABEL: @conv
// CHECK-NEXT: kernel.compute (%n = 1, %c = 6, %y_1 = 3, %x_1 = 3)
// CHECK: %[[BIAS:.*]] = kernel.read %b[%c]
// CHECK: kernel.reduce add (%ky = 3, %kx = 3, %ci = 2) from %[[BIAS]] : f32
// CHECK: kernel.read %x[%n, %c floordiv 3 * 2 + %ci, %y_1 * 2 + %ky + -1, %x_1 * 2 + %kx + -1] outside %{{.*}}
// CHECK-NEXT: kernel.read %w[%c, %ci, %ky, %kx]
func.func @conv(%x: tensor<1x4x5x5xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) -> tensor<1x6x3x3xf32> {
  %y = dnn.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
                            groups = 2 : i64}
     : (tensor<1x4x5x5xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<1x6x3x3xf32>
  func.return %y : tensor<1x6x3x3xf32>
}

// Where a layout stores padding behind an axis, what lies there is not read for zero.

// CHECK-LABEL: @aligned
// CHECK: %[[READ:.*]] = kernel.read %{{.*}}[{{.*}}] outside %[[ZERO:.*]] : tensor<1x3x4x8xf32>
// CHECK-NEXT: %[[INSIDE:.*]] = kernel.inside [%x_1 + %kx + -1] of [4]
// CHECK-NEXT: arith.select %[[INSIDE]], %[[READ]], %[[ZERO]]
func.func @aligned(%a: tensor<1x3x4x4xf32>, %w: tensor<2x3x3x3xf32>) -> tensor<1x2x4x4xf32> {
  %x = tensor_layout.convert %a
     : tensor<1x3x4x4xf32> -> tensor<1x3x4x4xf32, #tensor_layout.layout<[0, 1, 2, 3], align 8>>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
                        groups = 1 : i64}
     : (tensor<1x3x4x4xf32, #tensor_layout.layout<[0, 1, 2, 3], align 8>>, tensor<2x3x3x3xf32>)
       -> tensor<1x2x4x4xf32>
  func.return %y : tensor<1x2x4x4xf32>
}

// A transposed convolution sums over the taps of each place's phase alone: two of four.

// CHECK-LABEL: @phases
// CHECK: kernel.reduce add (%kx = 2, %ci = 4)
// CHECK: kernel.read %x[%b, %ci, (%n + 1) floordiv 2 + %kx * -1] outside
// CHECK-NEXT: kernel.read %w[%m, %ci, %n + (%n + 1) floordiv 2 * -2 + %kx * 2 + 1] : tensor<6x4x4xf32>
func.func @phases(%x: tensor<1x4x5xf32>, %w: tensor<6x4x4xf32>) -> tensor<1x6x10xf32> {
  %y = dnn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>,
                                  output_padding = array<i64: 0>, groups = 1 : i64}
     : (tensor<1x4x5xf32>, tensor<6x4x4xf32>) -> tensor<1x6x10xf32>
  func.return %y : tensor<1x6x10xf32>
}

// Where stride and dilation have a common factor, some places are reached by no tap.

// CHECK-LABEL: @unreached
// CHECK: %[[SUM:.*]] = kernel.reduce add (%kx = 2, %ci = 1) from %[[INIT:.*]] : f32
// CHECK: kernel.read %w[%m, %ci, %kx]
// CHECK: %[[REACHED:.*]] = kernel.inside [%n mod 2] of [1]
// CHECK-NEXT: arith.select %[[REACHED]], %[[SUM]], %[[INIT]]
func.func @unreached(%x: tensor<1x1x3xf32>, %w: tensor<1x1x2xf32>) -> tensor<1x1x7xf32> {
  %y = dnn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 2>,
                                  output_padding = array<i64: 0>, groups = 1 : i64}
     : (tensor<1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x7xf32>
  func.return %y : tensor<1x1x7xf32>
}
