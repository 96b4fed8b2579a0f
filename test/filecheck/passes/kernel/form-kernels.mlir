// RUN: webdnn-opt %s --pass-pipeline=kernel-form-kernels --verify-each --split-input-file | filecheck %s

// Equal computes are one function that is called twice; another shape is another function.

// CHECK:         kernel.func @map0(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>) {
// CHECK:           kernel.compute (%i = 8) {
// CHECK:         kernel.func @move1(%{{.*}}: memref<4xf32>, %{{.*}}: memref<8xf32>) {
// CHECK-NOT:     kernel.func
// CHECK-LABEL: @main
// CHECK:         kernel.call @map0(%x_1, %a_2) : memref<8xf32>, memref<8xf32>
// CHECK:         kernel.call @map0(%a_2, %b) : memref<8xf32>, memref<8xf32>
// CHECK:         kernel.call @move1(%y_1, %a_2) : memref<4xf32>, memref<8xf32>
func.func @main(%x: memref<8xf32>, %y: memref<4xf32>) -> memref<8xf32> {
  %a = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %a[%i] : memref<8xf32>
  }
  %b = kernel.alloc : memref<8xf32>
  kernel.compute (%j = 8) {
    %u = kernel.read %a[%j] : memref<8xf32>
    %n = arith.negf %u : f32
    kernel.write %n, %b[%j] : memref<8xf32>
  }
  kernel.compute (%i = 4) {
    %v = kernel.read %y[%i] : memref<4xf32>
    kernel.write %v, %a[%i] : memref<8xf32>
  }
  func.return %b : memref<8xf32>
}

// -----

// A buffer that is read and written is one argument.

// CHECK:         kernel.func @map0(%{{.*}}: memref<8xf32>) {
// CHECK-LABEL: @in_place
// CHECK:         kernel.call @map0(%x_1) : memref<8xf32>
func.func @in_place(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %x[%i] : memref<8xf32>
  }
  func.return
}
