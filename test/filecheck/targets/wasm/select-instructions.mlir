// RUN: webdnn-opt %s --pass-pipeline=wasm-select-instructions --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=wasm-select-instructions{relaxed=false} --split-input-file | filecheck %s --check-prefix=PLAIN

// A multiply-add is one relaxed instruction, or two plain ones; of scalars it is always two.

// CHECK-LABEL: @multiply_add
// CHECK:         wasm_simd.op "f32x4.relaxed_madd" %a, %b, %c
// CHECK:         %[[M:.*]] = arith.mulf %x, %x : f32
// CHECK:         arith.addf %x, %[[M]] : f32
// PLAIN-LABEL: @multiply_add
// PLAIN:         %[[P:.*]] = arith.mulf %a, %b : vector<4xf32>
// PLAIN:         arith.addf %c, %[[P]] : vector<4xf32>
kernel.func @multiply_add(%m: memref<12xf32>) {
  %a = kernel.read %m[0] : memref<12xf32>, vector<4xf32>
  %b = kernel.read %m[4] : memref<12xf32>, vector<4xf32>
  %c = kernel.read %m[8] : memref<12xf32>, vector<4xf32>
  %x = kernel.read %m[0] : memref<12xf32>
  %y = vector.fma %a, %b, %c : vector<4xf32>
  %z = math.fma %x, %x, %x : f32
  kernel.write %y, %m[0] : memref<12xf32>, vector<4xf32>
  kernel.write %z, %m[4] : memref<12xf32>
}

// -----

// The maximum of a vector and a constant keeps NaN with the constant second; with a vector, its NaN come on top.

// CHECK-LABEL: @clamp
// CHECK:         wasm_simd.op "f32x4.pmax" %a, %c
// CHECK-NOT:     f32x4.ne
// CHECK:         %[[Q:.*]] = wasm_simd.op "f32x4.pmin" %a, %b
// CHECK:         %[[NAN:.*]] = wasm_simd.op "f32x4.ne" %b, %b
// CHECK:         wasm_simd.op "v128.or" %[[Q]], %[[NAN]]
kernel.func @clamp(%m: memref<8xf32>) {
  %c = arith.constant dense<0.0> : vector<4xf32>
  %a = kernel.read %m[0] : memref<8xf32>, vector<4xf32>
  %b = kernel.read %m[4] : memref<8xf32>, vector<4xf32>
  %p = arith.maximumf %a, %c : vector<4xf32>
  %q = arith.minimumf %a, %b : vector<4xf32>
  kernel.write %p, %m[0] : memref<8xf32>, vector<4xf32>
  kernel.write %q, %m[4] : memref<8xf32>, vector<4xf32>
}

// -----

// Integer division never traps: by zero it gives 0; by a constant other than 0 and -1 it cannot.

// CHECK-LABEL: @division
// CHECK:         arith.divsi %a, %seven : i32
// CHECK:         %[[Z:.*]] = arith.cmpi eq, %b, %{{.*}} : i32
// CHECK:         %[[S:.*]] = wasm_simd.op "select" %{{.*}}, %b, %[[Z]]
// CHECK:         wasm_simd.op "i32.div_s" %a, %{{.*}} : (i32, i32) -> i32
// CHECK:         wasm_simd.op "select" %{{.*}}, %{{.*}}, %[[Z]]
kernel.func @division(%m: memref<2xi32>) {
  %seven = arith.constant 7 : i32
  %a = kernel.read %m[0] : memref<2xi32>
  %b = kernel.read %m[1] : memref<2xi32>
  %p = arith.divsi %a, %seven : i32
  %q = arith.divsi %a, %b : i32
  kernel.write %p, %m[0] : memref<2xi32>
  kernel.write %q, %m[1] : memref<2xi32>
}

// -----

// Comparisons that wasm lacks are made of those it has.

