// RUN: webdnn-opt %s --verify-each --split-input-file | webdnn-opt --verify-each --split-input-file | filecheck %s

// A layout is the encoding of a tensor's type; a conversion changes it, and operators ignore it.

// CHECK-LABEL: @convert
// CHECK: tensor_layout.convert %x : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
// CHECK: dnn.relu %{{.*}} : (tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
func.func @convert(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>> {
  %0 = tensor_layout.convert %x : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
  %1 = dnn.relu %0 : (tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
  func.return %1 : tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1], align 4>>
}

// -----

// Blocks, alignment and textures; a scalar has an order of no axes.

// CHECK-LABEL: @spellings
// CHECK-SAME: tensor<1x8x2x2xf32, #tensor_layout.layout<[0, 1, 2, 3], block 1 by 4>>
// CHECK-SAME: tensor<2x3xf32, #tensor_layout.layout<[0, 1], align 4, texture>>
// CHECK-SAME: tensor<f32, #tensor_layout.layout<[]>>
func.func @spellings(%a: tensor<1x8x2x2xf32, #tensor_layout.layout<[0, 1, 2, 3], block 1 by 4>>,
                     %b: tensor<2x3xf32, #tensor_layout.layout<[0, 1], texture, align 4>>,
                     %c: tensor<f32, #tensor_layout.layout<[]>>) {
  func.return
}
