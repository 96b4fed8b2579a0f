// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms{winograd=4} --split-input-file --verify-each | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms{winograd=2} --split-input-file | filecheck %s --check-prefix=SMALL
// RUN: webdnn-opt %s --pass-pipeline=dnn-select-algorithms --split-input-file | filecheck %s --check-prefix=PLAIN
// RUN: webdnn-opt %s --pass-pipeline='dnn-select-algorithms{winograd=4 room=2000000}' --split-input-file | filecheck %s --check-prefix=ROOM

// Many channels pay for the transforms; what is allowed limits the tile.
// CHECK-LABEL: @deep
// CHECK: dnn.conv {{.*}}winograd = 4 : i64
// SMALL-LABEL: @deep
// SMALL: dnn.conv {{.*}}winograd = 2 : i64
// PLAIN-NOT: winograd
// Its 196 tiles of 36 elements in 128 channels are 3.6 MB; those of a quarter of its points are few enough.
// ROOM-LABEL: @deep
// ROOM-NOT: winograd
// ROOM-LABEL: @small
// ROOM: dnn.conv {{.*}}winograd = 4 : i64
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

// Few channels do not; strides, and weights that are no constants, have no tiles.
// CHECK-LABEL: @kept
// CHECK-NOT: winograd
func.func @kept(%x: tensor<1x3x56x56xf32>, %z: tensor<1x64x56x56xf32>, %v: tensor<64x64x3x3xf32>) -> (tensor<1x8x56x56xf32>, tensor<1x64x28x28xf32>, tensor<1x64x56x56xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<8x3x3x3xf32>> : tensor<8x3x3x3xf32>
  %u = dnn.constant #dnn.weight<w1 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x56x56xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x56x56xf32>
  %s = dnn.conv %z, %u {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x28x28xf32>
  %d = dnn.conv %z, %v {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y, %s, %d : tensor<1x8x56x56xf32>, tensor<1x64x28x28xf32>, tensor<1x64x56x56xf32>
}

// -----

// Tiles of three results of a small kernel have no known cost.
// CHECK-LABEL: @even
// CHECK: dnn.conv
// CHECK-NOT: winograd = 3
func.func @even(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x55x55xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x2x2xf32>> : tensor<64x64x2x2xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x2x2xf32>) -> tensor<1x64x55x55xf32>
  func.return %y : tensor<1x64x55x55xf32>
}

// -----

// One axis has no tiles.
// CHECK-LABEL: @line
// CHECK-NOT: winograd
func.func @line(%x: tensor<1x64x56xf32>) -> tensor<1x64x56xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x64x3xf32>> : tensor<64x64x3xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x64x56xf32>, tensor<64x64x3xf32>) -> tensor<1x64x56xf32>
  func.return %y : tensor<1x64x56xf32>
}