// CHECK-LABEL: @comparisons
// CHECK:         %[[A:.*]] = arith.cmpf une, %x, %x : f32
// CHECK:         arith.ori %[[A]], %{{.*}} : i1
// CHECK:         %[[L:.*]] = arith.cmpf ole, %x, %y : f32
// CHECK:         arith.xori %[[L]], %{{.*}} : i1
// CHECK:         arith.cmpf olt, %x, %y : f32
kernel.func @comparisons(%m: memref<2xf32>, %b: memref<3xi1>) {
  %x = kernel.read %m[0] : memref<2xf32>
  %y = kernel.read %m[1] : memref<2xf32>
  %p = arith.cmpf uno, %x, %y : f32
  %q = arith.cmpf ugt, %x, %y : f32
  %r = arith.cmpf olt, %x, %y : f32
  kernel.write %p, %b[0] : memref<3xi1>
  kernel.write %q, %b[1] : memref<3xi1>
  kernel.write %r, %b[2] : memref<3xi1>
}

// -----

// Unsigned division by a power of two is a shift, and its remainder a mask, of all lanes at once.

// CHECK-LABEL: @halves
// CHECK:         wasm_simd.op "i32x4.shr_u" %v, %{{.*}}
// CHECK:         arith.andi %v, %{{.*}} : vector<4xi32>
// CHECK-NOT:     vector.extract
kernel.func @halves(%x: memref<4xi32>, %y: memref<8xi32>) {
  %v = kernel.read %x[0] : memref<4xi32>, vector<4xi32>
  %by = arith.constant dense<16> : vector<4xi32>
  %q = arith.divui %v, %by : vector<4xi32>
  %r = arith.remui %v, %by : vector<4xi32>
  kernel.write %q, %y[0] : memref<8xi32>, vector<4xi32>
  kernel.write %r, %y[4] : memref<8xi32>, vector<4xi32>
}

// -----

// Sums of products of pairs are one instruction on vectors, and what is rounded and clamped is converted by a sum.

// CHECK-LABEL: @pairs
// CHECK:         wasm_simd.op "i32x4.dot_i16x8_s" %a, %a
// CHECK:         %[[S:.*]] = wasm_simd.op "i32x4.splat" %s
// CHECK:         wasm_simd.op "i32x4.dot_i16x8_s" %[[S]]
// CHECK:         vector.extract
// CHECK-LABEL: @rounded
// CHECK:         wasm_simd.op "f32x4.pmax" %a{{.*}}, %low
// CHECK-NEXT:    wasm_simd.op "f32x4.pmin"
// CHECK-NEXT:    %[[M:.*]] = arith.constant dense<0x4B400000>
// CHECK-NEXT:    %[[T:.*]] = arith.addf %{{.*}}, %[[M]]
// CHECK-NEXT:    %[[I:.*]] = arith.constant dense<1262485504>
// CHECK-NEXT:    wasm_simd.op "i32x4.sub" %[[T]], %[[I]]
// CHECK:         kernel.fptosi
kernel.func @pairs(%m: memref<4xi32>) {
  %a = kernel.read %m[0] : memref<4xi32>, vector<4xi32>
  %s = kernel.read %m[0] : memref<4xi32>
  %d = kernel.dot_pairs %a, %a : (vector<4xi32>, vector<4xi32>) -> vector<4xi32>
  %e = kernel.dot_pairs %s, %s : (i32, i32) -> i32
  kernel.write %d, %m[0] : memref<4xi32>, vector<4xi32>
  kernel.write %e, %m[0] : memref<4xi32>
}
kernel.func @rounded(%x: memref<4xf32>, %y: memref<8xi32>) {
  %low = arith.constant dense<-128.0> : vector<4xf32>
  %high = arith.constant dense<127.0> : vector<4xf32>
  %large = arith.constant dense<16777216.0> : vector<4xf32>
  %a = kernel.read %x[0] : memref<4xf32>, vector<4xf32>
  %r = math.roundeven %a : vector<4xf32>
  %l = arith.maximumf %r, %low : vector<4xf32>
  %h = arith.minimumf %l, %high : vector<4xf32>
  %i = kernel.fptosi %h : (vector<4xf32>) -> vector<4xi32>
  %g = arith.minimumf %l, %large : vector<4xf32>
  %j = kernel.fptosi %g : (vector<4xf32>) -> vector<4xi32>
  kernel.write %i, %y[0] : memref<8xi32>, vector<4xi32>
  kernel.write %j, %y[4] : memref<8xi32>, vector<4xi32>
}
