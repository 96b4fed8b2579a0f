// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms{points=6} --split-input-file --verify-each | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms{points=4} --split-input-file | filecheck %s --check-prefix=SMALL
// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms --split-input-file | filecheck %s --check-prefix=PLAIN
// RUN: webdnn-opt %s --pass-pipeline='dnn-select-algorithms{points=6 room=2000000}' --split-input-file | filecheck %s --check-prefix=ROOM

// Many channels pay for the transforms; what is allowed limits the tile.
// CHECK-LABEL: @deep
// CHECK: dnn.conv {{.*}}winograd = array<i64: 4, 4>
// SMALL-LABEL: @deep
// SMALL: dnn.conv {{.*}}winograd = array<i64: 2, 2>
// PLAIN-NOT: winograd
// Its 196 tiles of 36 elements in 128 channels are 3.6 MB; those of a quarter of its points are few enough.
// ROOM-LABEL: @deep
// ROOM-NOT: winograd
// ROOM-LABEL: @small
// ROOM: dnn.conv {{.*}}winograd = array<i64: 4, 4>
func.func @deep(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y : tensor<1x64x56x56xf32>
}

// -----

func.func @small(%x: tensor<1x64x28x28xf32>) -> tensor<1x64x28x28xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x28x28xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x28x28xf32>
  func.return %y : tensor<1x64x28x28xf32>
}

// -----

// A stride divides a kernel into smaller ones, of two taps and of one here.
// CHECK-LABEL: @strided
// CHECK: dnn.conv {{.*}}winograd = array<i64: 2, 4>
func.func @strided(%x: tensor<1x128x56x56xf32>) -> tensor<1x128x28x28xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<128x128x3x3xf32>> : tensor<128x128x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x128x56x56xf32>, tensor<128x128x3x3xf32>) -> tensor<1x128x28x28xf32>
  func.return %y : tensor<1x128x28x28xf32>
}

// -----

// Each axis has its own tile; one tap has none.
// CHECK-LABEL: @lines
// CHECK: dnn.conv {{.*}}winograd = array<i64: 4>
// CHECK: dnn.conv {{.*}}winograd = array<i64: 1, 3>
func.func @lines(%x: tensor<1x64x400xf32>, %z: tensor<1x192x17x17xf32>) -> (tensor<1x64x400xf32>, tensor<1x192x17x17xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x3xf32>> : tensor<64x64x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x64x400xf32>, tensor<64x64x3xf32>) -> tensor<1x64x400xf32>
  %v = dnn.constant #dnn.weight<w2 : tensor<192x192x1x3xf32>> : tensor<192x192x1x3xf32>
  %u = dnn.conv %z, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x192x17x17xf32>, tensor<192x192x1x3xf32>) -> tensor<1x192x17x17xf32>
  func.return %y, %u : tensor<1x64x400xf32>, tensor<1x192x17x17xf32>
}

// -----

// A transposed convolution has a filter for each phase of its results.
// CHECK-LABEL: @transposed
// CHECK: dnn.conv_transpose {{.*}}winograd = array<i64: 4, 2>
// Two taps with stride 2 reach each result once.
// CHECK: dnn.conv_transpose
// CHECK-NOT: winograd
func.func @transposed(%x: tensor<1x128x28x28xf32>) -> (tensor<1x64x56x56xf32>, tensor<1x64x56x56xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x128x4x4xf32>> : tensor<64x128x4x4xf32>
  %y = dnn.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x128x28x28xf32>, tensor<64x128x4x4xf32>) -> tensor<1x64x56x56xf32>
  %v = dnn.constant #dnn.weight<w2 : tensor<64x128x2x2xf32>> : tensor<64x128x2x2xf32>
  %u = dnn.conv_transpose %x, %v {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x128x28x28xf32>, tensor<64x128x2x2xf32>) -> tensor<1x64x56x56xf32>
  func.return %y, %u : tensor<1x64x56x56xf32>, tensor<1x64x56x56xf32>
}

// -----

