// RUN: webdnn-opt %s --pass-pipeline=dnn-merge-siblings --split-input-file --verify-each | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=dnn-merge-siblings{places=false} --split-input-file | filecheck %s --check-prefix=GATHER

// Queries and keys read the same tokens: their products and biases are one, and what they were are slices of it.
// CHECK-LABEL: @attention
// CHECK: %[[W:.*]] = dnn.constant {{.*}} : tensor<2x8xf32>
// CHECK: %[[P:.*]] = dnn.matmul %x, %[[W]] : (tensor<64x2xf32>, tensor<2x8xf32>) -> tensor<64x8xf32>
// CHECK: %[[C:.*]] = dnn.constant dense<{{\[\[}}5.000000e+00, 5.000000e+00, 5.000000e+00, 5.000000e+00, 6.000000e+00
// CHECK: %[[S:.*]] = dnn.add %[[P]], %[[C]] : (tensor<64x8xf32>, tensor<1x8xf32>) -> tensor<64x8xf32>
// CHECK: %[[Q:.*]] = dnn.slice %[[S]] {starts = array<i64: 0, 0>, sizes = array<i64: 64, 4>
// CHECK: %[[K:.*]] = dnn.slice %[[S]] {starts = array<i64: 0, 4>, sizes = array<i64: 64, 4>
// CHECK-NOT: dnn.add
// CHECK: dnn.transpose %[[K]]
// CHECK: dnn.matmul %[[Q]]
func.func @attention(%x: tensor<64x2xf32>) -> tensor<64x64xf32> {
  %w = dnn.constant dense<1.0> : tensor<2x4xf32> : tensor<2x4xf32>
  %v = dnn.constant dense<2.0> : tensor<2x4xf32> : tensor<2x4xf32>
  %b = dnn.constant dense<5.0> : tensor<4xf32> : tensor<4xf32>
  %c = dnn.constant dense<6.0> : tensor<1xf32> : tensor<1xf32>
  %p = dnn.matmul %x, %w : (tensor<64x2xf32>, tensor<2x4xf32>) -> tensor<64x4xf32>
  %q = dnn.add %p, %b : (tensor<64x4xf32>, tensor<4xf32>) -> tensor<64x4xf32>
  %r = dnn.matmul %x, %v : (tensor<64x2xf32>, tensor<2x4xf32>) -> tensor<64x4xf32>
  %k = dnn.add %r, %c : (tensor<64x4xf32>, tensor<1xf32>) -> tensor<64x4xf32>
  %t = dnn.transpose %k {permutation = array<i64: 1, 0>} : (tensor<64x4xf32>) -> tensor<4x64xf32>
  %y = dnn.matmul %q, %t : (tensor<64x4xf32>, tensor<4x64xf32>) -> tensor<64x64xf32>
  func.return %y : tensor<64x64xf32>
}

// -----

