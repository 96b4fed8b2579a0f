// RUN: webdnn-opt %s -p tensor-layout-elide-conversions --verify-each --split-input-file | filecheck %s

// There and back again is nothing.

// CHECK-LABEL: @back
// CHECK-NEXT: dnn.relu %x
// CHECK-NEXT: func.return
func.func @back(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %0 = tensor_layout.convert %x : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
  %1 = tensor_layout.convert %0 : tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>> -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
  %2 = dnn.relu %1 : (tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 1, 2, 3]>>) -> tensor<1x3x8x8xf32>
  func.return %2 : tensor<1x3x8x8xf32>
}

// -----

// Two conversions in sequence are one.

// CHECK-LABEL: @sequence
// CHECK-NEXT: tensor_layout.convert %x : tensor<2x3x4xf32> -> tensor<2x3x4xf32, #tensor_layout.layout<[2, 0, 1]>>
// CHECK-NEXT: dnn.relu
func.func @sequence(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = tensor_layout.convert %x : tensor<2x3x4xf32> -> tensor<2x3x4xf32, #tensor_layout.layout<[0, 2, 1]>>
  %1 = tensor_layout.convert %0 : tensor<2x3x4xf32, #tensor_layout.layout<[0, 2, 1]>> -> tensor<2x3x4xf32, #tensor_layout.layout<[2, 0, 1]>>
  %2 = dnn.relu %1 : (tensor<2x3x4xf32, #tensor_layout.layout<[2, 0, 1]>>) -> tensor<2x3x4xf32>
  func.return %2 : tensor<2x3x4xf32>
}

// -----

// Rows that are whole vectors need no padding: both layouts store the same array.

// CHECK-LABEL: @aligned
// CHECK-NEXT: dnn.relu %x
func.func @aligned(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = tensor_layout.convert %x : tensor<2x8xf32> -> tensor<2x8xf32, #tensor_layout.layout<[0, 1], align 4>>
  %1 = dnn.relu %0 : (tensor<2x8xf32, #tensor_layout.layout<[0, 1], align 4>>) -> tensor<2x8xf32>
  func.return %1 : tensor<2x8xf32>
}

// -----

// Operators read a constant as it is, since it is laid out offline; a conversion that nobody reads goes.

// CHECK-LABEL: @constant
// CHECK-NEXT: %w = dnn.constant
// CHECK-NEXT: dnn.add %x, %w
// CHECK-NEXT: func.return
func.func @constant(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = dnn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = tensor_layout.convert %w : tensor<2x2xf32> -> tensor<2x2xf32, #tensor_layout.layout<[1, 0]>>
  %1 = tensor_layout.convert %x : tensor<2x2xf32> -> tensor<2x2xf32, #tensor_layout.layout<[1, 0]>>
  %2 = dnn.add %x, %0 : (tensor<2x2xf32>, tensor<2x2xf32, #tensor_layout.layout<[1, 0]>>) -> tensor<2x2xf32>
  func.return %2 : tensor<2x2xf32>
}

// -----

// Does not apply: elements move, rows are padded, the array has another shape, or the caller gets the result.

// CHECK-LABEL: @needed
// CHECK: tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 3, 1, 2]>>
// CHECK: tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3], align 4>>
// CHECK: tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 2, 1, 3]>>
// CHECK: tensor_layout.convert %{{.*}} : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
func.func @needed(%x: tensor<1x3x1x6xf32>) -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3]>> {
  %0 = tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 3, 1, 2]>>
  %1 = tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3], align 4>>
  %2 = tensor_layout.convert %x : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 2, 1, 3]>>
  %3 = dnn.add %0, %1 : (tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 3, 1, 2]>>, tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3], align 4>>) -> tensor<1x3x1x6xf32>
  %4 = dnn.add %2, %3 : (tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 2, 1, 3]>>, tensor<1x3x1x6xf32>) -> tensor<1x3x1x6xf32>
  %5 = tensor_layout.convert %4 : tensor<1x3x1x6xf32> -> tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
  func.return %5 : tensor<1x3x1x6xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
}
