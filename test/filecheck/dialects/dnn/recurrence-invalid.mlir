// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Weights have a slice for each gate.

// CHECK: 'dnn.rnn' does not verify: found input [5, 2, 3] and weights [4, 4, 3], expected (T, B, I) and (1, H, I)
func.func @gates(%x: tensor<5x2x3xf32>, %w: tensor<4x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) {
  %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false} : (tensor<5x2x3xf32>, tensor<4x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// Recurrent weights lead from hidden units to hidden units.

// CHECK: 'dnn.rnn' does not verify: found an operand of shape [1, 4, 3], expected [1, 4, 4]
func.func @recurrent(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %b: tensor<1x4xf32>) {
  %y, %h = dnn.rnn %x, %w, %w, %b {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false} : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x3xf32>, tensor<1x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// Lengths are integers, one for each element of the batch.

// CHECK: 'dnn.rnn' does not verify: found lengths of type tensor<5xi32>, expected an integer for each of 2
func.func @lengths(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>, %n: tensor<5xi32>) {
  %y, %h = dnn.rnn %x, %w, %r, %b lengths %n : tensor<5xi32> {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false} : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// Activations have names that are known, …

// CHECK: 'dnn.rnn' does not verify: found activation 'swish', expected one of affine, elu, hard_sigmoid, leaky_relu, relu, scaled_tanh, sigmoid, softplus, softsign, tanh, thresholded_relu
func.func @activation(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) {
  %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["swish"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false} : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// … and are as many as the cell has.

// CHECK: 'dnn.rnn' does not verify: found [2, 1, 1] activations, alphas and betas, expected 1 of each
func.func @activations(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) {
  %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["tanh", "tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false} : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// A bias of the hidden gate stands alone only where the reset comes after it.

// CHECK: 'dnn.gru' does not verify: found a hidden bias without linear_before_reset, expected it to be part of the bias
func.func @hidden_bias(%x: tensor<5x2x3xf32>, %w: tensor<3x4x3xf32>, %r: tensor<3x4x4xf32>, %b: tensor<3x4xf32>, %e: tensor<4xf32>) {
  %y, %h = dnn.gru %x, %w, %r, %b hidden_bias %e : tensor<4xf32> {activations = ["sigmoid", "tanh"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>, reverse = false, linear_before_reset = false} : (tensor<5x2x3xf32>, tensor<3x4x3xf32>, tensor<3x4x4xf32>, tensor<3x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return
}

// -----

// Peepholes belong to three of the gates.

// CHECK: 'dnn.lstm' does not verify: found peepholes [4, 4], expected [3, 4]
func.func @peepholes(%x: tensor<5x2x3xf32>, %w: tensor<4x4x3xf32>, %r: tensor<4x4x4xf32>, %b: tensor<4x4xf32>) {
  %y, %h, %c = dnn.lstm %x, %w, %r, %b peepholes %b : tensor<4x4xf32> {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>, reverse = false, input_forget = false} : (tensor<5x2x3xf32>, tensor<4x4x3xf32>, tensor<4x4x4xf32>, tensor<4x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  func.return
}
