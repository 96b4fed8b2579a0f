// RUN: webdnn-opt %s --pass-pipeline='dnn-compress-weights{format=q8 smallest=8}' --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='dnn-compress-weights{format=f16 smallest=8}' --split-input-file | filecheck %s --check-prefix=HALF
// RUN: webdnn-opt %s --pass-pipeline=dnn-compress-weights --split-input-file | filecheck %s --check-prefix=PLAIN

// Each column of a product has a scale of its own, under which its largest weight is 127.
// CHECK-LABEL: func.func @product
// CHECK: %[[Q:.*]] = dnn.constant dense<{{\[\[}}127, 64], [32, 127], [-64, -127], [0, 32]]> : tensor<4x2xi8>
// CHECK: %[[S:.*]] = dnn.constant {{.*}} : tensor<1x2xf32>
// CHECK: %w = dnn.dequantize_linear %[[Q]], %[[S]] {axis = 0 : i64, block_size = 4 : i64}
// CHECK-NEXT: dnn.matmul %x, %w
// HALF-LABEL: func.func @product
// HALF: %[[H:.*]] = dnn.constant dense<{{\[\[}}32767, 16384], [8192, 32767], [-16384, -32767], [0, 8192]]> : tensor<4x2xi16>
// HALF: %w = dnn.dequantize_linear %[[H]], %{{.*}} {axis = 0 : i64, block_size = 4 : i64}
// PLAIN-NOT: dnn.dequantize_linear
func.func @product(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %w = dnn.constant dense<[[1.0, 0.1], [0.25, 0.2], [-0.5, -0.2], [0.0, 0.05]]> : tensor<4x2xf32> : tensor<4x2xf32>
  %y = dnn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}

// -----

// So has each output channel of a convolution, whatever the taps.
// CHECK-LABEL: func.func @conv
// CHECK: dnn.constant dense<{{.*}}> : tensor<2x1x4xi8>
// CHECK: dnn.dequantize_linear %{{.*}}, %{{.*}} {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x1x4xi8>, tensor<2xf32>)
func.func @conv(%x: tensor<1x1x8xf32>) -> tensor<1x2x5xf32> {
  %w = dnn.constant dense<[[[1.0, 0.5, 0.0, -1.0]], [[4.0, 2.0, 0.0, 1.0]]]> : tensor<2x1x4xf32> : tensor<2x1x4xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x8xf32>, tensor<2x1x4xf32>) -> tensor<1x2x5xf32>
  func.return %y : tensor<1x2x5xf32>
}

// -----

// Weights of which a few are far larger than the others are half floats, whose errors are as small as they are.
// HALF-LABEL: func.func @tail
// HALF: %[[H:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<4x2xf16>>
// HALF: %w = dnn.cast %[[H]] {to = f32}
func.func @tail(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  %w = dnn.constant dense<[[4096.0, 0.05], [0.05, 0.125], [0.05, 0.05], [0.05, 0.05]]> : tensor<4x2xf32> : tensor<4x2xf32>
  %y = dnn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}

// -----

// What half floats cannot hold are integers.
// HALF-LABEL: func.func @large
// HALF: dnn.dequantize_linear
func.func @large(%x: tensor<3x8xf32>) -> tensor<3x1xf32> {
  %w = dnn.constant dense<[[1000000.0], [1.0], [1.0], [1.0], [1.0], [1.0], [1.0], [1.0]]> : tensor<8x1xf32> : tensor<8x1xf32>
  %y = dnn.matmul %x, %w : (tensor<3x8xf32>, tensor<8x1xf32>) -> tensor<3x1xf32>
  func.return %y : tensor<3x1xf32>
}

// -----

// So do small weights, operands of other operators, and a weight whose two readers sum over different axes.
// CHECK-LABEL: func.func @left
// CHECK-NOT: dnn.dequantize_linear
// CHECK: func.return
func.func @left(%x: tensor<3x2xf32>, %y: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>) {
  %small = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %both = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]> : tensor<3x3xf32> : tensor<3x3xf32>
  %other = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 8.0]]> : tensor<3x3xf32> : tensor<3x3xf32>
  %0 = dnn.matmul %x, %small : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  %1 = dnn.matmul %both, %y : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %2 = dnn.matmul %y, %both : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %3 = dnn.add %1, %2 : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %4 = dnn.mul %0, %other : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  func.return %0, %3, %4 : tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>
}
