// RUN: webdnn-opt %s --pass-pipeline=dnn-absorb-moves --split-input-file --verify-each | filecheck %s

// Zeros around an image are the padding of the convolution that reads it, added to its own.
// CHECK-LABEL: func.func @conv
// CHECK-NOT: dnn.pad
// CHECK: %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 3>
// CHECK-NEXT: func.return %y
func.func @conv(%x: tensor<1x1x4xf32>, %w: tensor<2x1x1xf32>) -> tensor<1x2x9xf32> {
  %p = dnn.pad %x {pads = array<i64: 0, 0, 1, 0, 0, 2>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x7xf32>
  %y = dnn.conv %p, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x7xf32>, tensor<2x1x1xf32>) -> tensor<1x2x9xf32>
  func.return %y : tensor<1x2x9xf32>
}

// -----

// Other numbers and modes, padded channels, and padding that cuts, stay.
// CHECK-LABEL: func.func @other_pads
// CHECK-COUNT-4: dnn.pad
func.func @other_pads(%x: tensor<1x1x4xf32>, %w: tensor<2x1x1xf32>, %v: tensor<2x2x1xf32>)
    -> (tensor<1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x4xf32>, tensor<1x2x3xf32>) {
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %a = dnn.pad %x, %one {pads = array<i64: 0, 0, 1, 0, 0, 0>, mode = "constant"}
     : (tensor<1x1x4xf32>, tensor<f32>) -> tensor<1x1x5xf32>
  %b = dnn.pad %x {pads = array<i64: 0, 0, 1, 0, 0, 0>, mode = "edge"} : (tensor<1x1x4xf32>) -> tensor<1x1x5xf32>
  %c = dnn.pad %x {pads = array<i64: 0, 1, 0, 0, 0, 0>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x2x4xf32>
  %d = dnn.pad %x {pads = array<i64: 0, 0, -1, 0, 0, 0>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x3xf32>
  %p = dnn.conv %a, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x5xf32>, tensor<2x1x1xf32>) -> tensor<1x2x5xf32>
  %q = dnn.conv %b, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x5xf32>, tensor<2x1x1xf32>) -> tensor<1x2x5xf32>
  %r = dnn.conv %c, %v {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %s = dnn.conv %d, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x3xf32>, tensor<2x1x1xf32>) -> tensor<1x2x3xf32>
  func.return %p, %q, %r, %s : tensor<1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x4xf32>, tensor<1x2x3xf32>
}

// -----

// Averages count the zeros; a maximum of what is not negative does not see them.
// CHECK-LABEL: func.func @pools
// CHECK: %r = dnn.relu %x
// CHECK-NEXT: %y = dnn.average_pool %x {{.*}}pads = array<i64: 1, 1>{{.*}}count_include_pad = true
// CHECK-NEXT: %z = dnn.max_pool %r {{.*}}pads = array<i64: 1, 1>
func.func @pools(%x: tensor<1x1x4xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %p = dnn.pad %x {pads = array<i64: 0, 0, 1, 0, 0, 1>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x6xf32>
  %r = dnn.relu %x : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  %q = dnn.pad %r {pads = array<i64: 0, 0, 1, 0, 0, 1>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x6xf32>
  %y = dnn.average_pool %p {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>,
                            dilations = array<i64: 1>, ceil_mode = false, count_include_pad = false}
     : (tensor<1x1x6xf32>) -> tensor<1x1x5xf32>
  %z = dnn.max_pool %q {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>,
                        dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x1x6xf32>) -> tensor<1x1x5xf32>
  func.return %y, %z : tensor<1x1x5xf32>, tensor<1x1x5xf32>
}

// -----

// A maximum of negative numbers would see them, and so does a window in which there is nothing else.
// CHECK-LABEL: func.func @other_pools
// CHECK-COUNT-2: dnn.pad
func.func @other_pools(%x: tensor<1x1x4xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x6xf32>) {
  %p = dnn.pad %x {pads = array<i64: 0, 0, 1, 0, 0, 1>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x6xf32>
  %r = dnn.relu %x : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  %q = dnn.pad %r {pads = array<i64: 0, 0, 1, 0, 0, 1>, mode = "constant"} : (tensor<1x1x4xf32>) -> tensor<1x1x6xf32>
  %y = dnn.max_pool %p {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>,
                        dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x1x6xf32>) -> tensor<1x1x5xf32>
  %z = dnn.max_pool %q {kernel = array<i64: 1>, strides = array<i64: 1>, pads = array<i64: 0, 0>,
                        dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x1x6xf32>) -> tensor<1x1x6xf32>
  func.return %y, %z : tensor<1x1x5xf32>, tensor<1x1x6xf32>
}

// -----

// Channels that are shuffled before a convolution are columns of its weights in another order.
// CHECK-LABEL: func.func @shuffle
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[\[}}1.000000e+00], [3.000000e+00], [2.000000e+00], [4.000000e+00]]]>
// CHECK-NEXT: %y = dnn.conv %x, %[[W]]
func.func @shuffle(%x: tensor<1x4x5xf32>) -> tensor<1x1x5xf32> {
  %w = dnn.constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32> : tensor<1x4x1xf32>
  %a = dnn.reshape %x {shape = array<i64: 1, 2, 2, 5>} : (tensor<1x4x5xf32>) -> tensor<1x2x2x5xf32>
  %b = dnn.transpose %a {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x5xf32>) -> tensor<1x2x2x5xf32>
  %c = dnn.reshape %b {shape = array<i64: 1, 4, 5>} : (tensor<1x2x2x5xf32>) -> tensor<1x4x5xf32>
  %y = dnn.conv %c, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x4x5xf32>, tensor<1x4x1xf32>) -> tensor<1x1x5xf32>
  func.return %y : tensor<1x1x5xf32>
}

