// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Columns of one meet rows of the other.

// CHECK: 'dnn.matmul' does not verify: cannot multiply [2, 3] by [4, 5]: expected […, m, k] and […, k, n]
func.func @matmul(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  %r = dnn.matmul %a, %b : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  func.return
}

// -----

// Elements are of one type.

// CHECK: 'dnn.matmul' does not verify: operands have element types f32, f16, expected one
func.func @elements(%a: tensor<2x3xf32>, %b: tensor<3x5xf16>) {
  %r = dnn.matmul %a, %b : (tensor<2x3xf32>, tensor<3x5xf16>) -> tensor<2x5xf32>
  func.return
}

// -----

// Each operand has a term.

// CHECK: 'dnn.einsum' does not verify: the equation 'ij,jk->ik' has 2 terms for 1 operands
func.func @terms(%a: tensor<2x3xf32>) {
  %r = dnn.einsum %a {equation = "ij,jk->ik"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// A term names every axis.

// CHECK: 'dnn.einsum' does not verify: the term 'i' does not name the axes of [2, 3]
func.func @axes(%a: tensor<2x3xf32>) {
  %r = dnn.einsum %a {equation = "i->i"} : (tensor<2x3xf32>) -> tensor<2xf32>
  func.return
}

// -----

// One letter has one extent.

// CHECK: 'dnn.einsum' does not verify: the axes 'i' have extents 2 and 3
func.func @extents(%a: tensor<2x3xf32>) {
  %r = dnn.einsum %a {equation = "ii->i"} : (tensor<2x3xf32>) -> tensor<2xf32>
  func.return
}

// -----

// The result names axes that there are.

// CHECK: 'dnn.einsum' does not verify: no operand has an axis 'j'
func.func @result(%a: tensor<2xf32>) {
  %r = dnn.einsum %a {equation = "i->j"} : (tensor<2xf32>) -> tensor<2xf32>
  func.return
}

// -----

// An ellipsis is spelled out.

// CHECK: 'dnn.einsum' does not verify: cannot read the equation '...i->...', expected such as 'ij,jk->ik'
func.func @ellipsis(%a: tensor<2x3xf32>) {
  %r = dnn.einsum %a {equation = "...i->..."} : (tensor<2x3xf32>) -> tensor<2xf32>
  func.return
}
