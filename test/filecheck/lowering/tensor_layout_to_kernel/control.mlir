// RUN: webdnn-opt %s --pass-pipeline=convert-tensor-layout-to-kernel --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=convert-tensor-layout-to-kernel,kernel-fuse-producers --verify-each --split-input-file | filecheck %s --check-prefix=FUSED

// A loop is a scan; its constants are those of the program, and the number of a step is a value as any other.

// CHECK-LABEL: @sums
// CHECK:         %[[HALF:.*]] = dnn.constant dense<5.000000e-01>
// CHECK:         %{{.*}}, %{{.*}} = kernel.scan (%[[T:.*]] = 9) carried (%[[H:.*]] = %zero : tensor<4xf32>) stacked tensor<9x4xf32> {
// CHECK-NEXT:      %[[N:.*]] = kernel.compute () -> tensor<i64> {
// CHECK-NEXT:        kernel.index [%[[T]]]
// CHECK:           %row = kernel.compute (%{{.*}} = 4) -> tensor<4xf32> {
// CHECK-NEXT:        kernel.read %[[N]][] : tensor<i64>
// CHECK:             kernel.read %x[%{{.*}}, %{{.*}}] : tensor<9x4xf32>
// CHECK:           %next = kernel.compute (%{{.*}} = 4) -> tensor<4xf32> {
// CHECK:             kernel.read %[[H]]
// CHECK:           kernel.yield %next, %next : tensor<4xf32>, tensor<4xf32>

// What a step computes is fused as anything else.
// FUSED-LABEL: @sums
// FUSED:         kernel.scan
// FUSED-NEXT:      %next = kernel.compute
// FUSED-COUNT-1:   kernel.yield %next, %next
func.func @sums(%x: tensor<9x4xf32, #tensor_layout.layout<[0, 1]>>, %zero: tensor<4xf32, #tensor_layout.layout<[0]>>) -> (tensor<4xf32, #tensor_layout.layout<[0]>>, tensor<9x4xf32, #tensor_layout.layout<[0, 1]>>) {
  %last, %rows = "dnn.loop"(%zero, %x) <{trips = 9 : i64, operandSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%t: tensor<i64>, %h: tensor<4xf32>, %u: tensor<9x4xf32>):
    %half = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
    %row = dnn.gather %u, %t {axis = 0 : i64} : (tensor<9x4xf32>, tensor<i64>) -> tensor<4xf32>
    %less = dnn.mul %row, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %next = dnn.add %h, %less : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dnn.yield %next, %next : tensor<4xf32>, tensor<4xf32>
  }) : (tensor<4xf32, #tensor_layout.layout<[0]>>, tensor<9x4xf32, #tensor_layout.layout<[0, 1]>>) -> (tensor<4xf32, #tensor_layout.layout<[0]>>, tensor<9x4xf32, #tensor_layout.layout<[0, 1]>>)
  func.return %last, %rows : tensor<4xf32, #tensor_layout.layout<[0]>>, tensor<9x4xf32, #tensor_layout.layout<[0, 1]>>
}
