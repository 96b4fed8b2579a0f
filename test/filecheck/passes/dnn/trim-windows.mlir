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

// At both ends of 14 elements two windows see a second tap, all others the middle one: 18 products in place of 42 along
// each axis, so that the corners, the edges and what is inside have convolutions of their own.

// CHECK-LABEL: @regions
// CHECK:         dnn.slice %x {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 100000, 1, 14, 14>
// CHECK:         dnn.constant {{.*}} : tensor<1x1x2x2xf32>
// CHECK:         dnn.conv {{.*}}dilations = array<i64: 12, 12>{{.*}} -> tensor<100000x1x2x2xf32>
// CHECK:         dnn.slice %x {starts = array<i64: 0, 0, 0, 2>, sizes = array<i64: 100000, 1, 14, 10>
// CHECK:         dnn.conv {{.*}}dilations = array<i64: 12, 1>{{.*}} -> tensor<100000x1x2x10xf32>
// CHECK-COUNT-7: dnn.conv
// CHECK-NOT:     dnn.conv
// CHECK-COUNT-3: dnn.concat {{.*}} {axis = 3 : i64}
// CHECK:         dnn.concat {{.*}} {axis = 2 : i64}
// CHECK-NEXT:    func.return
func.func @regions(%x: tensor<100000x1x14x14xf32>) -> tensor<100000x1x14x14xf32> {
  %w = dnn.constant dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x1x3x3xf32> : tensor<1x1x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 12, 12, 12, 12>, dilations = array<i64: 12, 12>, groups = 1 : i64}
     : (tensor<100000x1x14x14xf32>, tensor<1x1x3x3xf32>) -> tensor<100000x1x14x14xf32>
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
