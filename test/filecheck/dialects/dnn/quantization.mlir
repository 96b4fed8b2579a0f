// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// One scale for the whole tensor.

// CHECK-LABEL: @tensor
// CHECK: dnn.quantize_linear %a, %b, %c {axis = 0 : i64, block_size = 0 : i64, to = ui8} : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
func.func @tensor(%a: tensor<2x8xf32>, %b: tensor<f32>, %c: tensor<ui8>) -> tensor<2x8xui8> {
  %r = dnn.quantize_linear %a, %b, %c {axis = 0 : i64, block_size = 0 : i64, to = ui8} : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
  func.return %r : tensor<2x8xui8>
}

// One scale for each place of an axis, and no zero point.

// CHECK-LABEL: @axis
// CHECK: dnn.quantize_linear %a, %b {axis = 1 : i64, block_size = 0 : i64, to = i16} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xi16>
func.func @axis(%a: tensor<2x8xf32>, %b: tensor<8xf32>) -> tensor<2x8xi16> {
  %r = dnn.quantize_linear %a, %b {axis = 1 : i64, block_size = 0 : i64, to = i16} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xi16>
  func.return %r : tensor<2x8xi16>
}

// One scale for each block; the last may be cut short.

// CHECK-LABEL: @blocks
// CHECK: dnn.dequantize_linear %a, %b, %c {axis = 1 : i64, block_size = 3 : i64} : (tensor<2x8xi8>, tensor<2x3xf16>, tensor<2x3xi8>) -> tensor<2x8xf16>
func.func @blocks(%a: tensor<2x8xi8>, %b: tensor<2x3xf16>, %c: tensor<2x3xi8>) -> tensor<2x8xf16> {
  %r = dnn.dequantize_linear %a, %b, %c {axis = 1 : i64, block_size = 3 : i64} : (tensor<2x8xi8>, tensor<2x3xf16>, tensor<2x3xi8>) -> tensor<2x8xf16>
  func.return %r : tensor<2x8xf16>
}

// Codes of floats of 8 bits.

// CHECK-LABEL: @codes
// CHECK: dnn.encode_float %a {format = "f8e5m2", saturate = false} : (tensor<4xf16>) -> tensor<4xui8>
func.func @codes(%a: tensor<4xf16>) -> tensor<4xui8> {
  %r = dnn.encode_float %a {format = "f8e5m2", saturate = false} : (tensor<4xf16>) -> tensor<4xui8>
  func.return %r : tensor<4xui8>
}

// A byte holds two neighbours along an axis.

// CHECK-LABEL: @nibbles
// CHECK: dnn.unpack_nibbles %a {axis = 0 : i64} : (tensor<2x8xui8>) -> tensor<4x8xi8>
func.func @nibbles(%a: tensor<2x8xui8>) -> tensor<4x8xi8> {
  %r = dnn.unpack_nibbles %a {axis = 0 : i64} : (tensor<2x8xui8>) -> tensor<4x8xi8>
  func.return %r : tensor<4x8xi8>
}
