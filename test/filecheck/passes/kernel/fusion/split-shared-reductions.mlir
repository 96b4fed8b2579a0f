// RUN: webdnn-opt %s --pass-pipeline=kernel-split-shared-reductions --verify-each --split-input-file | filecheck %s

// A row's sum is the same for all its elements: it becomes a kernel over rows, with what it needs.

// CHECK-LABEL: @rows
// CHECK:         %[[T:.*]] = kernel.compute (%m = 2) -> tensor<2xf32> {
// CHECK:           kernel.reduce add (%k = 8)
// CHECK:         kernel.compute (%m_1 = 2, %n = 8) -> tensor<2x8xf32> {
// CHECK-NEXT:      %[[S:.*]] = kernel.read %[[T]][%m_1] : tensor<2xf32>
// CHECK-NEXT:      %[[V:.*]] = kernel.read %x[%m_1, %n] : tensor<2x8xf32>
// CHECK-NEXT:      arith.divf %[[V]], %[[S]] : f32
func.func @rows(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = kernel.compute (%m = 2, %n = 8) -> tensor<2x8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x8xf32>
      kernel.yield %a : f32
    }
    %v = kernel.read %x[%m, %n] : tensor<2x8xf32>
    %y = arith.divf %v, %s : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<2x8xf32>
}

// -----

// A reduction that all points share is a kernel with a single point, and one that needs another comes after it.

// CHECK-LABEL: @whole
// CHECK:         %[[A:.*]] = kernel.compute () -> tensor<f32> {
// CHECK:           kernel.reduce max
// CHECK:         %[[B:.*]] = kernel.compute () -> tensor<f32> {
// CHECK:           kernel.read %[[A]][] : tensor<f32>
// CHECK:           kernel.reduce add
// CHECK:         kernel.compute (%n = 8) -> tensor<8xf32> {
// CHECK-NEXT:      kernel.read %[[B]][] : tensor<f32>
func.func @whole(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.compute (%n = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %m = kernel.reduce max (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<8xf32>
      kernel.yield %a : f32
    }
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<8xf32>
      %d = arith.subf %a, %m : f32
      kernel.yield %d : f32
    }
    %v = kernel.read %x[%n] : tensor<8xf32>
    %y = arith.divf %v, %s : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<8xf32>
}

// -----

// A matrix product depends on both axes; an axis of one element decides nothing.

// CHECK-LABEL: @product
// CHECK:         kernel.compute
// CHECK-NOT:     kernel.compute
func.func @product(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<1x2x4xf32> {
  %0 = kernel.compute (%b = 1, %m = 2, %n = 4) -> tensor<1x2x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %p = kernel.read %x[%m, %k] : tensor<2x3xf32>
      %q = kernel.read %w[%k, %n] : tensor<3x4xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<1x2x4xf32>
}
