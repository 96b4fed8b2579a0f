// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// Four gates; operands that may be left out have names.

// CHECK-LABEL: @lstm
// CHECK: dnn.lstm %x, %w, %r, %b lengths %n : tensor<2xi32> initial_h %h : tensor<2x4xf32> initial_c %c : tensor<2x4xf32> peepholes %p : tensor<3x4xf32> {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.000000e+00, 0.000000e+00, 0.000000e+00>, betas = array<f64: 0.000000e+00, 0.000000e+00, 0.000000e+00>, clip = 1.000000e+00 : f64, reverse = true, input_forget = false} : (tensor<5x2x3xf32>, tensor<4x4x3xf32>, tensor<4x4x4xf32>, tensor<4x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
func.func @lstm(%x: tensor<5x2x3xf32>, %w: tensor<4x4x3xf32>, %r: tensor<4x4x4xf32>, %b: tensor<4x4xf32>, %n: tensor<2xi32>, %h: tensor<2x4xf32>, %c: tensor<2x4xf32>, %p: tensor<3x4xf32>) -> tensor<5x2x4xf32> {
  %y, %last, %cell = dnn.lstm %x, %w, %r, %b lengths %n : tensor<2xi32> initial_h %h : tensor<2x4xf32>
                              initial_c %c : tensor<2x4xf32> peepholes %p : tensor<3x4xf32>
                              {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
                               betas = array<f64: 0.0, 0.0, 0.0>, clip = 1.0 : f64, reverse = true,
                               input_forget = false}
                   : (tensor<5x2x3xf32>, tensor<4x4x3xf32>, tensor<4x4x4xf32>, tensor<4x4xf32>)
                  -> (tensor<5x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  func.return %y : tensor<5x2x4xf32>
}

// Three gates; the hidden one may have a bias of its own.

// CHECK-LABEL: @gru
// CHECK: dnn.gru %x, %w, %r, %b hidden_bias %e : tensor<4xf32> {activations = ["sigmoid", "tanh"],
func.func @gru(%x: tensor<5x2x3xf32>, %w: tensor<3x4x3xf32>, %r: tensor<3x4x4xf32>, %b: tensor<3x4xf32>, %e: tensor<4xf32>) -> tensor<5x2x4xf32> {
  %y, %last = dnn.gru %x, %w, %r, %b hidden_bias %e : tensor<4xf32>
                      {activations = ["sigmoid", "tanh"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>,
                       reverse = false, linear_before_reset = true}
            : (tensor<5x2x3xf32>, tensor<3x4x3xf32>, tensor<3x4x4xf32>, tensor<3x4xf32>)
           -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return %y : tensor<5x2x4xf32>
}

// No gate but the state itself.

// CHECK-LABEL: @rnn
// CHECK: dnn.rnn %x, %w, %r, %b {activations = ["leaky_relu"], alphas = array<f64: 1.000000e-01>,
func.func @rnn(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) -> tensor<2x4xf32> {
  %y, %last = dnn.rnn %x, %w, %r, %b {activations = ["leaky_relu"], alphas = array<f64: 0.1>, betas = array<f64: 0.0>,
                                      reverse = false}
            : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>)
           -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  func.return %last : tensor<2x4xf32>
}
