// RUN: not webdnn-opt %s --pass-pipeline='kernel-split-buffers{bytes=32 bindings=3}' 2>&1 | filecheck %s

// A sum over more pieces than can be bound has no kernel.

// CHECK:      'kernel.func' needs 4 buffers of at most 32 bytes at a time, and 3 can be bound
// CHECK-NEXT: hint: give a higher --limit (texture=… for webgl, binding=… for webgpu), or leave the target out
kernel.func @sum(%x: memref<24xf32>, %y: memref<4xf32>) {
  kernel.compute (%i = 4) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 6) from %zero : f32 {
      %v = kernel.read %x[%k * 4 + %i] : memref<24xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[%i] : memref<4xf32>
  }
}
