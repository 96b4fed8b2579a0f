// RUN: webdnn-opt %s --pass-pipeline=kernel-fold-initial-values --verify-each --split-input-file | filecheck %s

// A bias is where the sum starts; its read moves before the reduction.

// CHECK-LABEL: @bias
// CHECK:         %[[B:.*]] = kernel.read %b[%n] : tensor<4xf32>
// CHECK:         %[[S:.*]] = kernel.reduce add (%k = 3) from %[[B]] : f32 {
// CHECK-NOT:     arith.addf
// CHECK:         kernel.yield %[[S]] : f32
func.func @bias(%x: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%k, %n] : tensor<3x4xf32>
      kernel.yield %a : f32
    }
    %v = kernel.read %b[%n] : tensor<4xf32>
    %y = arith.addf %s, %v : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// A sum that is used twice, or that starts elsewhere, keeps its start.

// CHECK-LABEL: @used_twice
// CHECK:         kernel.reduce add (%k = 3) from %zero : f32 {
// CHECK:         kernel.reduce add (%k_1 = 3) from %one : f32 {
func.func @used_twice(%x: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%k, %n] : tensor<3x4xf32>
      kernel.yield %a : f32
    }
    %t = kernel.reduce add (%k = 3) from %one : f32 {
      %a = kernel.read %x[%k, %n] : tensor<3x4xf32>
      kernel.yield %a : f32
    }
    %v = kernel.read %b[%n] : tensor<4xf32>
    %y = arith.addf %s, %v : f32
    %z = arith.addf %t, %v : f32
    %u = arith.mulf %y, %s : f32
    %w = arith.mulf %u, %z : f32
    kernel.yield %w : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// What is added was computed, from the sum itself: it stays an addition.

// CHECK-LABEL: @computed
// CHECK:         kernel.reduce add (%k = 3) from %zero : f32 {
// CHECK:         arith.addf
func.func @computed(%x: tensor<3xf32>) -> tensor<1xf32> {
  %0 = kernel.compute (%n = 1) -> tensor<1xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<3xf32>
      kernel.yield %a : f32
    }
    %v = kernel.read %x[%n] : tensor<3xf32>
    %u = arith.negf %v : f32
    %y = arith.addf %s, %u : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<1xf32>
}

// -----

// What the value is read by moves along, in its own order.

// CHECK-LABEL: @moved
// CHECK:           %[[A:.*]] = kernel.index [%n * 2]
// CHECK-NEXT:      %[[B:.*]] = kernel.index [%[[A]] + 1]
// CHECK-NEXT:      %[[BIAS:.*]] = kernel.read %bias[%[[A]] + %[[B]]]
// CHECK-NEXT:      kernel.reduce add (%k = 4) from %[[BIAS]]
func.func @moved(%x: tensor<4x8xf32>, %bias: tensor<32xf32>) -> tensor<8xf32> {
  %y = kernel.compute (%n = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %v = kernel.read %x[%k, %n] : tensor<4x8xf32>
      kernel.yield %v : f32
    }
    %a = kernel.index [%n * 2] of 15
    %b = kernel.index [%a + 1] of 16
    %f = kernel.read %bias[%a + %b] : tensor<32xf32>
    %r = arith.addf %s, %f : f32
    kernel.yield %r : f32
  }
  func.return %y : tensor<8xf32>
}
