// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-concat --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-concat{most=2} --split-input-file | filecheck %s --check-prefix=TWO

// Each point reads the operand that it lies in: what is outside of one is inside the next.

// CHECK-LABEL: @concat
// CHECK:         kernel.compute (%i = 2, %i_1 = 8) -> tensor<2x8xf32> {
// CHECK-NEXT:      %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:      %[[B:.*]] = kernel.read %b[%i, %i_1 + -3] outside %[[ZERO]] : tensor<2x5xf32>
// CHECK-NEXT:      %[[A:.*]] = kernel.read %a[%i, %i_1] outside %[[B]] : tensor<2x3xf32>
// CHECK-NEXT:      kernel.yield %[[A]] : f32
// CHECK-NOT:     kernel.concat
func.func @concat(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) -> tensor<2x8xf32> {
  %0 = kernel.concat 1 %a, %b : tensor<2x3xf32>, tensor<2x5xf32> -> tensor<2x8xf32>
  func.return %0 : tensor<2x8xf32>
}

// -----

// More operands than a kernel takes are joined in steps.

// TWO-LABEL: @steps
// TWO:         %[[AB:.*]] = kernel.compute ({{.*}} = 5) -> tensor<5xf32>
// TWO:         kernel.compute ({{.*}} = 9) -> tensor<9xf32>
// TWO:           kernel.read %c[
// TWO:           kernel.read %[[AB]][
func.func @steps(%a: tensor<2xf32>, %b: tensor<3xf32>, %c: tensor<4xf32>) -> tensor<9xf32> {
  %0 = kernel.concat 0 %a, %b, %c : tensor<2xf32>, tensor<3xf32>, tensor<4xf32> -> tensor<9xf32>
  func.return %0 : tensor<9xf32>
}

// -----

// Nothing else changes.

// CHECK-LABEL: @other
// CHECK-NEXT:    kernel.reshape
func.func @other(%a: tensor<2x3xf32>) -> tensor<6xf32> {
  %0 = kernel.reshape %a : tensor<2x3xf32> -> tensor<6xf32>
  func.return %0 : tensor<6xf32>
}
