// RUN: webdnn-opt %s --pass-pipeline=dnn-form-integer-products --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='dnn-form-integer-products{limit=1000000}' --split-input-file | filecheck %s --check-prefix=LIMIT

// A convolution sums up integers, from its bias in units of both scales; the zero point is taken away before.
// CHECK-LABEL: func.func @conv
// CHECK-DAG:     %[[B:.*]] = dnn.constant dense<[4, -8]> : tensor<2xi32>
// CHECK-DAG:     %[[N:.*]] = dnn.cast %q {to = i16}
// CHECK-DAG:     %[[C:.*]] = dnn.sub %[[N]], %{{.*}} : (tensor<1x4x8x8xi16>, tensor<i16>)
// CHECK:         %[[X:.*]] = dnn.cast %[[C]] {to = i32}
// CHECK:         %[[W:.*]] = dnn.cast %{{.*}} {to = i32} : (tensor<2x4x1x1xi8>)
// CHECK:         %[[S:.*]] = dnn.conv %[[X]], %[[W]], %[[B]] {{.*}} -> tensor<1x2x8x8xi32>
// CHECK:         %[[F:.*]] = dnn.cast %[[S]] {to = f32}
// CHECK:         dnn.mul %[[F]], %{{.*}} : (tensor<1x2x8x8xf32>, tensor<2x1x1xf32>)
func.func @conv(%q: tensor<1x4x8x8xi8>) -> tensor<1x2x8x8xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %b = dnn.constant dense<[1.0, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<2xf32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}

// -----

