// RUN: webdnn-opt %s --pass-pipeline=js-select-schedule --split-input-file | filecheck %s

// Four columns share what a row loads, and two rows share what a column loads.

// CHECK-LABEL: @product(
// CHECK:         kernel.compute (%m = 8, %n = 8) schedule #kernel.schedule<tile [2, 4], order [0, 1]> {
kernel.func @product(%a: memref<64xf32>, %b: memref<64xf32>, %y: memref<64xf32>) {
  kernel.compute (%m = 8, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %p = kernel.read %a[%m * 8 + %k] : memref<64xf32>
      %q = kernel.read %b[%k * 8 + %n] : memref<64xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<64xf32>
  }
}

// -----

// Where nothing is shared there are single points, and a schedule that is there stays.

// CHECK-LABEL: @copy(
// CHECK:         schedule #kernel.schedule<tile [1], order [0]>
// CHECK:         schedule #kernel.schedule<tile [4], order [0]>
kernel.func @copy(%x: memref<8xf32>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
  kernel.compute (%i = 8) schedule #kernel.schedule<tile [4], order [0]> {
    %v = kernel.read %y[%i] : memref<8xf32>
    kernel.write %v, %x[%i] : memref<8xf32>
  }
}
