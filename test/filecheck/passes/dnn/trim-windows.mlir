// RUN: webdnn-opt %s --pass-pipeline=dnn-trim-windows --split-input-file --verify-each | filecheck %s

// Taps 24 elements from the middle one are outside a map of 14 everywhere.

// CHECK-LABEL: @outside
// CHECK:         %[[W:.*]] = dnn.constant {{.*}} : tensor<1x1x1xf32>
// CHECK:         dnn.conv %x, %[[W]] {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>
func.func @outside(%x: tensor<1x1x14xf32>) -> tensor<1x1x14xf32> {
  %w = dnn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32> : tensor<1x1x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 24, 24>, dilations = array<i64: 24>, groups = 1 : i64}
     : (tensor<1x1x14xf32>, tensor<1x1x3xf32>) -> tensor<1x1x14xf32>
  func.return %y : tensor<1x1x14xf32>
}

// -----

// One tap goes where padding is on one side alone.

// CHECK-LABEL: @one_side
// CHECK:         tensor<1x1x2xf32>
// CHECK:         pads = array<i64: 12, 12>, dilations = array<i64: 12>
func.func @one_side(%x: tensor<1x1x12xf32>) -> tensor<1x1x24xf32> {
  %w = dnn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32> : tensor<1x1x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 12, 24>, dilations = array<i64: 12>, groups = 1 : i64}
     : (tensor<1x1x12xf32>, tensor<1x1x3xf32>) -> tensor<1x1x24xf32>
  func.return %y : tensor<1x1x24xf32>
}

// -----

// In 14 windows the middle tap sees an element, and each of the others in two: 18 products in place of 42 along each
// axis. Each tap is a convolution of one pixel, and the bias is with the one that sees all.

// CHECK-LABEL: @taps
// CHECK:         dnn.slice %x {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 100000, 1, 2, 2>
// CHECK:         dnn.constant dense<1.000000e+00> : tensor<1x1x1x1xf32>
// CHECK:         dnn.conv %{{.*}}, %{{.*}} {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>
// CHECK:         dnn.pad {{.*}}pads = array<i64: 0, 0, 12, 12, 0, 0, 0, 0>
// CHECK-COUNT-3: dnn.conv %{{[0-9]+}}, %{{[0-9]+}} {
// CHECK:         %[[W:.*]] = dnn.constant dense<5.000000e+00> : tensor<1x1x1x1xf32>
// CHECK:         dnn.conv %{{.*}}, %[[W]], %b
// CHECK-COUNT-4: dnn.conv %{{[0-9]+}}, %{{[0-9]+}} {
// CHECK-NOT:     dnn.conv
// CHECK-COUNT-8: dnn.add
// CHECK-NEXT:    func.return
func.func @taps(%x: tensor<100000x1x14x14xf32>, %b: tensor<1xf32>) -> tensor<100000x1x14x14xf32> {
  %w = dnn.constant dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x1x3x3xf32> : tensor<1x1x3x3xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 12, 12, 12, 12>, dilations = array<i64: 12, 12>, groups = 1 : i64}
     : (tensor<100000x1x14x14xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<100000x1x14x14xf32>
  func.return %y : tensor<100000x1x14x14xf32>
}

// -----

// One convolution with padding is less than many without, where most taps see something; and weights have to be known.

// CHECK-LABEL: @usual
// CHECK-NEXT:    dnn.constant
// CHECK-NEXT:    dnn.conv
// CHECK-NEXT:    dnn.conv
// CHECK-NEXT:    func.return
func.func @usual(%x: tensor<1x2x8xf32>, %v: tensor<2x2x3xf32>) -> tensor<1x2x8xf32> {
  %w = dnn.constant dense<1.0> : tensor<2x2x3xf32> : tensor<2x2x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x8xf32>
  %z = dnn.conv %y, %v {strides = array<i64: 1>, pads = array<i64: 9, 9>, dilations = array<i64: 9>, groups = 1 : i64}
     : (tensor<1x2x8xf32>, tensor<2x2x3xf32>) -> tensor<1x2x8xf32>
  func.return %z : tensor<1x2x8xf32>
}