// -----

// Groups read their own channels alone, and places within a channel are no channels.
// CHECK-LABEL: func.func @no_shuffle
// CHECK-COUNT-2: dnn.transpose
func.func @no_shuffle(%x: tensor<1x4x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x1x4xf32>) {
  %w = dnn.constant dense<1.0> : tensor<2x2x1xf32> : tensor<2x2x1xf32>
  %v = dnn.constant dense<1.0> : tensor<1x4x1xf32> : tensor<1x4x1xf32>
  %a = dnn.reshape %x {shape = array<i64: 1, 2, 2, 4>} : (tensor<1x4x4xf32>) -> tensor<1x2x2x4xf32>
  %b = dnn.transpose %a {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x4xf32>) -> tensor<1x2x2x4xf32>
  %c = dnn.reshape %b {shape = array<i64: 1, 4, 4>} : (tensor<1x2x2x4xf32>) -> tensor<1x4x4xf32>
  %y = dnn.conv %c, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64}
     : (tensor<1x4x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %t = dnn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %z = dnn.conv %t, %v {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x4x4xf32>, tensor<1x4x1xf32>) -> tensor<1x1x4xf32>
  func.return %y, %z : tensor<1x2x4xf32>, tensor<1x1x4xf32>
}

// -----

// Two moves of a kind are one.
// CHECK-LABEL: func.func @joined
// CHECK: %b = dnn.slice %x {starts = array<i64: 4>, sizes = array<i64: 2>, steps = array<i64: -2>}
// CHECK: %d = dnn.transpose %y {permutation = array<i64: 1, 2, 0>}
// CHECK: %f = dnn.reshape %y {shape = array<i64: 24>}
// CHECK: %h = dnn.concat %x, %x, %b {axis = 0 : i64}
func.func @joined(%x: tensor<9xf32>, %y: tensor<2x3x4xf32>)
    -> (tensor<2xf32>, tensor<3x4x2xf32>, tensor<24xf32>, tensor<20xf32>) {
  %a = dnn.slice %x {starts = array<i64: 8>, sizes = array<i64: 4>, steps = array<i64: -2>} : (tensor<9xf32>) -> tensor<4xf32>
  %b = dnn.slice %a {starts = array<i64: 2>, sizes = array<i64: 2>, steps = array<i64: 1>} : (tensor<4xf32>) -> tensor<2xf32>
  %c = dnn.transpose %y {permutation = array<i64: 1, 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  %d = dnn.transpose %c {permutation = array<i64: 0, 2, 1>} : (tensor<3x2x4xf32>) -> tensor<3x4x2xf32>
  %e = dnn.reshape %y {shape = array<i64: 4, 6>} : (tensor<2x3x4xf32>) -> tensor<4x6xf32>
  %f = dnn.reshape %e {shape = array<i64: 24>} : (tensor<4x6xf32>) -> tensor<24xf32>
  %g = dnn.concat %x, %b {axis = 0 : i64} : (tensor<9xf32>, tensor<2xf32>) -> tensor<11xf32>
  %h = dnn.concat %x, %g {axis = 0 : i64} : (tensor<9xf32>, tensor<11xf32>) -> tensor<20xf32>
  func.return %b, %d, %f, %h : tensor<2xf32>, tensor<3x4x2xf32>, tensor<24xf32>, tensor<20xf32>
}

// -----

// A concatenation that something else reads is joined to no other one, nor is one along another axis.
// CHECK-LABEL: func.func @apart
// CHECK: %a = dnn.concat %x, %x {axis = 0 : i64}
// CHECK: %b = dnn.concat %a, %a {axis = 1 : i64}
// CHECK: %d = dnn.concat %b, %c {axis = 1 : i64}
func.func @apart(%x: tensor<2x2xf32>) -> (tensor<4x4xf32>, tensor<4x6xf32>) {
  %a = dnn.concat %x, %x {axis = 0 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %b = dnn.concat %a, %a {axis = 1 : i64} : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x4xf32>
  %c = dnn.relu %a : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %d = dnn.concat %b, %c {axis = 1 : i64} : (tensor<4x4xf32>, tensor<4x2xf32>) -> tensor<4x6xf32>
  func.return %b, %d : tensor<4x4xf32>, tensor<4x6xf32>
}
