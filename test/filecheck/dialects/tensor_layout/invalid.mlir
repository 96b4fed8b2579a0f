// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// A conversion keeps shape and element type.

// CHECK: 'tensor_layout.convert' does not verify: cannot convert tensor<2x3xf32> to tensor<3x2xf32>: expected the same shape and element type
func.func @shape(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = tensor_layout.convert %x : tensor<2x3xf32> -> tensor<3x2xf32>
  func.return %0 : tensor<3x2xf32>
}

// -----

// An order names each axis once.

// CHECK: the order [0, 0] does not name each of 2 axes once
func.func @order(%x: tensor<2x3xf32, #tensor_layout.layout<[0, 0]>>) {
  func.return
}

// -----

// Only an axis of the order can be cut in blocks, and a block holds several elements.

// CHECK: cannot cut axis 2 in blocks of 4
func.func @block(%x: tensor<2x3xf32, #tensor_layout.layout<[0, 1], block 2 by 4>>) {
  func.return
}

// -----

// Alignments are positive.

// CHECK: an alignment of 0 elements is not positive
func.func @align(%x: tensor<2x3xf32, #tensor_layout.layout<[0, 1], align 0>>) {
  func.return
}

// -----

// A layout has as many axes as its tensor.

// CHECK: the layout orders 3 axes, expected 2
func.func @rank(%x: tensor<2x3xf32, #tensor_layout.layout<[0, 1, 2]>>) -> tensor<2x3xf32> {
  %0 = tensor_layout.convert %x : tensor<2x3xf32, #tensor_layout.layout<[0, 1, 2]>> -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}
