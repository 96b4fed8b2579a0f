// RUN: webdnn-opt %s --split-input-file --verify-each -p wasm-expand-math | filecheck %s

// Halves are rounded away from zero: no instruction does that.
// CHECK-LABEL: kernel.func @round
// CHECK-DAG:     %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         %[[X:.*]] = kernel.read
// CHECK:         %[[WHOLE:.*]] = math.trunc %[[X]] : f32
// CHECK:         %[[REST:.*]] = arith.subf %[[X]], %[[WHOLE]] : f32
// CHECK:         %[[SIZE:.*]] = math.absf %[[REST]] : f32
// CHECK:         %[[TEST:.*]] = arith.cmpf oge, %[[SIZE]], %[[HALF]] : f32
// CHECK:         %[[SIGN:.*]] = math.copysign %[[ONE]], %[[X]] : f32
// CHECK:         %[[NEXT:.*]] = arith.addf %[[WHOLE]], %[[SIGN]] : f32
// CHECK:         %[[Y:.*]] = arith.select %[[TEST]], %[[NEXT]], %[[WHOLE]] : f32
// CHECK:         kernel.write %[[Y]]
kernel.func @round(%a: memref<1xf32>) {
  %x = kernel.read %a[0] : memref<1xf32>
  %y = math.round %x : f32
  kernel.write %y, %a[0] : memref<1xf32>
}

// -----

// A vector's exponential is vector arithmetic; the constants of a loop stand before it.
// CHECK-LABEL: kernel.func @exp
// CHECK:         arith.constant dense<8.900000e+01> : vector<4xf32>
// CHECK:         scf.for
// CHECK-NOT:       arith.constant
// CHECK:           arith.minimumf
// CHECK-COUNT-3:   vector.fma
// CHECK:           arith.bitcast %{{.*}} : vector<4xf32> to vector<4xi32>
// CHECK:           arith.shli
// CHECK-NOT:       math.exp
// CHECK:           kernel.write
kernel.func @exp(%a: memref<64xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 16 : index
  %step = arith.constant 1 : index
  scf.for %i = %low to %high step %step {
    %x = kernel.read %a[%i * 4] : memref<64xf32>, vector<4xf32>
    %y = math.exp %x : vector<4xf32>
    kernel.write %y, %a[%i * 4] : memref<64xf32>, vector<4xf32>
  }
}

// -----

// Tests and conversions of vectors are instructions, because arith's are of scalars.
// CHECK-LABEL: kernel.func @log
// CHECK:         wasm_simd.op "f32x4.lt"
// CHECK:         wasm_simd.op "v128.bitselect"
// CHECK:         wasm_simd.op "f32x4.convert_i32x4_s"
kernel.func @log(%a: memref<4xf32>) {
  %x = kernel.read %a[0] : memref<4xf32>, vector<4xf32>
  %y = math.log %x : vector<4xf32>
  kernel.write %y, %a[0] : memref<4xf32>, vector<4xf32>
}

// -----

// Angles are reduced lane by lane in f64.
// CHECK-LABEL: kernel.func @sin
// CHECK:         vector.extract %{{.*}}[0]
// CHECK:         vector.extract %{{.*}}[3]
// CHECK-COUNT-4: arith.extf %{{.*}} : f32 to f64
// CHECK:         kernel.lanes %{{.*}} : vector<4xf32>
// CHECK:         kernel.lanes %{{.*}} : vector<4xi32>
kernel.func @sin(%a: memref<4xf32>) {
  %x = kernel.read %a[0] : memref<4xf32>, vector<4xf32>
  %y = math.sin %x : vector<4xf32>
  kernel.write %y, %a[0] : memref<4xf32>, vector<4xf32>
}

// -----

// A power by a small constant is a product.
// CHECK-LABEL: kernel.func @square
// CHECK:         %[[X:.*]] = kernel.read
// CHECK-NEXT:    %[[Y:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK-NEXT:    kernel.write %[[Y]]
kernel.func @square(%a: memref<1xf32>) {
  %two = arith.constant 2.0 : f32
  %x = kernel.read %a[0] : memref<1xf32>
  %y = math.powf %x, %two : f32
  kernel.write %y, %a[0] : memref<1xf32>
}

// -----

// What has an instruction stays.
// CHECK-LABEL: kernel.func @instructions
// CHECK:         %[[X:.*]] = kernel.read
// CHECK-NEXT:    %[[A:.*]] = math.sqrt %[[X]] : f32
// CHECK-NEXT:    %[[B:.*]] = math.roundeven %[[A]] : f32
// CHECK-NEXT:    %[[C:.*]] = math.copysign %[[B]], %[[X]] : f32
// CHECK-NEXT:    kernel.write %[[C]]
kernel.func @instructions(%a: memref<1xf32>) {
  %x = kernel.read %a[0] : memref<1xf32>
  %y = math.sqrt %x : f32
  %z = math.roundeven %y : f32
  %w = math.copysign %z, %x : f32
  kernel.write %w, %a[0] : memref<1xf32>
}
