// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Shapes broadcast as in numpy.

// CHECK: 'dnn.add' does not verify: shapes [2, 3], [2] do not broadcast along axis 1
func.func @shapes(%x: tensor<2x3xf32>, %b: tensor<2xf32>) {
  %r = dnn.add %x, %b : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// A comparison gives bools.

// CHECK: 'dnn.less' does not verify: found result types tensor<3xf32>, expected tensor<3xi1>
func.func @comparison(%x: tensor<3xf32>) {
  %r = dnn.less %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// A condition is of bools.

// CHECK: 'dnn.where' does not verify: the condition has elements of type f32, expected i1
func.func @condition(%x: tensor<3xf32>) {
  %r = dnn.where %x, %x, %x : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return
}
