// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// A reduction is one of five.

// CHECK: 'dnn.scatter_nd' does not verify: found reduction 'sub', expected one of none, add, mul, max, min
func.func @reduction(%a: tensor<8x4xf32>, %b: tensor<2x1xi64>, %c: tensor<2x4xf32>) {
  %r = dnn.scatter_nd %a, %b, %c {reduction = "sub"} : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
  func.return
}

// -----

// Updates have the shape that the indices ask for.

// CHECK: 'dnn.scatter_nd' does not verify: indices [2, 1] and updates [2, 5] do not fit [8, 4]
func.func @updates(%a: tensor<8x4xf32>, %b: tensor<2x1xi64>, %c: tensor<2x5xf32>) {
  %r = dnn.scatter_nd %a, %b, %c {reduction = "none"} : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x5xf32>) -> tensor<8x4xf32>
  func.return
}

// -----

// Updates and indices have one shape.

// CHECK: 'dnn.scatter_elements' does not verify: indices [3, 2] and updates [3, 1] do not fit [3, 4]
func.func @elements(%a: tensor<3x4xf32>, %b: tensor<3x2xi64>, %c: tensor<3x1xf32>) {
  %r = dnn.scatter_elements %a, %b, %c {axis = 1 : i64, reduction = "none"} : (tensor<3x4xf32>, tensor<3x2xi64>, tensor<3x1xf32>) -> tensor<3x4xf32>
  func.return
}