// Few channels do not pay; weights that are no constants, and dilated ones with a stride, have no tiles.
// CHECK-LABEL: @kept
// CHECK-NOT: winograd
func.func @kept(%x: tensor<1x3x56x56xf32>, %z: tensor<1x64x56x56xf32>, %v: tensor<64x64x3x3xf32>) -> (tensor<1x8x56x56xf32>, tensor<1x64x27x52xf32>, tensor<1x64x56x56xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<8x3x3x3xf32>> : tensor<8x3x3x3xf32>
  %u = dnn.constant #dnn.weight<w1 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x56x56xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x56x56xf32>
  %s = dnn.conv %z, %u {strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 2>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x27x52xf32>
  %d = dnn.conv %z, %v {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y, %s, %d : tensor<1x8x56x56xf32>, tensor<1x64x27x52xf32>, tensor<1x64x56x56xf32>
}

// -----

// Patches that do not overlap share nothing, and 7 taps are more than a tile of 6 points saves.
// CHECK-LABEL: @whole
// CHECK-NOT: winograd
func.func @whole(%x: tensor<1x64x56x56xf32>) -> (tensor<1x64x28x28xf32>, tensor<1x64x50x50xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x2x2xf32>> : tensor<64x64x2x2xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x2x2xf32>) -> tensor<1x64x28x28xf32>
  %v = dnn.constant #dnn.weight<w2 : tensor<64x64x7x7xf32>> : tensor<64x64x7x7xf32>
  %u = dnn.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x7x7xf32>) -> tensor<1x64x50x50xf32>
  func.return %y, %u : tensor<1x64x28x28xf32>, tensor<1x64x50x50xf32>
}

// -----

// The phases of a dilated convolution are plain ones, side by side: nothing moves but axes.
// CHECK-LABEL: @dilated
// CHECK: dnn.reshape %{{.*}} {shape = array<i64: 1, 64, 28, 2, 28, 2>}
// CHECK: dnn.transpose {{.*}}permutation = array<i64: 0, 1, 3, 5, 2, 4>
// CHECK: dnn.reshape %{{.*}} {shape = array<i64: 64, 64, 1, 1, 3, 3>}
// CHECK: dnn.conv {{.*}}pads = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>{{.*}}winograd = array<i64: 1, 1, 4, 4>
// CHECK: dnn.transpose {{.*}}permutation = array<i64: 0, 1, 4, 2, 5, 3>
// CHECK: dnn.reshape %{{.*}} {shape = array<i64: 1, 64, 56, 56>}
// CHECK-NEXT: func.return
func.func @dilated(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, dilations = array<i64: 2, 2>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y : tensor<1x64x56x56xf32>
}

// -----

// Zeros complete the phases, and what they give besides is cut off: here past sees past alone, four elements apart.
// CHECK-LABEL: @causal
// CHECK: dnn.pad {{.*}}pads = array<i64: 0, 0, 3, 0, 0, 2>
// CHECK: dnn.conv {{.*}}pads = array<i64: 0, 1, 0, 0>{{.*}}winograd = array<i64: 1, 4>
// CHECK: dnn.slice {{.*}}sizes = array<i64: 1, 128, 998>
func.func @causal(%x: tensor<1x128x999xf32>) -> tensor<1x128x998xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<128x128x3xf32>> : tensor<128x128x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 7, 0>, dilations = array<i64: 4>, groups = 1 : i64} : (tensor<1x128x999xf32>, tensor<128x128x3xf32>) -> tensor<1x128x998xf32>
  func.return %y : tensor<1x128x998xf32>
}

// -----

// Two groups of many channels are two convolutions in tiles; nine groups stay together.

// CHECK-LABEL: @grouped
// CHECK:         %[[X0:.*]] = dnn.slice %x {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 64, 28, 28>
// CHECK:         %[[W0:.*]] = dnn.slice %w {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 64, 64, 3, 3>
// CHECK:         %[[Y0:.*]] = dnn.conv %[[X0]], %[[W0]] {{.*}}groups = 1 : i64, winograd = array<i64: 4, 4>
// CHECK:         %[[X1:.*]] = dnn.slice %x {starts = array<i64: 0, 64, 0, 0>
// CHECK:         %[[W1:.*]] = dnn.slice %w {starts = array<i64: 64, 0, 0, 0>
// CHECK:         %[[Y1:.*]] = dnn.conv %[[X1]], %[[W1]] {{.*}}winograd = array<i64: 4, 4>
// CHECK:         dnn.concat %[[Y0]], %[[Y1]] {axis = 1 : i64}
// CHECK-LABEL: @many_groups
// CHECK-NOT:     dnn.slice
// CHECK:         groups = 9 : i64}
func.func @grouped(%x: tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<128x64x3x3xf32>> : tensor<128x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x128x28x28xf32>, tensor<128x64x3x3xf32>) -> tensor<1x128x28x28xf32>
  func.return %y : tensor<1x128x28x28xf32>
}
func.func @many_groups(%x: tensor<1x576x28x28xf32>) -> tensor<1x576x28x28xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<576x64x3x3xf32>> : tensor<576x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 9 : i64} : (tensor<1x576x28x28xf32>, tensor<576x64x3x3xf32>) -> tensor<1x576x28x28xf32>
  func.return %y : tensor<1x576x28x28xf32>
}
