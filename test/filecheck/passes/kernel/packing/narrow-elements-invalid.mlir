// RUN: not webdnn-opt %s --pass-pipeline=kernel-narrow-elements 2>&1 | filecheck %s

// What may leave 32 bits is refused, and so are doubles; the message names the target to leave out.

// CHECK:      'arith.muli' may leave the integers -2147483648 … 2147483647
// CHECK-NEXT: hint: compile without webgpu (leave it out of --targets), which has no such numbers
// CHECK:      'kernel.read' computes in f64
kernel.func @product(%x: memref<8xi64>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xi64>
    %s = arith.muli %v, %v : i64
    kernel.write %s, %x[%i] : memref<8xi64>
  }
}
kernel.func @double(%x: memref<8xf64>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf64>
    kernel.write %v, %x[%i] : memref<8xf64>
  }
}
