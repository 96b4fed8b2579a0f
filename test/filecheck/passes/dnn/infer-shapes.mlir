// RUN: webdnn-opt %s --pass-pipeline=dnn-infer-shapes --split-input-file --verify-each | filecheck %s

// Open extents follow from the operands, one operator after another, up to the function's results.
// CHECK-LABEL: func.func @chain(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<4x36xf32>
// CHECK: dnn.conv {{.*}} -> tensor<1x4x6x6xf32>
// CHECK: dnn.relu {{.*}} -> tensor<1x4x6x6xf32>
// CHECK: dnn.reshape {{.*}} -> tensor<4x36xf32>
func.func @chain(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<?x36xf32> {
  %c = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
                        groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x?x?xf32>
  %r = dnn.relu %c : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = dnn.reshape %r {shape = array<i64: 4, 36>} : (tensor<?x4x?x?xf32>) -> tensor<?x36xf32>
  func.return %y : tensor<?x36xf32>
}

// -----

// What depends on an argument of open extents stays open.
// CHECK-LABEL: func.func @open(%x: tensor<?x3xf32>) -> tensor<?x3xf32>
// CHECK: dnn.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
func.func @open(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = dnn.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}
