// RUN: webdnn-opt %s --verify-each --split-input-file --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Operators become kernels over stored arrays: the axes are those of the layout, the layout itself is gone.

// CHECK-LABEL: @relu
// CHECK: kernel.compute (%n = 1, %y = 2, %x_1 = 2, %c = 4) -> tensor<1x2x2x4xf32>
// CHECK: kernel.read %x[%n, %c, %y, %x_1] : tensor<1x4x2x2xf32>
// CHECK: kernel.compute
// CHECK: arith.maximumf
// CHECK: kernel.compute
// CHECK-NOT: tensor_layout
func.func @relu(%x: tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32> {
  %0 = tensor_layout.convert %x : tensor<1x4x2x2xf32> -> tensor<1x4x2x2xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
  %1 = dnn.relu %0 : (tensor<1x4x2x2xf32, #tensor_layout.layout<[0, 2, 3, 1]>>) -> tensor<1x4x2x2xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
  %2 = tensor_layout.convert %1 : tensor<1x4x2x2xf32, #tensor_layout.layout<[0, 2, 3, 1]>> -> tensor<1x4x2x2xf32>
  func.return %2 : tensor<1x4x2x2xf32>
}

// -----

// A conversion between layouts that differ only in axes of extent 1 is a view.

// CHECK-LABEL: @view
// CHECK-NEXT: kernel.reshape %x : tensor<1x4x1x1xf32> -> tensor<1x1x1x4xf32>
// CHECK-NOT: kernel.compute
func.func @view(%x: tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32, #tensor_layout.layout<[0, 2, 3, 1]>> {
  %0 = tensor_layout.convert %x : tensor<1x4x1x1xf32> -> tensor<1x4x1x1xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
  func.return %0 : tensor<1x4x1x1xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
}

// -----

// Constants stay as they are.

// CHECK-LABEL: @constant
// CHECK-NEXT: %[[C:.*]] = dnn.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: func.return %[[C]]
func.func @constant() -> tensor<2xf32> {
  %0 = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
