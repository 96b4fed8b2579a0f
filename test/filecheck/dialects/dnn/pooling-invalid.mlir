// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// There is something to slide over.

// CHECK: 'dnn.max_pool' does not verify: found input [1, 3], expected at least one spatial axis
func.func @rank(%a: tensor<1x3xf32>) {
  %r = dnn.max_pool %a {kernel = array<i64>, strides = array<i64>, pads = array<i64>, dilations = array<i64>, ceil_mode = false} : (tensor<1x3xf32>) -> tensor<1x3xf32>
  func.return
}

// -----

// A window fits.

// CHECK: 'dnn.max_pool' does not verify: a window of 3 does not fit on 2+0+0 elements
func.func @room(%a: tensor<1x3x2xf32>) {
  %r = dnn.max_pool %a {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x3x2xf32>) -> tensor<1x3x1xf32>
  func.return
}

// -----

// A stride moves the window.

// CHECK: 'dnn.max_pool' does not verify: found kernel [3], strides [0], dilations [1] and pads [0, 0], expected them positive (pads perhaps zero)
func.func @stride(%a: tensor<1x3x4xf32>) {
  %r = dnn.max_pool %a {kernel = array<i64: 3>, strides = array<i64: 0>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x3x4xf32>) -> tensor<1x3x1xf32>
  func.return
}

// -----

// A mean is of floats.

// CHECK: 'dnn.average_pool' does not verify: found elements of type i8, expected floats
func.func @integers(%a: tensor<1x3x4xi8>) {
  %r = dnn.average_pool %a {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false, count_include_pad = false} : (tensor<1x3x4xi8>) -> tensor<1x3x2xi8>
  func.return
}

// -----

// A norm has an order.

// CHECK: 'dnn.lp_pool' does not verify: found a norm of order 0, expected at least 1
func.func @order(%a: tensor<1x3x4xf32>) {
  %r = dnn.lp_pool %a {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false, p = 0 : i64} : (tensor<1x3x4xf32>) -> tensor<1x3x2xf32>
  func.return
}

// -----

// Indices have 64 bits.

// CHECK: 'dnn.max_pool_with_indices' does not verify: found result types tensor<1x3x4xf32>, tensor<1x3x4xi32>, expected tensor<1x3x4xf32>, tensor<1x3x4xi64>
func.func @indices(%a: tensor<1x3x8xf32>) {
  %r0, %r1 = dnn.max_pool_with_indices %a {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, ceil_mode = false, column_major = false} : (tensor<1x3x8xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xi32>)
  func.return
}
