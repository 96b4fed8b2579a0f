// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// CHECK: found 0 steps, expected at least 1
func.func @none(%x: tensor<f32>) -> tensor<f32> {
  %last = dnn.loop (%t = 0) carried (%h = %x : tensor<f32>) {
    dnn.yield %h : tensor<f32>
  }
  func.return %last : tensor<f32>
}

// -----

// CHECK: the body hands on tensor<2xf32>, expected tensor<f32>
func.func @grows(%x: tensor<f32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  %last = dnn.loop (%t = 3) carried (%h = %x : tensor<f32>) captured (%u = %y : tensor<2xf32>) {
    dnn.yield %u : tensor<2xf32>
  }
  func.return %last : tensor<2xf32>
}

// -----

// CHECK: found stacked tensor<4xf32>, expected tensor<3xf32>
func.func @rows(%x: tensor<f32>) -> tensor<4xf32> {
  %last, %rows = dnn.loop (%t = 3) carried (%h = %x : tensor<f32>) stacked tensor<4xf32> {
    dnn.yield %h, %h : tensor<f32>, tensor<f32>
  }
  func.return %rows : tensor<4xf32>
}

// -----

// CHECK: the body of dnn.loop must end in dnn.yield
func.func @end(%x: tensor<f32>) -> tensor<f32> {
  %last = dnn.loop (%t = 3) carried (%h = %x : tensor<f32>) {
    %y = dnn.neg %h : (tensor<f32>) -> tensor<f32>
  }
  func.return %last : tensor<f32>
}

// -----

// The body sees nothing but its arguments.
// CHECK: using value defined out of its IsolatedFromAbove parent
func.func @outside(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %last = dnn.loop (%t = 3) carried (%h = %x : tensor<f32>) {
    dnn.yield %y : tensor<f32>
  }
  func.return %last : tensor<f32>
}
