// RUN: not webdnn-opt %s -p "tensor-layout-assign-layouts{target=vulkan}" 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not webdnn-opt %s -p "tensor-layout-assign-layouts{target=wasm}" 2>&1 | filecheck %s

// A target that is not known is named, with those that are; what is no operator has no layouts to choose from.

// TARGET: unknown target 'vulkan'
// TARGET: hint: known targets: glsl, glsl100, glsl300, js, wasm, wgsl
// CHECK: 'kernel.reshape' has no layouts to choose from
// CHECK: hint: run this pass before the lowering to kernels
func.func @main(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  %0 = kernel.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  func.return %0 : tensor<6xf32>
}
