// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel --split-input-file | filecheck %s

// One product for the inputs of all steps and gates; in each step one for the state, and a kernel for both states.

// CHECK-LABEL: @lstm
// CHECK:         %[[INPUTS:.*]] = kernel.compute (%n = 5, %c = 1, %y_1 = 4, %x_1 = 2) -> tensor<5x1x4x2xf32> {
// CHECK:           kernel.reduce add (%i = 3)
// CHECK:         %[[H0:.*]] = kernel.compute (%m = 1, %n_1 = 2)
// CHECK:         %[[C0:.*]] = kernel.compute (%m_1 = 1, %n_2 = 2)
// CHECK:         %[[H:.*]], %[[C:.*]], %[[Y:.*]] = kernel.scan (%t = 5) reverse carried (%h = %[[H0]] : tensor<1x2xf32>, %c_1 = %[[C0]] : tensor<1x2xf32>) stacked tensor<5x1x2xf32> {
// CHECK-NEXT:      %[[GATES:.*]] = kernel.compute (%b_1 = 1, %m_2 = 4, %n_3 = 2) -> tensor<1x4x2xf32> {
// CHECK:             kernel.reduce add (%k = 2)
// CHECK:             kernel.read %h[%b_1, %k]
// CHECK:             kernel.read %[[INPUTS]][%t, %b_1, %m_2, %n_3]
// CHECK:           %[[NEXT:.*]], %[[CELL:.*]] = kernel.compute (%m_3 = 1, %n_4 = 2) -> tensor<1x2xf32>, tensor<1x2xf32> {
// CHECK-NEXT:        kernel.read %[[GATES]][%m_3, 0, %n_4]
// CHECK:             math.tanh
// CHECK:           kernel.yield %[[NEXT]], %[[CELL]], %[[NEXT]]
// CHECK:         func.return %[[Y]], %[[C]]
func.func @lstm(%x: tensor<5x1x3xf32>, %w: tensor<4x2x3xf32>, %r: tensor<4x2x2xf32>, %b: tensor<4x2xf32>) -> (tensor<5x1x2xf32>, tensor<1x2xf32>) {
  %y, %h, %c = dnn.lstm %x, %w, %r, %b {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
                                        betas = array<f64: 0.0, 0.0, 0.0>, reverse = true, input_forget = false}
             : (tensor<5x1x3xf32>, tensor<4x2x3xf32>, tensor<4x2x2xf32>, tensor<4x2xf32>)
            -> (tensor<5x1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>)
  func.return %y, %c : tensor<5x1x2xf32>, tensor<1x2xf32>
}

// -----

// Beyond the end of its sequence an element keeps its state, and gives zeros.

// CHECK-LABEL: @lengths
// CHECK:         kernel.scan (%t = 5) carried
// CHECK:           %[[STEP:.*]] = kernel.index [%t]
// CHECK:           arith.cmpi slt
// CHECK:           arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK:           kernel.yield
// CHECK:           arith.select
// CHECK:           kernel.yield
func.func @lengths(%x: tensor<5x1x3xf32>, %w: tensor<1x2x3xf32>, %r: tensor<1x2x2xf32>, %b: tensor<1x2xf32>, %n: tensor<1xi32>) -> tensor<5x1x2xf32> {
  %y, %h = dnn.rnn %x, %w, %r, %b lengths %n : tensor<1xi32> {activations = ["tanh"], alphas = array<f64: 0.0>,
                                                              betas = array<f64: 0.0>, reverse = false}
         : (tensor<5x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>, tensor<1x2xf32>)
        -> (tensor<5x1x2xf32>, tensor<1x2xf32>)
  func.return %y : tensor<5x1x2xf32>
}

// -----

// A single step is no loop, and rows that nobody reads are not stacked.

// CHECK-LABEL: @one_step
// CHECK-NOT:     kernel.scan
// CHECK:         func.return
// CHECK-LABEL: @last_state
// CHECK:         kernel.scan (%t = 5) carried (%h = %{{.*}} : tensor<1x2xf32>) {
func.func @one_step(%x: tensor<1x1x3xf32>, %w: tensor<1x2x3xf32>, %r: tensor<1x2x2xf32>, %b: tensor<1x2xf32>) -> tensor<1x1x2xf32> {
  %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false}
         : (tensor<1x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>, tensor<1x2xf32>) -> (tensor<1x1x2xf32>, tensor<1x2xf32>)
  func.return %y : tensor<1x1x2xf32>
}
func.func @last_state(%x: tensor<5x1x3xf32>, %w: tensor<1x2x3xf32>, %r: tensor<1x2x2xf32>, %b: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>, reverse = false}
         : (tensor<5x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>, tensor<1x2xf32>) -> (tensor<5x1x2xf32>, tensor<1x2xf32>)
  func.return %h : tensor<1x2xf32>
}

// -----

// Where the reset comes before the product, the product of the hidden gate has a kernel of its own.

// CHECK-LABEL: @gru
// CHECK:         kernel.scan
// CHECK:           %[[GATES:.*]] = kernel.compute (%b_1 = 1, %m_1 = 2, %n_2 = 2) -> tensor<1x2x2xf32>
// CHECK:           %[[LEFT:.*]] = kernel.compute (%m_2 = 1, %n_3 = 2) -> tensor<1x2xf32> {
// CHECK:             kernel.read %h[%m_2, %n_3]
// CHECK:           kernel.compute
// CHECK:             kernel.read %[[LEFT]]
func.func @gru(%x: tensor<5x1x3xf32>, %w: tensor<3x2x3xf32>, %r: tensor<3x2x2xf32>, %b: tensor<3x2xf32>) -> tensor<5x1x2xf32> {
  %y, %h = dnn.gru %x, %w, %r, %b {activations = ["sigmoid", "tanh"], alphas = array<f64: 0.0, 0.0>,
                                   betas = array<f64: 0.0, 0.0>, reverse = false, linear_before_reset = false}
         : (tensor<5x1x3xf32>, tensor<3x2x3xf32>, tensor<3x2x2xf32>, tensor<3x2xf32>)
        -> (tensor<5x1x2xf32>, tensor<1x2xf32>)
  func.return %y : tensor<5x1x2xf32>
}
