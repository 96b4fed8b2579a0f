// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-layers{busy=4} --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-layers --split-input-file | filecheck %s --check-prefix=BUSY

// Ten rows need the same weights: four layers of three rows each, of which the last holds one. The output of the
// program has none, so that the second call is one of another kernel. Where few invocations would be left, nothing is cut.

// CHECK:       func.func @main
// CHECK-NEXT:    %y = kernel.alloc : memref<80xf32, #kernel.layers<24>>
// CHECK-NEXT:    kernel.call @product(%x, %w, %y) : memref<80xf32>, memref<64xf32>, memref<80xf32, #kernel.layers<24>>
// CHECK-NEXT:    %out = kernel.alloc : memref<80xf32>
// CHECK-NEXT:    kernel.call @product_1(%y, %w, %out) : memref<80xf32, #kernel.layers<24>>, memref<64xf32>, memref<80xf32>
// CHECK:       kernel.func @product(%x: memref<80xf32>, %w: memref<64xf32>, %y: memref<80xf32, #kernel.layers<24>>)
// CHECK:       kernel.func @product_1(%{{.*}}: memref<80xf32, #kernel.layers<24>>, %{{.*}}: memref<64xf32>, %{{.*}}: memref<80xf32>)
// BUSY-NOT: layers
func.func @main(%x: memref<80xf32>, %w: memref<64xf32>) -> memref<80xf32> {
  %y = kernel.alloc : memref<80xf32>
  kernel.call @product(%x, %w, %y) : memref<80xf32>, memref<64xf32>, memref<80xf32>
  %out = kernel.alloc : memref<80xf32>
  kernel.call @product(%y, %w, %out) : memref<80xf32>, memref<64xf32>, memref<80xf32>
  func.return %out : memref<80xf32>
}
kernel.func @product(%x: memref<80xf32>, %w: memref<64xf32>, %y: memref<80xf32>) {
  kernel.compute (%m = 10, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m * 8 + %k] : memref<80xf32>
      %b = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<80xf32>
  }
}

// -----

// Leaves alone rows that share nothing.

// CHECK:     kernel.alloc : memref<512xf32>
// CHECK-NOT: layers
func.func @main(%x: memref<512xf32>) -> memref<512xf32> {
  %y = kernel.alloc : memref<512xf32>
  kernel.call @negated(%x, %y) : memref<512xf32>, memref<512xf32>
  %out = kernel.alloc : memref<512xf32>
  kernel.call @negated(%y, %out) : memref<512xf32>, memref<512xf32>
  func.return %out : memref<512xf32>
}
kernel.func @negated(%x: memref<512xf32>, %y: memref<512xf32>) {
  kernel.compute (%m = 16, %n = 32) {
    %v = kernel.read %x[%m * 32 + %n] : memref<512xf32>
    %s = arith.negf %v : f32
    kernel.write %s, %y[%m * 32 + %n] : memref<512xf32>
  }
}
