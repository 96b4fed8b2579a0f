// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Mixed types are cast before.

// CHECK: 'dnn.pow' does not verify: operands have element types f32, i32, expected one
func.func @mixed(%x: tensor<4xf32>, %e: tensor<4xi32>) {
  %r = dnn.pow %x, %e : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  func.return
}

// -----

// Only integers are shifted.

// CHECK: 'dnn.bit_shift' does not verify: elements of type f32 cannot be shifted, expected integers
func.func @shift(%x: tensor<4xf32>) {
  %r = dnn.bit_shift %x, %x {left = true} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// A cast is to an element type.

// CHECK: 'dnn.cast' does not verify: i7 is no element type
func.func @cast(%x: tensor<4xf32>) {
  %r = dnn.cast %x {to = i7} : (tensor<4xf32>) -> tensor<4xi7>
  func.return
}

// -----

// Only floats can be NaN.

// CHECK: 'dnn.is_nan' does not verify: found tensor<4xi32>, expected floats
func.func @question(%x: tensor<4xi32>) {
  %r = dnn.is_nan %x : (tensor<4xi32>) -> tensor<4xi1>
  func.return
}

// -----

// Bits stand for others of the same number.

// CHECK: 'dnn.bit_cast' does not verify: the bits of f32 cannot stand for i64, expected floats and integers of one size
func.func @bits(%x: tensor<4xf32>) {
  %r = dnn.bit_cast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  func.return
}
