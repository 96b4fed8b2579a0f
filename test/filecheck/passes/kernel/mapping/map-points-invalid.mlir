// RUN: not webdnn-opt %s --pass-pipeline=kernel-map-points{texels=true} 2>&1 | filecheck %s

// A part of a texture cannot be written alone.

// CHECK:      'kernel.compute' writes 8 of 16 elements in a pattern that texels cannot follow
// CHECK-NEXT: hint: a texture is written whole by one kernel: run 'kernel-expand-concat' before buffers are assigned
kernel.func @part(%x: memref<8xf32>, %y: memref<16xf32>) {
  kernel.compute (%m = 8) {
    %v = kernel.read %x[%m] : memref<8xf32>
    kernel.write %v, %y[%m + 8] : memref<16xf32>
  }
}
