// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// The scale has a number for each place.

// CHECK: 'dnn.quantize_linear' does not verify: found a scale of shape [2], expected [8]
func.func @places(%a: tensor<2x8xf32>, %b: tensor<2xf32>) {
  %r = dnn.quantize_linear %a, %b {axis = 1 : i64, block_size = 0 : i64, to = i8} : (tensor<2x8xf32>, tensor<2xf32>) -> tensor<2x8xi8>
  func.return
}

// -----

// Blocks cover the axis.

// CHECK: 'dnn.dequantize_linear' does not verify: found a scale of shape [2, 3], expected [2, 2]
func.func @blocks(%a: tensor<2x8xi8>, %b: tensor<2x3xf32>) {
  %r = dnn.dequantize_linear %a, %b {axis = 1 : i64, block_size = 4 : i64} : (tensor<2x8xi8>, tensor<2x3xf32>) -> tensor<2x8xf32>
  func.return
}

// -----

// Zero points lie beside the scales.

// CHECK: 'dnn.dequantize_linear' does not verify: found a zero point of shape [2], expected []
func.func @zero(%a: tensor<2xi8>, %b: tensor<f32>, %c: tensor<2xi8>) {
  %r = dnn.dequantize_linear %a, %b, %c {axis = 0 : i64, block_size = 0 : i64} : (tensor<2xi8>, tensor<f32>, tensor<2xi8>) -> tensor<2xf32>
  func.return
}

// -----

// Results are narrow integers.

// CHECK: 'dnn.quantize_linear' does not verify: cannot quantize to i32, expected integers of 8 or 16 bits
func.func @narrow(%a: tensor<2xf32>, %b: tensor<f32>) {
  %r = dnn.quantize_linear %a, %b {axis = 0 : i64, block_size = 0 : i64, to = i32} : (tensor<2xf32>, tensor<f32>) -> tensor<2xi32>
  func.return
}

// -----

// The zero point is of the result's type.

// CHECK: 'dnn.quantize_linear' does not verify: found a zero point of ui8, expected i8
func.func @type(%a: tensor<2xf32>, %b: tensor<f32>, %c: tensor<ui8>) {
  %r = dnn.quantize_linear %a, %b, %c {axis = 0 : i64, block_size = 0 : i64, to = i8} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xi8>
  func.return
}

// -----

// Floats stand for themselves.

// CHECK: 'dnn.dequantize_linear' does not verify: cannot dequantize f32, expected i32 or integers of 8 or 16 bits
func.func @floats(%a: tensor<2xf32>, %b: tensor<f32>) {
  %r = dnn.dequantize_linear %a, %b {axis = 0 : i64, block_size = 0 : i64} : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  func.return
}

// -----

// Formats have names.

// CHECK: 'dnn.encode_float' does not verify: found format 'f8', expected one of f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz, f4e2m1, f8e8m0
func.func @format(%a: tensor<2xf32>) {
  %r = dnn.encode_float %a {format = "f8", saturate = true} : (tensor<2xf32>) -> tensor<2xui8>
  func.return
}

// -----

// Nibbles come from unsigned bytes, along an axis that there is.

// CHECK: 'dnn.unpack_nibbles' does not verify: found elements of i8, expected u8
func.func @signed(%a: tensor<2xi8>) {
  %r = dnn.unpack_nibbles %a {axis = 0 : i64} : (tensor<2xi8>) -> tensor<4xi8>
  func.return
}

// -----

// Doubles would be rounded twice.

// CHECK: 'dnn.encode_float' does not verify: found tensor<2xf64>, expected floats of 32 or 16 bits
func.func @doubles(%a: tensor<2xf64>) {
  %r = dnn.encode_float %a {format = "f8e5m2", saturate = true} : (tensor<2xf64>) -> tensor<2xui8>
  func.return
}

// -----

// CHECK: 'dnn.unpack_nibbles' does not verify: found axis 1, expected one of 1 axes
func.func @axis(%a: tensor<2xui8>) {
  %r = dnn.unpack_nibbles %a {axis = 1 : i64} : (tensor<2xui8>) -> tensor<4xi8>
  func.return
}
