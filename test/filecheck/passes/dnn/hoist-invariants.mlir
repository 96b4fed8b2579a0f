// RUN: webdnn-opt %s --pass-pipeline=dnn-hoist-invariants --verify-each | filecheck %s

// What depends on captured values and constants alone leaves, one after another; what is read of it is captured.

// CHECK-LABEL: @leaves
// CHECK:         %[[TWO:.*]] = dnn.constant dense<2.000000e+00>
// CHECK-NEXT:    %v = dnn.mul %x, %[[TWO]]
// CHECK-NEXT:    %w = dnn.tanh %v
// CHECK-NEXT:    %last = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%[[W:.*]] = %w : tensor<4xf32>) {
// CHECK-NOT:       dnn.tanh
// CHECK:           %next = dnn.add %h, %[[W]]
func.func @leaves(%x: tensor<4xf32>, %zero: tensor<4xf32>) -> tensor<4xf32> {
  %last = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<4xf32>) {
    %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
    %v = dnn.mul %u, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %w = dnn.tanh %v : (tensor<4xf32>) -> tensor<4xf32>
    %next = dnn.add %h, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dnn.yield %next : tensor<4xf32>
  }
  func.return %last : tensor<4xf32>
}

// It leaves all loops that it is in; a captured value that is read otherwise too stays captured.

// CHECK-LABEL: @nested
// CHECK:         %v = dnn.tanh %x
// CHECK-NEXT:    dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<4xf32>, %[[V:.*]] = %v : tensor<4xf32>) {
// CHECK-NEXT:      dnn.loop (%s = 5) carried (%g = %h : tensor<4xf32>) captured (%{{.*}} = %u : tensor<4xf32>, %{{.*}} = %[[V]] : tensor<4xf32>) {
func.func @nested(%x: tensor<4xf32>, %zero: tensor<4xf32>) -> tensor<4xf32> {
  %last = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<4xf32>) {
    %inner = dnn.loop (%s = 5) carried (%g = %h : tensor<4xf32>) captured (%w = %u : tensor<4xf32>) {
      %v = dnn.tanh %w : (tensor<4xf32>) -> tensor<4xf32>
      %sum = dnn.add %g, %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %next = dnn.mul %sum, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      dnn.yield %next : tensor<4xf32>
    }
    dnn.yield %inner : tensor<4xf32>
  }
  func.return %last : tensor<4xf32>
}

// What the step or what it carries decides stays.

// CHECK-LABEL: @stays
// CHECK-NEXT:    dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<9x4xf32>) {
// CHECK-NEXT:      dnn.gather %u, %t
// CHECK-NEXT:      dnn.tanh %h
func.func @stays(%x: tensor<9x4xf32>, %zero: tensor<4xf32>) -> tensor<4xf32> {
  %last = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<9x4xf32>) {
    %row = dnn.gather %u, %t {axis = 0 : i64} : (tensor<9x4xf32>, tensor<i64>) -> tensor<4xf32>
    %g = dnn.tanh %h : (tensor<4xf32>) -> tensor<4xf32>
    %next = dnn.add %g, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dnn.yield %next : tensor<4xf32>
  }
  func.return %last : tensor<4xf32>
}
