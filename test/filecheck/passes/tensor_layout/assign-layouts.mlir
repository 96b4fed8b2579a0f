// RUN: webdnn-opt %s -p "tensor-layout-assign-layouts{target=wasm}" --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s -p "tensor-layout-assign-layouts{target=wgsl}" --verify-each --split-input-file | filecheck %s --check-prefix=WGSL
// RUN: webdnn-opt %s -p "tensor-layout-assign-layouts{target=glsl}" --verify-each --split-input-file | filecheck %s --check-prefix=GLSL
// RUN: webdnn-opt %s -p "tensor-layout-assign-layouts{choose=false}" --split-input-file | filecheck %s --check-prefix=PLAIN

// A convolution of a picture reads it as it is and writes channels last; only the function's result is converted.

// CHECK-LABEL: func.func @picture(%x: tensor<1x3x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>)
// CHECK-NOT: tensor_layout.convert
// CHECK: dnn.conv %x, {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: dnn.relu {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: dnn.conv {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: dnn.add {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: %[[R:.*]] = tensor_layout.convert {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
// CHECK: func.return %[[R]]

// Where nothing is chosen, all is row-major.
// PLAIN-LABEL: func.func @picture
// PLAIN: dnn.conv %x, {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
// PLAIN-NOT: tensor_layout.convert
// PLAIN: func.return

// On WebGPU values between kernels have rows of whole vectors, not those that the runner holds.
// WGSL-LABEL: func.func @picture(%x: tensor<1x3x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>)
// WGSL: dnn.conv %x, {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
// WGSL: tensor_layout.convert {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>

// On WebGL every value is a texture, and a fetch gives four elements: channels, if the picture is turned.
// GLSL-LABEL: func.func @picture(%x: tensor<1x3x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3], align 4, texture>>)
// GLSL: %[[X:.*]] = tensor_layout.convert %x : {{.*}} -> tensor<1x3x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4, texture>>
// GLSL: dnn.conv %[[X]], {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4, texture>>
// GLSL: tensor_layout.convert {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 1, 2, 3], align 4, texture>>
func.func @picture(%x: tensor<1x3x32x32xf32>) -> tensor<1x64x32x32xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x3x3x3xf32>> : tensor<64x3x3x3xf32>
  %v = dnn.constant #dnn.weight<w2 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %0 = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x32x32xf32>, tensor<64x3x3x3xf32>) -> tensor<1x64x32x32xf32>
  %1 = dnn.relu %0 : (tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
  %2 = dnn.conv %1, %v {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x32x32xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x32x32xf32>
  %3 = dnn.add %1, %2 : (tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
  func.return %3 : tensor<1x64x32x32xf32>
}

// -----

// Reshape and transpose move nothing: what follows reads the axes where they are.

// CHECK-LABEL: @heads
// CHECK-NOT: tensor_layout.convert
// CHECK: dnn.reshape {{.*}} -> tensor<1x128x12x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
// CHECK: dnn.transpose {{.*}} -> tensor<1x12x128x32xf32, #tensor_layout.layout<[0, 2, 1, 3]>>
// CHECK: dnn.matmul {{.*}} -> tensor<1x12x128x32xf32, #tensor_layout.layout<[0, 2, 1, 3]>>
// CHECK: dnn.transpose {{.*}} -> tensor<1x128x12x32xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
// CHECK: func.return
// WGSL-LABEL: @heads
// GLSL-LABEL: @heads
func.func @heads(%x: tensor<1x128x384xf32>, %p: tensor<1x12x128x128xf32>) -> tensor<1x128x384xf32> {
  %0 = dnn.reshape %x {shape = array<i64: 1, 128, 12, 32>} : (tensor<1x128x384xf32>) -> tensor<1x128x12x32xf32>
  %1 = dnn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x128x12x32xf32>) -> tensor<1x12x128x32xf32>
  %2 = dnn.matmul %p, %1 : (tensor<1x12x128x128xf32>, tensor<1x12x128x32xf32>) -> tensor<1x12x128x32xf32>
  %3 = dnn.transpose %2 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x12x128x32xf32>) -> tensor<1x128x12x32xf32>
  %4 = dnn.reshape %3 {shape = array<i64: 1, 128, 384>} : (tensor<1x128x12x32xf32>) -> tensor<1x128x384xf32>
  func.return %4 : tensor<1x128x384xf32>
}

