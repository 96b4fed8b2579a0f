// RUN: webdnn-opt %s --pass-pipeline=wasm-select-instructions | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='wasm-select-instructions{relaxed=false}' | filecheck %s --check-prefix=PLAIN

// A multiply-add is one instruction where it may be, else two.
// CHECK-LABEL: @fma
// CHECK: wasm_simd.op "f32x4.relaxed_madd"
// PLAIN-LABEL: @fma
// PLAIN-NOT: relaxed_madd
// PLAIN: arith.mulf
// PLAIN: arith.addf
kernel.func @fma(%x: memref<4xf32>) {
  %v = kernel.read %x[0] : memref<4xf32>, vector<4xf32>
  %r = vector.fma %v, %v, %v : vector<4xf32>
  kernel.write %r, %x[0] : memref<4xf32>, vector<4xf32>
}

// max(x, c) with a constant is one instruction that keeps NaN; between two unknown vectors it is not.
// CHECK-LABEL: @maximum
// CHECK: wasm_simd.op "f32x4.pmax"
// CHECK: arith.maximumf
kernel.func @maximum(%x1: memref<4xf32>) {
  %c = arith.constant dense<0.5> : vector<4xf32>
  %v = kernel.read %x1[0] : memref<4xf32>, vector<4xf32>
  %a = arith.maximumf %v, %c : vector<4xf32>
  %b = arith.maximumf %v, %a : vector<4xf32>
  kernel.write %b, %x1[0] : memref<4xf32>, vector<4xf32>
}

// A quotient never traps: zero divides to zero, and -1 negates.
// CHECK-LABEL: @divide
// CHECK: arith.cmpi eq
// CHECK: wasm_simd.op "i32.div_s"
// CHECK: wasm_simd.op "select"
kernel.func @divide(%x2: memref<2xi32>) {
  %a = kernel.read %x2[0] : memref<2xi32>
  %b = kernel.read %x2[1] : memref<2xi32>
  %q = arith.divsi %a, %b : i32
  kernel.write %q, %x2[0] : memref<2xi32>
}

// A divisor that is known to do no harm is left as it is.
// CHECK-LABEL: @divide_by_three
// CHECK-NOT: select
// CHECK: arith.divsi
kernel.func @divide_by_three(%x3: memref<2xi32>) {
  %three = arith.constant 3 : i32
  %a = kernel.read %x3[0] : memref<2xi32>
  %q = arith.divsi %a, %three : i32
  kernel.write %q, %x3[0] : memref<2xi32>
}
