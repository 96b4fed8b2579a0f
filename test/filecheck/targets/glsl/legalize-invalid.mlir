// RUN: not webdnn-opt %s --pass-pipeline=glsl-legalize 2>&1 | filecheck %s

// A texture cannot be read while it is drawn to.

// CHECK:      'kernel.func' reads the texture that it writes
// CHECK-NEXT: hint: run 'kernel-assign-buffers{in-place=false}' for targets with textures
kernel.func @in_place(%x: memref<4xvector<4xf32>>) {
  %t = kernel.id "global" of 4
  %v = memref.load %x[%t] : memref<4xvector<4xf32>>
  %s = arith.negf %v : vector<4xf32>
  memref.store %s, %x[%t] : memref<4xvector<4xf32>>
}
