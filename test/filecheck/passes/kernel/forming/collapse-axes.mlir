// RUN: webdnn-opt %s --pass-pipeline=kernel-collapse-axes --verify-each --split-input-file | filecheck %s

// Axes that are contiguous in every access are one; so are those of a reduction, and a 1x1 convolution is a product.

// CHECK-LABEL: @product
// CHECK:         kernel.compute (%x = 12, %c = 8) {
// CHECK:           kernel.reduce add (%k = 6)
// CHECK:             kernel.read %a[%x * 6 + %k] : memref<72xf32>
// CHECK:             kernel.read %w[%k * 8 + %c] : memref<48xf32>
// CHECK:           kernel.write %{{.*}}, %y[%x * 8 + %c] : memref<96xf32>
kernel.func @product(%a: memref<72xf32>, %w: memref<48xf32>, %y: memref<96xf32>) {
  kernel.compute (%r = 3, %x = 4, %c = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%j = 2, %k = 3) from %zero : f32 {
      %p = kernel.read %a[%r * 24 + %x * 6 + %j * 3 + %k] : memref<72xf32>
      %q = kernel.read %w[%j * 24 + %k * 8 + %c] : memref<48xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%r * 32 + %x * 8 + %c] : memref<96xf32>
  }
}

// -----

// A border between rows, a transposed access and a broadcast keep axes apart: merging them would divide.

// CHECK-LABEL: @apart
// CHECK:         kernel.compute (%i = 3, %j = 4) {
// CHECK:         kernel.compute (%i_1 = 3, %j_1 = 4) {
kernel.func @apart(%a: memref<15xf32>, %b: memref<4xf32>, %y: memref<12xf32>) {
  kernel.compute (%i = 3, %j = 4) {
    %v = kernel.read %a[%i * 5 + %j] : memref<15xf32>
    kernel.write %v, %y[%i * 4 + %j] : memref<12xf32>
  }
  kernel.compute (%i = 3, %j = 4) {
    %v = kernel.read %b[%j] : memref<4xf32>
    kernel.write %v, %y[%i * 4 + %j] : memref<12xf32>
  }
}

// -----

// Of nested reductions the inner one goes first.

// CHECK-LABEL: @nested
// CHECK:         kernel.reduce add (%k = 4)
// CHECK:           kernel.reduce max (%m = 6)
// CHECK:             kernel.read %a[%k * 6 + %m] : memref<24xf32>
kernel.func @nested(%a: memref<24xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%j = 2, %k = 2) from %zero : f32 {
      %t = kernel.reduce max (%l = 3, %m = 2) from %zero : f32 {
        %v = kernel.read %a[%j * 12 + %k * 6 + %l * 2 + %m] : memref<24xf32>
        kernel.yield %v : f32
      }
      kernel.yield %t : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// An access that divides already may go on doing so, and divisions may vanish.

// CHECK-LABEL: @divided
// CHECK:         kernel.compute (%j = 12) {
// CHECK-NEXT:      kernel.read %a[%j] : memref<12xf32>
kernel.func @divided(%a: memref<12xf32>, %y: memref<12xf32>) {
  kernel.compute (%i = 3, %j = 4) {
    %v = kernel.read %a[(%i * 4 + %j) floordiv 6 * 6 + (%i * 4 + %j) mod 6] : memref<12xf32>
    kernel.write %v, %y[%i * 4 + %j] : memref<12xf32>
  }
}

// -----

// A carry, which is 0 or 1 along a short axis, is no division yet; merged with the axis before it would be one.

// CHECK-LABEL: @carry
// CHECK:         kernel.compute (%y = 4, %r = 2) {
// CHECK-NEXT:      kernel.read %a[%y + (%r + 1) floordiv 2] : memref<5xf32>
kernel.func @carry(%a: memref<5xf32>, %b: memref<8xf32>) {
  kernel.compute (%y = 4, %r = 2) {
    %v = kernel.read %a[%y + (%r + 1) floordiv 2] : memref<5xf32>
    kernel.write %v, %b[%y * 2 + %r] : memref<8xf32>
  }
}
