// RUN: not webdnn-opt %s --split-input-file --pass-pipeline='glsl-legalize{version=100}' 2>&1 | filecheck %s

// A texture cannot be read while it is drawn to.

// CHECK:      'kernel.func' reads the texture that it writes
// CHECK-NEXT: hint: run 'kernel-assign-buffers{in-place=false}' for targets with textures
kernel.func @in_place(%x: memref<4xvector<4xf32>>) {
  %t = kernel.id "global" of 4
  %v = memref.load %x[%t] : memref<4xvector<4xf32>>
  %s = arith.negf %v : vector<4xf32>
  memref.store %s, %x[%t] : memref<4xvector<4xf32>>
}

// -----

// ES 1.00 shifts by powers of two, which have to be known.

// CHECK:      'arith.shli' shifts by a computed count, which GLSL ES 1.00 does not have
// CHECK-NEXT: hint: webgl2 runs it
kernel.func @computed_count(%x: memref<4xvector<4xi32>>, %y: memref<4xvector<4xi32>>) {
  %t = kernel.id "global" of 4
  %v = memref.load %x[%t] : memref<4xvector<4xi32>>
  %s = arith.shli %v, %v : vector<4xi32>
  memref.store %s, %y[%t] : memref<4xvector<4xi32>>
}
