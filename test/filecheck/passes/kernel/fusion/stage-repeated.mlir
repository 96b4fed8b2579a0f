// RUN: webdnn-opt %s --pass-pipeline=kernel-stage-repeated --verify-each --split-input-file | filecheck %s

// The exponentials of a softmax are made once, and read by the sum and by the quotient.

// CHECK-LABEL: @softmax
// CHECK:         %[[E:.*]] = kernel.compute (%m = 2, %n = 8) -> tensor<2x8xf32> {
// CHECK-NEXT:      %[[X:.*]] = kernel.read %x[%m, %n] : tensor<2x8xf32>
// CHECK-NEXT:      %[[V:.*]] = math.exp %[[X]] : f32
// CHECK-NEXT:      kernel.yield %[[V]] : f32
// CHECK:         kernel.compute
// CHECK:           kernel.reduce add (%k = 8)
// CHECK-NEXT:        %[[K:.*]] = kernel.read %[[E]][%m_1, %k] : tensor<2x8xf32>
// CHECK-NEXT:        kernel.yield %[[K]] : f32
// CHECK:           kernel.read %[[E]][%m_1, %n_1] : tensor<2x8xf32>
// CHECK-NEXT:      arith.divf
func.func @softmax(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = kernel.compute (%m = 2, %n = 8) -> tensor<2x8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x8xf32>
      %b = math.exp %a : f32
      kernel.yield %b : f32
    }
    %v = kernel.read %x[%m, %n] : tensor<2x8xf32>
    %w = math.exp %v : f32
    %y = arith.divf %w, %s : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<2x8xf32>
}

// -----

// What the points make is not what the sum makes: other operations, another constant, or another place.

// CHECK-LABEL: @different
// CHECK-COUNT-1: kernel.compute
// CHECK-NOT:     kernel.compute
func.func @different(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = kernel.compute (%m = 2, %n = 8) -> tensor<2x8xf32> {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x8xf32>
      %c = arith.mulf %a, %one : f32
      %b = math.exp %c : f32
      kernel.yield %b : f32
    }
    %v = kernel.read %x[%m, %n] : tensor<2x8xf32>
    %c = arith.mulf %v, %two : f32
    %w = math.exp %c : f32
    %t = math.tanh %v : f32
    %u = kernel.read %x[0, %n] : tensor<2x8xf32>
    %uw = math.exp %u : f32
    %wt = arith.mulf %w, %t : f32
    %wtu = arith.mulf %wt, %uw : f32
    %y = arith.divf %wtu, %s : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<2x8xf32>
}

// -----

// Squares are no dearer than reading them again.

// CHECK-LABEL: @cheap
// CHECK-COUNT-1: kernel.compute
// CHECK-NOT:     kernel.compute
func.func @cheap(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = kernel.compute (%m = 2, %n = 8) -> tensor<2x8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x8xf32>
      %b = arith.mulf %a, %a : f32
      kernel.yield %b : f32
    }
    %v = kernel.read %x[%m, %n] : tensor<2x8xf32>
    %w = arith.mulf %v, %v : f32
    %y = arith.divf %w, %s : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<2x8xf32>
}
