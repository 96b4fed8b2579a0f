// RUN: webdnn-opt %s --pass-pipeline=dnn-narrow-integers --split-input-file --verify-each | filecheck %s

// A length that is counted in 64 bits and read in 32 is counted in 32, its constants too.
// CHECK-LABEL: func.func @lengths
// CHECK: %[[M:.*]] = dnn.cast %m {to = i32} : (tensor<2x9xi64>) -> tensor<2x9xi32>
// CHECK-NEXT: %[[A:.*]] = dnn.reduce_sum %[[M]]
// CHECK-NEXT: %[[ONE:.*]] = dnn.constant dense<1> : tensor<i32> : tensor<i32>
// CHECK-NEXT: %y = dnn.sub %[[A]], %[[ONE]]
// CHECK-NEXT: func.return %y
func.func @lengths(%m: tensor<2x9xi64>) -> tensor<2xi32> {
  %one = dnn.constant dense<1> : tensor<i64> : tensor<i64>
  %a = dnn.reduce_sum %m {axes = array<i64: 1>, keepdims = false} : (tensor<2x9xi64>) -> tensor<2xi64>
  %b = dnn.sub %a, %one : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %y = dnn.cast %b {to = i32} : (tensor<2xi64>) -> tensor<2xi32>
  func.return %y : tensor<2xi32>
}

// -----

// Selections keep their condition, and what was of 32 bits before stands for itself.
// CHECK-LABEL: func.func @selected
// CHECK: %[[B:.*]] = dnn.cast %b {to = i32}
// CHECK-NEXT: dnn.where %c, %a, %[[B]]
// CHECK-NEXT: dnn.concat
func.func @selected(%c: tensor<4xi1>, %a: tensor<4xi32>, %b: tensor<4xi64>) -> tensor<8xi32> {
  %w = dnn.cast %a {to = i64} : (tensor<4xi32>) -> tensor<4xi64>
  %s = dnn.where %c, %w, %b : (tensor<4xi1>, tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %d = dnn.concat %s, %w {axis = 0 : i64} : (tensor<4xi64>, tensor<4xi64>) -> tensor<8xi64>
  %y = dnn.cast %d {to = i32} : (tensor<8xi64>) -> tensor<8xi32>
  func.return %y : tensor<8xi32>
}

// -----

// Quotients and maxima ask all bits, and what is read in 64 bits too stays so.
// CHECK-LABEL: func.func @wide
// CHECK: dnn.div %a, %b : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
// CHECK-NEXT: dnn.cast
// CHECK-NEXT: dnn.add %a, %b : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
// CHECK-NEXT: dnn.cast
func.func @wide(%a: tensor<4xi64>, %b: tensor<4xi64>) -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi64>) {
  %q = dnn.div %a, %b : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %x = dnn.cast %q {to = i32} : (tensor<4xi64>) -> tensor<4xi32>
  %s = dnn.add %a, %b : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %y = dnn.cast %s {to = i32} : (tensor<4xi64>) -> tensor<4xi32>
  func.return %x, %y, %s : tensor<4xi32>, tensor<4xi32>, tensor<4xi64>
}
