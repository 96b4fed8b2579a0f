// RUN: webdnn-opt %s --pass-pipeline=dnn-elide-duplicates --split-input-file --verify-each | filecheck %s

// A sum whose operands stand in the other order is the same sum.
// CHECK-LABEL: func.func @sums
// CHECK: %a = dnn.add %x, %y
// CHECK-NEXT: %z = dnn.mul %a, %a
// CHECK-NEXT: func.return %z
func.func @sums(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  %a = dnn.add %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = dnn.add %y, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %z = dnn.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %z : tensor<2xf32>
}

// -----

// Equal constants are one, and so is what is computed from them, one operator after another.
// CHECK-LABEL: func.func @constants
// CHECK: %c = dnn.constant
// CHECK-NEXT: %a = dnn.mul %x, %c
// CHECK-NEXT: %e = dnn.exp %a
// CHECK-NEXT: func.return %e, %e
func.func @constants(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %c = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %d = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %c : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %b = dnn.mul %d, %x : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %e = dnn.exp %a : (tensor<2xf32>) -> tensor<2xf32>
  %f = dnn.exp %b : (tensor<2xf32>) -> tensor<2xf32>
  func.return %e, %f : tensor<2xf32>, tensor<2xf32>
}

// -----

// Differences in the other order, and operators whose properties or types differ, stay.
// CHECK-LABEL: func.func @different
// CHECK: dnn.sub %x, %y
// CHECK-NEXT: dnn.sub %y, %x
// CHECK-NEXT: dnn.reduce_sum %x {axes = array<i64: 0>
// CHECK-NEXT: dnn.reduce_sum %x {axes = array<i64: 1>
// CHECK-NEXT: dnn.cast
// CHECK-NEXT: dnn.cast
func.func @different(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>)
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x2xi32>, tensor<2x2xi64>) {
  %a = dnn.sub %x, %y : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %b = dnn.sub %y, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %c = dnn.reduce_sum %x {axes = array<i64: 0>, keepdims = false} : (tensor<2x2xf32>) -> tensor<2xf32>
  %d = dnn.reduce_sum %x {axes = array<i64: 1>, keepdims = false} : (tensor<2x2xf32>) -> tensor<2xf32>
  %e = dnn.cast %x {to = i32} : (tensor<2x2xf32>) -> tensor<2x2xi32>
  %f = dnn.cast %x {to = i64} : (tensor<2x2xf32>) -> tensor<2x2xi64>
  func.return %a, %b, %c, %d, %e, %f
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x2xi32>, tensor<2x2xi64>
}
