// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-math --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-expand-math{keep=tanh,roundeven} --split-input-file | filecheck %s --check-prefix=KEEP

// tanh is a polynomial near zero, and comes from the exponential elsewhere.

// CHECK-LABEL: @tanh(
// CHECK-NOT:     math.tanh
// CHECK:         math.exp
// CHECK:         arith.select
// CHECK:         kernel.write
// KEEP-LABEL: @tanh(
// KEEP:         math.tanh
kernel.func @tanh(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %r = math.tanh %v : f32
    kernel.write %r, %x[%i] : memref<8xf32>
  }
}

// -----

// A power with a small whole exponent is a product.

// CHECK-LABEL: @cube(
// CHECK:         %[[SQUARE:.*]] = arith.mulf %v, %v : f32
// CHECK-NEXT:    %[[CUBE:.*]] = arith.mulf %v, %[[SQUARE]] : f32
// CHECK-NEXT:    kernel.write %[[CUBE]]
kernel.func @cube(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %three = arith.constant 3.0 : f32
    %v = kernel.read %x[%i] : memref<8xf32>
    %r = math.powf %v, %three : f32
    kernel.write %r, %x[%i] : memref<8xf32>
  }
}

// -----

// What every target has stays.

// CHECK-LABEL: @exp(
// CHECK:         math.exp
// CHECK-NEXT:    kernel.write
kernel.func @exp(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %r = math.exp %v : f32
    kernel.write %r, %x[%i] : memref<8xf32>
  }
}
