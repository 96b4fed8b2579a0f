// RUN: webdnn-opt %s --pass-pipeline=dnn-elide-identities --split-input-file --verify-each | filecheck %s

// x * 1, x + 0, x - 0, x / 1 and x ** 1 are x, and so are 1 * x and 0 + x.
// CHECK-LABEL: func.func @units
// CHECK-NOT: dnn.{{mul|add|sub|div|pow}}
// CHECK: %y = dnn.relu %x
// CHECK-NEXT: func.return %y
func.func @units(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = dnn.constant dense<0.0> : tensor<3xf32> : tensor<3xf32>
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %b = dnn.add %a, %zero : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %c = dnn.sub %b, %zero : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %d = dnn.div %c, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %e = dnn.pow %d, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %f = dnn.mul %one, %e : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %g = dnn.add %zero, %f : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = dnn.relu %g : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}

// -----

// So it is for integers.
// CHECK-LABEL: func.func @integers
// CHECK-NEXT: func.return %x
func.func @integers(%x: tensor<2xi64>) -> tensor<2xi64> {
  %zero = dnn.constant dense<0> : tensor<i64> : tensor<i64>
  %one = dnn.constant dense<1> : tensor<2xi64> : tensor<2xi64>
  %a = dnn.add %x, %zero : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %b = dnn.div %a, %one : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  func.return %b : tensor<2xi64>
}

// -----

// 1 / x, 1 ** x and 0 - x are not x.
// CHECK-LABEL: func.func @left
// CHECK: %a = dnn.div %one, %x
// CHECK: %b = dnn.pow %one, %x
// CHECK: %c = dnn.sub %zero, %x
func.func @left(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %zero = dnn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %a = dnn.div %one, %x : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %b = dnn.pow %one, %x : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %c = dnn.sub %zero, %x : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// 5 / (x + 3) keeps its operators and the order of its operands.
// CHECK-LABEL: func.func @order
// CHECK: %[[A:.*]] = dnn.add %x, %three
// CHECK-NEXT: %y = dnn.div %five, %[[A]]
func.func @order(%x: tensor<2xf32>) -> tensor<2xf32> {
  %three = dnn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %five = dnn.constant dense<5.0> : tensor<f32> : tensor<f32>
  %a = dnn.add %x, %three : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %y = dnn.div %five, %a : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// -----

// A unit that broadcasts x to a larger shape is not one, nor is a constant that is only partly the unit.
// CHECK-LABEL: func.func @broadcast
// CHECK: %a = dnn.mul %x, %ones
// CHECK: %b = dnn.mul %x, %some
func.func @broadcast(%x: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<3xf32>) {
  %ones = dnn.constant dense<1.0> : tensor<2x3xf32> : tensor<2x3xf32>
  %some = dnn.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32> : tensor<3xf32>
  %a = dnn.mul %x, %ones : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = dnn.mul %x, %some : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %a, %b : tensor<2x3xf32>, tensor<3xf32>
}

// -----

// x * 0 is not 0, since infinity times 0 is NaN; and x - x, x / x stay, which are NaN for an infinite x.
// CHECK-LABEL: func.func @infinite
// CHECK: %a = dnn.mul %x, %zero
// CHECK: %b = dnn.sub %x, %x
// CHECK: %c = dnn.div %x, %x
func.func @infinite(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %zero = dnn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %b = dnn.sub %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = dnn.div %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// Moves that move nothing go, and those that take each other back.
// CHECK-LABEL: func.func @moves
// CHECK-NEXT: func.return %x
func.func @moves(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = dnn.reshape %x {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = dnn.reshape %a {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %c = dnn.reshape %b {shape = array<i64: 2, 3>} : (tensor<6xf32>) -> tensor<2x3xf32>
  %d = dnn.transpose %c {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %e = dnn.transpose %d {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %f = dnn.transpose %e {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %g = dnn.slice %f {starts = array<i64: 0, 0>, sizes = array<i64: 2, 3>, steps = array<i64: 1, 1>}
     : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %h = dnn.pad %g {pads = array<i64: 0, 0, 0, 0>, mode = "edge"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %i = dnn.concat %h {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %j = dnn.cast %i {to = f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %k = dnn.expand %j {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %l = dnn.reduce_sum %k {axes = array<i64>, keepdims = true} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %l : tensor<2x3xf32>
}

// -----

// Moves that keep the type but not the places stay: a transpose of a square, a reversal, a shift by padding.
// CHECK-LABEL: func.func @places
// CHECK: %a = dnn.transpose %x
// CHECK: %b = dnn.slice %a
// CHECK: %c = dnn.pad %b
func.func @places(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %b = dnn.slice %a {starts = array<i64: 1, 0>, sizes = array<i64: 2, 2>, steps = array<i64: -1, 1>}
     : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %c = dnn.pad %b {pads = array<i64: 1, 0, -1, 0>, mode = "constant"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  func.return %c : tensor<2x2xf32>
}

// -----

// A transpose that something else reads stays for it; two that do not cancel stay.
// CHECK-LABEL: func.func @shared
// CHECK: %a = dnn.transpose %x
// CHECK-NOT: dnn.transpose %a {permutation = array<i64: 1, 0, 2>}
// CHECK: %c = dnn.transpose %a {permutation = array<i64: 0, 2, 1>}
// CHECK: func.return %x, %a, %c
func.func @shared(%x: tensor<2x2x2xf32>) -> (tensor<2x2x2xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>) {
  %a = dnn.transpose %x {permutation = array<i64: 1, 0, 2>} : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %b = dnn.transpose %a {permutation = array<i64: 1, 0, 2>} : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %c = dnn.transpose %a {permutation = array<i64: 0, 2, 1>} : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  func.return %b, %a, %c : tensor<2x2x2xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>
}
