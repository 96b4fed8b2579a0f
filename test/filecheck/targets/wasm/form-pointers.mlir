// RUN: webdnn-opt %s --pass-pipeline=wasm-form-pointers | filecheck %s

// Accesses at a constant distance share one pointer; the pointer is the loop's counter.
// CHECK-LABEL: func.func @shared(%x: i32, %y: i32)
// CHECK: scf.for %[[P:.*]] = %x to %{{.*}} step %{{.*}} iter_args(%[[Q:.*]] = %y) -> (i32) : i32
// CHECK: wasm_simd.load "v128.load" %[[P]] offset 0 : vector<4xf32>
// CHECK: wasm_simd.load "v128.load" %[[P]] offset 16 : vector<4xf32>
// CHECK: wasm_simd.store "v128.store" %{{.*}}, %[[Q]] offset 0 : vector<4xf32>
kernel.func @shared(%x: memref<64xf32>, %y: memref<32xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 8 : index
  %one = arith.constant 1 : index
  scf.for %i = %low to %high step %one {
    %a = kernel.read %x[%i * 8] : memref<64xf32>, vector<4xf32>
    %b = kernel.read %x[%i * 8 + 4] : memref<64xf32>, vector<4xf32>
    %c = arith.addf %a, %b : vector<4xf32>
    kernel.write %c, %y[%i * 4] : memref<32xf32>, vector<4xf32>
  }
}

// Neither pointers nor offsets are ever negative: a falling stride starts from the end.
// CHECK-LABEL: func.func @falling
// CHECK: %[[END:.*]] = arith.addi %x1, %{{.*}} : i32
// CHECK: wasm_simd.load "f32.load" %{{.*}} offset 0 : f32
kernel.func @falling(%x1: memref<8xf32>, %y1: memref<8xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 8 : index
  %one = arith.constant 1 : index
  scf.for %i = %low to %high step %one {
    %a = kernel.read %x1[%i * -1 + 7] : memref<8xf32>
    kernel.write %a, %y1[%i] : memref<8xf32>
  }
}

// An index that was read is multiplied where it is needed.
// CHECK-LABEL: func.func @gathered
// CHECK: %[[I:.*]] = wasm_simd.load "i32.load"
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK: wasm_simd.load "f32.load"
kernel.func @gathered(%x2: memref<8xf32>, %i2: memref<1xi32>, %y2: memref<1xf32>) {
  %n = kernel.read %i2[0] : memref<1xi32>
  %i = arith.index_cast %n : i32 to index
  %a = kernel.read %x2[%i] : memref<8xf32>
  kernel.write %a, %y2[0] : memref<1xf32>
}

// Arithmetic stays as it is.
// CHECK-LABEL: func.func @arithmetic
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
kernel.func @arithmetic(%x3: memref<1xf32>) {
  %a = kernel.read %x3[0] : memref<1xf32>
  %b = arith.addf %a, %a : f32
  kernel.write %b, %x3[0] : memref<1xf32>
}
