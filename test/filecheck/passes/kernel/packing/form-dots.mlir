// RUN: webdnn-opt %s --pass-pipeline=kernel-form-dots --verify-each --split-input-file | filecheck %s

// Both halves of a pair are one step: the buffers hold pairs, and pairs of bytes are spread.

// CHECK-LABEL: @product(%x: memref<32xi32>, %w: memref<64xui16>, %y: memref<32xi32>)
// CHECK:         kernel.reduce add (%k = 8) from
// CHECK:         %[[A:.*]] = kernel.read %x[%m * 8 + %k] : memref<32xi32>
// CHECK:         %[[B:.*]] = kernel.read %w[%k * 8 + %n] : memref<64xui16>
// CHECK:         %[[S:.*]] = kernel.spread_bytes %[[B]]
// CHECK:         kernel.dot_pairs %[[A]], %[[S]]
kernel.func @product(%x: memref<64xi16>, %w: memref<128xi8>, %y: memref<32xi32>) {
  kernel.compute (%m = 4, %n = 8) {
    %zero = arith.constant 0 : i32
    %s = kernel.reduce add (%k = 8, %half = 2) from %zero : i32 {
      %a = kernel.read %x[%m * 16 + %k * 2 + %half] : memref<64xi16>
      %b = kernel.read %w[%k * 16 + %n * 2 + %half] : memref<128xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32xi32>
  }
}

// -----

// What something else reads too keeps its elements, and so does what lies at odd places.

// CHECK-LABEL: @left(%x: memref<64xi16>
// CHECK-NOT:     kernel.dot_pairs
// CHECK-LABEL: @odd(%x{{.*}}: memref<68xi16>
// CHECK-NOT:     kernel.dot_pairs
kernel.func @left(%x: memref<64xi16>, %w: memref<128xi8>, %y: memref<32xi32>) {
  kernel.compute (%m = 4, %n = 8) {
    %init = kernel.read %x[%m * 16 + %n] : memref<64xi16>
    %s = kernel.reduce add (%k = 8, %half = 2) from %init : i32 {
      %a = kernel.read %x[%m * 16 + %k * 2 + %half] : memref<64xi16>
      %b = kernel.read %w[%k * 16 + %n * 2 + %half] : memref<128xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32xi32>
  }
}
kernel.func @odd(%x: memref<68xi16>, %w: memref<128xi8>, %y: memref<32xi32>) {
  kernel.compute (%m = 4, %n = 8) {
    %zero = arith.constant 0 : i32
    %s = kernel.reduce add (%k = 8, %half = 2) from %zero : i32 {
      %a = kernel.read %x[%m * 17 + %k * 2 + %half] : memref<68xi16>
      %b = kernel.read %w[%k * 16 + %n * 2 + %half] : memref<128xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32xi32>
  }
}
