// RUN: webdnn-opt %s --pass-pipeline=dnn-fold-constants --split-input-file --verify-each | filecheck %s

// What is computed from constants alone is computed now, through chains; the constants it was made of go.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %t = dnn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00], [4.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT: %y = dnn.matmul %x, %t
// CHECK-NEXT: func.return %y
func.func @chain(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = dnn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %d = dnn.mul %w, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %t = dnn.transpose %d {permutation = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = dnn.matmul %x, %t : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// -----

// Infinities are kept as weights: inline they would not survive printing.
// CHECK-LABEL: func.func @infinite
// CHECK-NEXT: %y = dnn.constant #dnn.weight<{{w[0-9a-f]+}} : tensor<f32>> : tensor<f32>
func.func @infinite() -> tensor<f32> {
  %zero = dnn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y = dnn.reciprocal %zero : (tensor<f32>) -> tensor<f32>
  func.return %y : tensor<f32>
}

// -----

// What would become much larger than what it is made of is computed where it is read.
// CHECK-LABEL: func.func @growth
// CHECK: %y = dnn.expand %one
func.func @growth() -> tensor<512x1024xf32> {
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %y = dnn.expand %one {shape = array<i64: 512, 1024>} : (tensor<f32>) -> tensor<512x1024xf32>
  func.return %y : tensor<512x1024xf32>
}

// -----

// An operand that is not known is enough to leave an operator alone.
// CHECK-LABEL: func.func @unknown
// CHECK: %y = dnn.add %x, %one
func.func @unknown(%x: tensor<2xf32>) -> tensor<2xf32> {
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %y = dnn.add %x, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// -----

// Integers less themselves, or times zero, are zero; of floats, infinities and NaN are not.
// CHECK-LABEL: func.func @zero
// CHECK-NEXT: %b = dnn.constant dense<0> : tensor<2xi64>
// CHECK-NEXT: %c = dnn.sub %y, %y
// CHECK-NEXT: func.return %b, %c
func.func @zero(%x: tensor<2xi64>, %y: tensor<2xf32>) -> (tensor<2xi64>, tensor<2xf32>) {
  %zero = dnn.constant dense<0> : tensor<i64> : tensor<i64>
  %a = dnn.mul %x, %zero : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %d = dnn.sub %x, %x : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %b = dnn.add %a, %d : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %c = dnn.sub %y, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %b, %c : tensor<2xi64>, tensor<2xf32>
}
