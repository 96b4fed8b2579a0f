// RUN: not webdnn-opt %s --pass-pipeline=glsl-legalize 2>&1 | filecheck %s

// More layers than a device draws to.

// CHECK:      'kernel.func' has a buffer in 5 layers, where devices draw to 4 at a time
// CHECK-NEXT: hint: run 'kernel-assign-layers{most=4}'
kernel.func @many(%x: memref<5xvector<4xf32>, #kernel.layers<4>>, %y: memref<1xvector<4xf32>>) {
  %t = kernel.id "global" of 1
  %v = memref.load %x[%t] : memref<5xvector<4xf32>, #kernel.layers<4>>
  memref.store %v, %y[%t] : memref<1xvector<4xf32>>
}
