// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// A reshape keeps every element.

// CHECK: 'dnn.reshape' does not verify: cannot reshape [2, 3] to [7]: expected as many elements
func.func @reshape(%a: tensor<2x3xf32>) {
  %r = dnn.reshape %a {shape = array<i64: 7>} : (tensor<2x3xf32>) -> tensor<7xf32>
  func.return
}

// -----

// A permutation names each axis once.

// CHECK: 'dnn.transpose' does not verify: the permutation [0, 0] does not name each of 2 axes once
func.func @transpose(%a: tensor<2x3xf32>) {
  %r = dnn.transpose %a {permutation = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  func.return
}

// -----

// A slice stays inside.

// CHECK: 'dnn.slice' does not verify: 3 elements from 4 by 1 leave axis 0 of extent 6
func.func @slice(%a: tensor<6xf32>) {
  %r = dnn.slice %a {starts = array<i64: 4>, sizes = array<i64: 3>, steps = array<i64: 1>} : (tensor<6xf32>) -> tensor<3xf32>
  func.return
}

// -----

// Operands side by side fit along the other axes.

// CHECK: 'dnn.concat' does not verify: shapes [{{\[}}2, 3], [3, 3]] differ in more than axis 1
func.func @concat(%a: tensor<2x3xf32>, %b: tensor<3x3xf32>) {
  %r = dnn.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x6xf32>
  func.return
}

// -----

// What is expanded broadcasts to the shape.

// CHECK: 'dnn.expand' does not verify: [2, 3] does not broadcast to [3]
func.func @expand(%a: tensor<2x3xf32>) {
  %r = dnn.expand %a {shape = array<i64: 3>} : (tensor<2x3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// Counts are positive.

// CHECK: 'dnn.tile' does not verify: found repeats [1, 0], expected 2 positive counts
func.func @tile(%a: tensor<2x3xf32>) {
  %r = dnn.tile %a {repeats = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<2x0xf32>
  func.return
}

// -----

// Something must be left to repeat.

// CHECK: 'dnn.pad' does not verify: mode 'edge' has nothing to add along axis 0: all of it is cut off
func.func @pad(%a: tensor<2xf32>) {
  %r = dnn.pad %a {mode = "edge", pads = array<i64: -2, 3>} : (tensor<2xf32>) -> tensor<3xf32>
  func.return
}

// -----

// A mode is one of four.

// CHECK: 'dnn.pad' does not verify: found mode 'mirror', expected one of constant, edge, reflect, wrap
func.func @mode(%a: tensor<2xf32>) {
  %r = dnn.pad %a {mode = "mirror", pads = array<i64: 1, 0>} : (tensor<2xf32>) -> tensor<3xf32>
  func.return
}

// -----

// A triangle is part of a matrix.

// CHECK: 'dnn.trilu' does not verify: [4] holds no matrices, expected at least two axes
func.func @trilu(%a: tensor<4xf32>) {
  %r = dnn.trilu %a {k = 0 : i64, upper = true} : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}
