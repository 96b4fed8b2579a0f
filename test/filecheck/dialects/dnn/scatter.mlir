// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// An index along the axis for each update.

// CHECK-LABEL: @scatter_elements
// CHECK: dnn.scatter_elements %a, %b, %c {axis = 1 : i64, reduction = "none"} : (tensor<3x4xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x4xf32>
func.func @scatter_elements(%a: tensor<3x4xf32>, %b: tensor<3x2xi64>, %c: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %r = dnn.scatter_elements %a, %b, %c {axis = 1 : i64, reduction = "none"} : (tensor<3x4xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x4xf32>
  func.return %r : tensor<3x4xf32>
}

// Coordinates for each slice; updates may be combined with what they meet.

// CHECK-LABEL: @scatter_nd
// CHECK: dnn.scatter_nd %a, %b, %c {reduction = "add"} : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
func.func @scatter_nd(%a: tensor<8x4xf32>, %b: tensor<2x1xi64>, %c: tensor<2x4xf32>) -> tensor<8x4xf32> {
  %r = dnn.scatter_nd %a, %b, %c {reduction = "add"} : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
  func.return %r : tensor<8x4xf32>
}