// Two convolutions of a block with the same activation merge with it; the third is wanted in its place in a
// concatenation, where that has places, and stays.
// CHECK-LABEL: @block
// CHECK: dnn.conv %x, {{.*}} -> tensor<1x5x16x16xf32>
// CHECK: %[[S:.*]] = dnn.sigmoid
// CHECK: %[[Y:.*]] = dnn.mul {{.*}}, %[[S]] : (tensor<1x5x16x16xf32>, tensor<1x5x16x16xf32>)
// CHECK: dnn.slice %[[Y]] {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 2, 16, 16>
// CHECK: dnn.slice %[[Y]] {starts = array<i64: 0, 2, 0, 0>, sizes = array<i64: 1, 3, 16, 16>
// CHECK: dnn.conv %x, {{.*}} -> tensor<1x2x16x16xf32>
// GATHER-LABEL: @block
// GATHER: dnn.conv %x, {{.*}} -> tensor<1x7x16x16xf32>
// GATHER-NOT: dnn.conv %x
// GATHER-LABEL: @apart
func.func @block(%x: tensor<1x2x16x16xf32>) -> tensor<1x7x16x16xf32> {
  %u = dnn.constant dense<1.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %v = dnn.constant dense<2.0> : tensor<3x2x1x1xf32> : tensor<3x2x1x1xf32>
  %w = dnn.constant dense<3.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %a = dnn.conv %x, %u {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %as = dnn.sigmoid %a : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %am = dnn.mul %a, %as : (tensor<1x2x16x16xf32>, tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %b = dnn.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>) -> tensor<1x3x16x16xf32>
  %bs = dnn.sigmoid %b : (tensor<1x3x16x16xf32>) -> tensor<1x3x16x16xf32>
  %bm = dnn.mul %b, %bs : (tensor<1x3x16x16xf32>, tensor<1x3x16x16xf32>) -> tensor<1x3x16x16xf32>
  %c = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %cs = dnn.sigmoid %c : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %cm = dnn.mul %c, %cs : (tensor<1x2x16x16xf32>, tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %ap = dnn.max_pool %am {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %bp = dnn.max_pool %bm {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x3x16x16xf32>) -> tensor<1x3x16x16xf32>
  %y = dnn.concat %ap, %bp, %cm {axis = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<1x3x16x16xf32>, tensor<1x2x16x16xf32>) -> tensor<1x7x16x16xf32>
  func.return %y : tensor<1x7x16x16xf32>
}

// -----

// Other element-wise work, other strides, a computed weight, one that is read twice, and other operands stay apart.
// CHECK-LABEL: @apart
// CHECK-COUNT-6: dnn.conv %x
// CHECK-NOT: dnn.slice
func.func @apart(%x: tensor<1x2x16x16xf32>, %z: tensor<2x2x1x1xf32>) -> tensor<1x2x1x1xf32> {
  %a = dnn.constant dense<1.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %b = dnn.constant dense<2.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %c = dnn.constant dense<3.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %d = dnn.constant dense<4.0> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %e = dnn.constant dense<5.0> : tensor<2x2x1x1xf32> : tensor<2x2x1x1xf32>
  %p = dnn.conv %x, %a {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %pr = dnn.relu %p : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  %pm = dnn.reduce_max %pr {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x16x16xf32>) -> tensor<1x2x1x1xf32>
  %q = dnn.conv %x, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %qm = dnn.reduce_max %q {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x16x16xf32>) -> tensor<1x2x1x1xf32>
  %r = dnn.conv %x, %c {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  %rm = dnn.reduce_max %r {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
  %s = dnn.conv %x, %z {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %sm = dnn.reduce_max %s {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x16x16xf32>) -> tensor<1x2x1x1xf32>
  %t = dnn.conv %x, %d {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x16x16xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x16x16xf32>
  %tm = dnn.reduce_max %t {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x16x16xf32>) -> tensor<1x2x1x1xf32>
  %u = dnn.conv %x, %e {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %um = dnn.reduce_max %u {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x16x16xf32>) -> tensor<1x2x1x1xf32>
  %0 = dnn.add %pm, %qm : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %1 = dnn.add %rm, %sm : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %2 = dnn.conv %0, %e {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %3 = dnn.add %tm, %um : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %4 = dnn.add %1, %2 : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %y = dnn.add %3, %4 : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  func.return %y : tensor<1x2x1x1xf32>
}

// -----

// Weights of one name are one weight: merging would store its elements twice. Compressed weights stay as they are.
// CHECK-LABEL: @stored
// CHECK-COUNT-4: dnn.matmul %x
// CHECK-NOT: dnn.slice
func.func @stored(%x: tensor<8x2xf32>) -> tensor<8x8xf32> {
  %v = dnn.constant #dnn.weight<w1 : tensor<2x8xf32>> : tensor<2x8xf32>
  %w = dnn.constant #dnn.weight<w1 : tensor<2x8xf32>> : tensor<2x8xf32>
  %i = dnn.constant dense<1> : tensor<2x8xi8> : tensor<2x8xi8>
  %j = dnn.constant dense<2> : tensor<2x8xi8> : tensor<2x8xi8>
  %f = dnn.cast %i {to = f32} : (tensor<2x8xi8>) -> tensor<2x8xf32>
  %g = dnn.cast %j {to = f32} : (tensor<2x8xi8>) -> tensor<2x8xf32>
  %a = dnn.matmul %x, %v : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32>
  %b = dnn.matmul %x, %w : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32>
  %c = dnn.matmul %x, %f : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32>
  %d = dnn.matmul %x, %g : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32>
  %p = dnn.matmul %a, %b : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %q = dnn.matmul %c, %d : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %y = dnn.add %p, %q : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %y : tensor<8x8xf32>
}