// -----

// Pooled channels flatten without a conversion: axes of extent 1 have no place.

// CHECK-LABEL: @flatten
// CHECK-COUNT-1: tensor_layout.convert %x
// CHECK-NOT: tensor_layout.convert
// CHECK: dnn.reshape
// WGSL-LABEL: @flatten
// WGSL: dnn.reduce_mean {{.*}} -> tensor<1x64x1x1xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
// WGSL-NEXT: dnn.reshape {{.*}} -> tensor<1x64xf32, #tensor_layout.layout<[0, 1]
// GLSL-LABEL: @flatten
// GLSL: dnn.reduce_mean {{.*}} -> tensor<1x64x1x1xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4, texture>>
// GLSL-NEXT: dnn.reshape {{.*}} -> tensor<1x64xf32, #tensor_layout.layout<[0, 1], align 4, texture>>
func.func @flatten(%x: tensor<1x64x64x64xf32>) -> tensor<1x64xf32> {
  %w = dnn.constant #dnn.weight<w2 : tensor<64x64x3x3xf32>> : tensor<64x64x3x3xf32>
  %0 = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x64x64xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x64x64xf32>
  %1 = dnn.reduce_mean %0 {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x64x64x64xf32>) -> tensor<1x64x1x1xf32>
  %2 = dnn.reshape %1 {shape = array<i64: 1, 64>} : (tensor<1x64x1x1xf32>) -> tensor<1x64xf32>
  func.return %2 : tensor<1x64xf32>
}

// -----

// Does not apply: where nothing gains by another layout, all values stay row-major. Earlier conversions are dropped.

// CHECK-LABEL: @plain
// CHECK-NOT: tensor_layout.convert
// CHECK: dnn.relu %x : (tensor<1x8x8xf32, #tensor_layout.layout<[0, 1, 2]>>) -> tensor<1x8x8xf32, #tensor_layout.layout<[0, 1, 2]>>
// CHECK: dnn.softmax {{.*}} -> tensor<1x8x8xf32, #tensor_layout.layout<[0, 1, 2]>>
// CHECK: func.return
// WGSL-LABEL: @plain
// GLSL-LABEL: @plain
func.func @plain(%x: tensor<1x8x8xf32>) -> tensor<1x8x8xf32> {
  %0 = tensor_layout.convert %x : tensor<1x8x8xf32> -> tensor<1x8x8xf32, #tensor_layout.layout<[0, 2, 1]>>
  %1 = dnn.relu %0 : (tensor<1x8x8xf32, #tensor_layout.layout<[0, 2, 1]>>) -> tensor<1x8x8xf32>
  %2 = dnn.softmax %1 {axis = 2 : i64} : (tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  func.return %2 : tensor<1x8x8xf32>
}

// -----

// Where kernels may store far apart, a pooling between two orders of axes reads one and writes the other.

// CHECK-LABEL: @turned
// CHECK: dnn.max_pool {{.*}} -> tensor<1x64x16x16xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: tensor_layout.convert
// WGSL-LABEL: @turned
// WGSL: dnn.relu {{.*}} -> tensor<1x64x32x32xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
// WGSL-NOT: tensor_layout.convert
// WGSL: dnn.max_pool {{.*}} -> tensor<1x64x16x16xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
// GLSL-LABEL: @turned
func.func @turned(%x: tensor<1x3x32x32xf32>) -> tensor<1x64x16x16xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<64x3x3x3xf32>> : tensor<64x3x3x3xf32>
  %0 = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x32x32xf32>, tensor<64x3x3x3xf32>) -> tensor<1x64x32x32xf32>
  %1 = dnn.relu %0 : (tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
  %2 = dnn.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x64x32x32xf32>) -> tensor<1x64x16x16xf32>
  func.return %2 : tensor<1x64x16x16xf32>
}
