// RUN: webdnn-opt %s --pass-pipeline=dnn-aggregate-constants --split-input-file --verify-each | filecheck %s

// A convolution that nobody else reads takes the scale into its weights, and gains a bias.
// CHECK-LABEL: func.func @conv
// CHECK-NOT: dnn.batch_norm
// CHECK: %0 = dnn.constant dense<{{\[\[\[}}4.000000e+00]], {{\[\[}}1.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK: %1 = dnn.constant dense<[-3.000000e+00, 2.500000e+00]> : tensor<2xf32>
// CHECK: %y = dnn.conv %x, %0, %1 {strides = array<i64: 1>
// CHECK-NEXT: func.return %y
func.func @conv(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = dnn.constant dense<[[[2.0]], [[1.0]]]> : tensor<2x1x1xf32> : tensor<2x1x1xf32>
  %scale = dnn.constant dense<[2.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %bias = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %mean = dnn.constant dense<[2.0, -0.5]> : tensor<2xf32> : tensor<2xf32>
  %variance = dnn.constant dense<[1.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %y = dnn.batch_norm %c, %scale, %bias, %mean, %variance {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// -----

// The bias of a transposed convolution is scaled too.
// CHECK-LABEL: func.func @conv_transpose
// CHECK-NOT: dnn.batch_norm
// CHECK: dnn.constant dense<[3.500000e+00, 8.500000e+00]> : tensor<2xf32>
// CHECK: %y = dnn.conv_transpose %x
// CHECK-NEXT: func.return %y
func.func @conv_transpose(%x: tensor<1x1x4xf32>) -> tensor<1x2x8xf32> {
  %w = dnn.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32> : tensor<2x1x2xf32>
  %b = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %s = dnn.constant dense<[3.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %half = dnn.constant dense<0.5> : tensor<2xf32> : tensor<2xf32>
  %zero = dnn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv_transpose %x, %w, %b {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>,
                                      output_padding = array<i64: 0>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x2xf32>, tensor<2xf32>) -> tensor<1x2x8xf32>
  %y = dnn.batch_norm %c, %s, %half, %zero, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x8xf32>
  func.return %y : tensor<1x2x8xf32>
}

// -----

// A product of matrices takes the scale into its columns; a bias that was added between them is scaled.
// CHECK-LABEL: func.func @linear
// CHECK: %0 = dnn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00]]> : tensor<1x2xf32>
// CHECK: %1 = dnn.constant dense<[3.000000e+00, 7.000000e+00]> : tensor<2xf32>
// CHECK: %[[P:.*]] = dnn.matmul %x, %0
// CHECK: %y = dnn.add %[[P]], %1
// CHECK-NEXT: func.return %y
func.func @linear(%x: tensor<4x1xf32>) -> tensor<4x2xf32> {
  %w = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %s = dnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %zero = dnn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %p = dnn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %c = dnn.add %p, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %y = dnn.batch_norm %c, %s, %one, %zero, %one {epsilon = 0.0 : f64}
     : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// -----

// Where the convolution is read elsewhere, and where there is none, a scale and a bias remain.
// CHECK-LABEL: func.func @shared
// CHECK: %c = dnn.conv %x, %w {
// CHECK: %[[P:.*]] = dnn.mul %c, %{{.*}} : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
// CHECK: %y = dnn.add %[[P]], %{{.*}} : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
// CHECK-NEXT: %z = dnn.add %c, %y
func.func @shared(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = dnn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32> : tensor<2x1x1xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %y = dnn.batch_norm %c, %one, %one, %one, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %z = dnn.add %c, %y : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  func.return %z : tensor<1x2x4xf32>
}

// -----

// Parameters that are computed are left alone.
// CHECK-LABEL: func.func @computed
// CHECK: dnn.batch_norm
func.func @computed(%x: tensor<1x2x4xf32>, %s: tensor<2xf32>) -> tensor<1x2x4xf32> {
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %y = dnn.batch_norm %x, %s, %one, %one, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}
