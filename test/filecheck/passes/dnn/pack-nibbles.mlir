// RUN: webdnn-opt %s --pass-pipeline='dnn-pack-nibbles{smallest=8}' --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=dnn-pack-nibbles --split-input-file | filecheck %s --check-prefix=SMALL

// Integers around a zero point for all lose it; two that are summed up one after the other share a byte.
// CHECK-LABEL: func.func @blocks
// CHECK: %[[P:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<2x2xui8>>
// CHECK-NEXT: %[[Q:.*]] = dnn.unpack_nibbles %[[P]] {axis = 0 : i64} : (tensor<2x2xui8>) -> tensor<4x2xi8>
// CHECK-NEXT: %w = dnn.dequantize_linear %[[Q]], %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xi8>, tensor<2x2xf32>) -> tensor<4x2xf32>
// CHECK-NEXT: dnn.matmul %x, %w
// SMALL-NOT: dnn.unpack_nibbles
func.func @blocks(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %q = dnn.constant dense<[[0, 1], [4, 7], [10, 4], [3, 10]]> : tensor<4x2xui8> : tensor<4x2xui8>
  %s = dnn.constant dense<[[1.0, 0.5], [0.25, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %z = dnn.constant dense<8> : tensor<2x2xui8> : tensor<2x2xui8>
  %w = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xui8>, tensor<2x2xf32>, tensor<2x2xui8>) -> tensor<4x2xf32>
  %y = dnn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}

// -----

// Zero points that differ are shifted with the integers; so is none at all where the integers need it.
// CHECK-LABEL: func.func @points
// CHECK: dnn.constant dense<{{\[}}-3, 0]> : tensor<2xi8>
// CHECK-NEXT: dnn.dequantize_linear %{{.*}}, %s, %{{.*}} {axis = 1 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<2xf32>, tensor<2xi8>)
// CHECK: dnn.constant dense<-28> : tensor<2xi8>
// CHECK-NEXT: dnn.dequantize_linear
func.func @points(%x: tensor<3x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %q = dnn.constant dense<[[0, 1], [4, 7], [10, 4], [3, 15]]> : tensor<4x2xui8> : tensor<4x2xui8>
  %r = dnn.constant dense<[[20, 21], [24, 27], [20, 24], [23, 35]]> : tensor<4x2xi8> : tensor<4x2xi8>
  %s = dnn.constant dense<[1.0, 0.5]> : tensor<2xf32> : tensor<2xf32>
  %z = dnn.constant dense<[5, 8]> : tensor<2xui8> : tensor<2xui8>
  %w = dnn.dequantize_linear %q, %s, %z {axis = 1 : i64, block_size = 0 : i64} : (tensor<4x2xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<4x2xf32>
  %v = dnn.dequantize_linear %r, %s {axis = 1 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
  %y = dnn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %u = dnn.matmul %x, %v : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  func.return %y, %u : tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// One scale for all has one zero point for all.
// CHECK-LABEL: func.func @scalar
// CHECK: %[[Z:.*]] = dnn.constant dense<-28> : tensor<i8>
// CHECK-NEXT: dnn.dequantize_linear %{{.*}}, %s, %[[Z]] {{.*}} : (tensor<4x2xi8>, tensor<f32>, tensor<i8>) -> tensor<4x2xf32>
func.func @scalar(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %q = dnn.constant dense<[[20, 21], [24, 27], [20, 24], [23, 35]]> : tensor<4x2xi8> : tensor<4x2xi8>
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %w = dnn.dequantize_linear %q, %s {axis = 1 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<f32>) -> tensor<4x2xf32>
  %y = dnn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}

// -----

// A wider range, integers that somebody else reads, odd extents and zero points of inputs stay as they are.
// CHECK-LABEL: func.func @left
// CHECK-NOT: dnn.unpack_nibbles
// CHECK: func.return
func.func @left(%z: tensor<i8>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xi8>, tensor<3x3xf32>, tensor<4x2xf32>) {
  %wide = dnn.constant dense<[[0, 1], [4, 7], [10, 4], [3, 16]]> : tensor<4x2xi8> : tensor<4x2xi8>
  %both = dnn.constant dense<[[1, 1], [4, 7], [3, 4], [3, 7]]> : tensor<4x2xi8> : tensor<4x2xi8>
  %odd = dnn.constant dense<[[1, 1, 2], [4, 7, 3], [3, 4, 0]]> : tensor<3x3xi8> : tensor<3x3xi8>
  %point = dnn.constant dense<[[0, 1], [4, 7], [3, 4], [3, 7]]> : tensor<4x2xi8> : tensor<4x2xi8>
  %s = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %0 = dnn.dequantize_linear %wide, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<f32>) -> tensor<4x2xf32>
  %1 = dnn.dequantize_linear %both, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<f32>) -> tensor<4x2xf32>
  %2 = dnn.dequantize_linear %odd, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<3x3xi8>, tensor<f32>) -> tensor<3x3xf32>
  %3 = dnn.dequantize_linear %point, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<4x2xi8>, tensor<f32>, tensor<i8>) -> tensor<4x2xf32>
  func.return %0, %1, %both, %2, %3 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xi8>, tensor<3x3xf32>, tensor<4x2xf32>
}