// What quantizes the result scales the sums once, and gives integers from which the zero point of the next product
// is taken already; others that dequantize them read these.
// CHECK-LABEL: func.func @quantized
// CHECK:         %[[S:.*]] = dnn.conv
// CHECK:         %[[F:.*]] = dnn.cast %[[S]] {to = f32}
// CHECK:         %[[R:.*]] = dnn.mul %[[F]], %{{.*}}
// CHECK:         %[[Q:.*]] = dnn.quantize_linear %[[R]], %{{.*}} {axis = 0 : i64, block_size = 0 : i64, to = i16, low = -131 : i64, high = 124 : i64}
// CHECK-NOT:     dnn.dequantize_linear
// CHECK:         %[[A:.*]] = dnn.cast %[[Q]] {to = f32}
// CHECK:         dnn.mul %[[A]]
// CHECK:         dnn.cast %[[Q]] {to = i32}
// CHECK:         dnn.matmul
func.func @quantized(%q: tensor<1x4x8x8xi8>) -> (tensor<1x2x8x8xf32>, tensor<1x2x8x1xf32>) {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %b = dnn.constant dense<[1.0, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<2xf32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  %p = dnn.quantize_linear %y, %s, %z {axis = 0 : i64, block_size = 0 : i64, to = i8} : (tensor<1x2x8x8xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2x8x8xi8>
  %a = dnn.dequantize_linear %p, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x2x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2x8x8xf32>
  %n = dnn.neg %a : (tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  %v = dnn.constant dense<[[1], [2], [3], [4], [5], [6], [7], [8]]> : tensor<8x1xi8> : tensor<8x1xi8>
  %d = dnn.dequantize_linear %v, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<8x1xi8>, tensor<f32>) -> tensor<8x1xf32>
  %m = dnn.matmul %a, %d : (tensor<1x2x8x8xf32>, tensor<8x1xf32>) -> tensor<1x2x8x1xf32>
  func.return %n, %m : tensor<1x2x8x8xf32>, tensor<1x2x8x1xf32>
}

// -----

// Zero points of constants may differ from channel to channel: the compiler takes them away. What does not fit 8 bits
// then has 16.
// CHECK-LABEL: func.func @channels
// CHECK:         dnn.cast %{{.*}} {to = i32} : (tensor<2x4x1x1xi16>) -> tensor<2x4x1x1xi32>
// CHECK:         dnn.conv {{.*}} -> tensor<1x2x8x8xi32>
func.func @channels(%q: tensor<1x4x8x8xi8>) -> tensor<1x2x8x8xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %u = dnn.constant dense<[0, -8]> : tensor<2xi8> : tensor<2xi8>
  %b = dnn.constant dense<[1.0, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t, %u {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}

// -----

// A bias that is no number of units is added to the scaled sums.
// CHECK-LABEL: func.func @between
// CHECK:         dnn.conv %{{.*}}, %{{[0-9a-z]+}} {strides
// CHECK:         dnn.mul
// CHECK:         dnn.add
func.func @between(%q: tensor<1x4x8x8xi8>) -> tensor<1x2x8x8xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %b = dnn.constant dense<[1.1, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<2xf32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}

// -----

// Scales that are computed are left alone.
// CHECK-LABEL: func.func @computed
// CHECK:         dnn.conv {{.*}} -> tensor<1x2x8x8xf32>
func.func @computed(%q: tensor<1x4x8x8xi8>, %s: tensor<f32>) -> tensor<1x2x8x8xf32> {
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %b = dnn.constant dense<[1.0, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %x = dnn.dequantize_linear %q, %s , %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<2xf32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}

// -----

// So are sums that a target may not compute exactly, …
// LIMIT-LABEL: func.func @long
// LIMIT:         dnn.matmul {{.*}} -> tensor<1x1xf32>
// CHECK-LABEL: func.func @long
// CHECK:         dnn.matmul {{.*}} -> tensor<1x1xi32>
func.func @long(%q: tensor<1x64xi8>, %p: tensor<64x1xi8>) -> tensor<1x1xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %a = dnn.dequantize_linear %q, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x64xi8>, tensor<f32>) -> tensor<1x64xf32>
  %b = dnn.dequantize_linear %p, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<64x1xi8>, tensor<f32>) -> tensor<64x1xf32>
  %y = dnn.matmul %a, %b : (tensor<1x64xf32>, tensor<64x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// -----

// … scales that differ along the axis that is summed over, and integers of 16 bits.
// CHECK-LABEL: func.func @rows
// CHECK:         dnn.matmul {{.*}} -> tensor<1x2xf32>
// CHECK:         dnn.matmul {{.*}} -> tensor<1x2xf32>
func.func @rows(%q: tensor<1x2xi8>, %h: tensor<1x2xi16>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %t = dnn.constant dense<[0.5, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> : tensor<2x2xi8>
  %a = dnn.dequantize_linear %q, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x2xi8>, tensor<f32>) -> tensor<1x2xf32>
  %g = dnn.dequantize_linear %h, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x2xi16>, tensor<f32>) -> tensor<1x2xf32>
  %b = dnn.dequantize_linear %c, %t {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %d = dnn.dequantize_linear %c, %t {axis = 1 : i64, block_size = 0 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = dnn.matmul %a, %b : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %w = dnn.matmul %g, %d : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %y, %w : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// The largest of several quantized elements is taken as an integer, if its scale stays.
// CHECK-LABEL: func.func @largest
// CHECK:         dnn.max_pool %q {{.*}} : (tensor<1x1x4x4xi8>) -> tensor<1x1x2x2xi8>
// CHECK:         dnn.max_pool {{.*}} -> tensor<1x1x2x2xf32>
func.func @largest(%q: tensor<1x1x4x4xi8>) -> (tensor<1x1x2x2xi8>, tensor<1x1x2x2xi8>) {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %t = dnn.constant dense<0.25> : tensor<f32> : tensor<f32>
  %x = dnn.dequantize_linear %q, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x1x4x4xi8>, tensor<f32>) -> tensor<1x1x4x4xf32>
  %p = dnn.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %y = dnn.quantize_linear %p, %s {axis = 0 : i64, block_size = 0 : i64, to = i8} : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xi8>
  %o = dnn.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %z = dnn.quantize_linear %o, %t {axis = 0 : i64, block_size = 0 : i64, to = i8} : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xi8>
  func.return %y, %z : tensor<1x1x2x2xi8>, tensor<1x1x2x2xi8>
}

// -----

// All weights of a convolution may have one scale, which has no axes.
// CHECK-LABEL: func.func @one_scale
// CHECK:         %[[S:.*]] = dnn.conv {{.*}} -> tensor<1x2x8x8xi32>
// CHECK:         dnn.mul %{{.*}}, %{{.*}} : (tensor<1x2x8x8xf32>, tensor<f32>)
func.func @one_scale(%q: tensor<1x4x8x8xi8>) -> tensor<1x2x8x8xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %s {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<f32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}

// -----

// A scale for each channel that is summed up is no factor of the sums.
// CHECK-LABEL: func.func @scales_of_inputs
// CHECK:         dnn.conv {{.*}} -> tensor<1x2x8x8xf32>
func.func @scales_of_inputs(%q: tensor<1x4x8x8xi8>) -> tensor<1x2x8x8xf32> {
  %s = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %z = dnn.constant dense<3> : tensor<i8> : tensor<i8>
  %c = dnn.constant dense<[[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[127]]]]> : tensor<2x4x1x1xi8> : tensor<2x4x1x1xi8>
  %t = dnn.constant dense<[0.5, 0.25, 0.125, 1.0]> : tensor<4xf32> : tensor<4xf32>
  %x = dnn.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 0 : i64} : (tensor<1x4x8x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x8x8xf32>
  %w = dnn.dequantize_linear %c, %t {axis = 1 : i64, block_size = 0 : i64} : (tensor<2x4x1x1xi8>, tensor<4xf32>) -> tensor<2x4x1x1xf32>
  %y = dnn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : (tensor<1x4x8x8xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x8x8xf32>
  func.return %y : tensor<1x2x8x8xf32>
}
