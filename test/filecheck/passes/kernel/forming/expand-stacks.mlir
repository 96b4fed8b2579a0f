// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-stacks --verify-each --split-input-file | filecheck %s

// Rows become a carried value, to which each step gives one more.

// CHECK-LABEL: @steps
// CHECK-NEXT:    %[[ZERO:.*]] = kernel.compute (%i = 3, %i_1 = 8) -> tensor<3x8xf32> {
// CHECK:         %last, %y = kernel.scan (%t = 3) carried (%h = %z : tensor<8xf32>, %[[OLD:.*]] = %[[ZERO]] : tensor<3x8xf32>) {
// CHECK:           %next = kernel.compute
// CHECK:           %[[NEW:.*]] = kernel.compute (%[[I:.*]] = 3, %[[J:.*]] = 8) -> tensor<3x8xf32> {
// CHECK-NEXT:        %[[HERE:.*]] = kernel.inside [%[[I]] + %t * -1] of [1]
// CHECK-NEXT:        %[[A:.*]] = kernel.read %next[%[[J]]]
// CHECK-NEXT:        %[[B:.*]] = kernel.read %[[OLD]][%[[I]], %[[J]]]
// CHECK-NEXT:        arith.select %[[HERE]], %[[A]], %[[B]]
// CHECK:           kernel.yield %next, %[[NEW]] : tensor<8xf32>, tensor<3x8xf32>
// CHECK:         func.return %y
func.func @steps(%x: tensor<3x8xf32>, %z: tensor<8xf32>) -> tensor<3x8xf32> {
  %last, %y = kernel.scan (%t = 3) carried (%h = %z : tensor<8xf32>) stacked tensor<3x8xf32> {
    %next = kernel.compute (%i = 8) -> tensor<8xf32> {
      %a = kernel.read %x[%t, %i] : tensor<3x8xf32>
      %b = kernel.read %h[%i] : tensor<8xf32>
      %c = arith.addf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
  }
  func.return %y : tensor<3x8xf32>
}

// -----

// A scan that stacks nothing stays as it is.

// CHECK-LABEL: @carried
// CHECK-NEXT:    kernel.scan (%t = 2) carried (%h = %z : tensor<8xf32>) {
func.func @carried(%z: tensor<8xf32>) -> tensor<8xf32> {
  %last = kernel.scan (%t = 2) carried (%h = %z : tensor<8xf32>) {
    kernel.yield %h : tensor<8xf32>
  }
  func.return %last : tensor<8xf32>
}
