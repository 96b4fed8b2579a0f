// RUN: webdnn-opt %s --pass-pipeline='wasm-select-instructions,wasm-form-pointers' -t webdnn-wasm | filecheck %s

// Loops are do-while, a carried sum keeps its local, constants are spelled where they are used.

// CHECK-LABEL: (func $sum (param i32) (param i32)
// CHECK-NEXT:    (local i32 v128 v128)
// CHECK:         (local.set [[S:[0-9]+]] (v128.const f32x4 0x0.0p+0 0x0.0p+0 0x0.0p+0 0x0.0p+0))
// CHECK:         (loop $l0
// CHECK-NEXT:      (local.set [[V:[0-9]+]] (v128.load (local.get [[P:[0-9]+]])))
// CHECK-NEXT:      (local.set [[S]] (f32x4.add (local.get [[S]]) (local.get [[V]])))
// CHECK-NEXT:      (br_if $l0 (i32.lt_u (local.tee [[P]] (i32.add (local.get [[P]]) (i32.const 16))) (local.get {{[0-9]+}})))
// CHECK-NEXT:    )
// CHECK:         (v128.store (local.get 1) (local.get [[S]]))
kernel.func @sum(%x: memref<32xf32>, %y: memref<4xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 8 : index
  %step = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<4xf32>
  %s = scf.for %i = %low to %high step %step iter_args(%a = %zero) -> (vector<4xf32>) {
    %v = kernel.read %x[%i * 4] : memref<32xf32>, vector<4xf32>
    %b = arith.addf %a, %v : vector<4xf32>
    scf.yield %b : vector<4xf32>
  }
  kernel.write %s, %y[0] : memref<4xf32>, vector<4xf32>
}

// Values that change places go all at once: each is read before any is set. Infinities and NaN have literals.

// CHECK-LABEL: (func $swap (param i32) (param i32)
// CHECK:         (loop $l0
// CHECK:           (local.get [[A:[0-9]+]])
// CHECK-NEXT:      (local.get [[B:[0-9]+]])
// CHECK-NEXT:      local.set [[A]]
// CHECK-NEXT:      local.set [[B]]
// CHECK:         (f32.const -inf)
kernel.func @swap(%x: memref<2xf32>, %y: memref<2xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 3 : index
  %step = arith.constant 1 : index
  %least = arith.constant 0xff800000 : f32
  %p = kernel.read %x[0] : memref<2xf32>
  %q = kernel.read %x[1] : memref<2xf32>
  %r, %s = scf.for %i = %low to %high step %step iter_args(%a = %p, %b = %q) -> (f32, f32) {
    scf.yield %b, %a : f32, f32
  }
  %t = arith.maximumf %s, %least : f32
  kernel.write %r, %y[0] : memref<2xf32>
  kernel.write %t, %y[1] : memref<2xf32>
}

// A loop over a part of its trips, which may be none; the chunk is one more parameter.

// CHECK-LABEL: (func $part (param i32) (param i32)
// CHECK:         (local.set [[LOW:[0-9]+]] (i32.shr_s (local.get {{[0-9]+}}) (i32.const 2)))
// CHECK:         (local.set [[SOME:[0-9]+]] (i32.lt_s (local.get {{[0-9]+}}) (local.get {{[0-9]+}})))
// CHECK-NEXT:    (if (local.get [[SOME]]) (then
// CHECK:           (loop $l0
// CHECK:             (i32.store (local.get {{[0-9]+}}) (i32.const 0))
// CHECK-NEXT:        (br_if $l0
// CHECK-NEXT:      )
// CHECK-NEXT:    ))
kernel.func @part(%x: memref<3xi32>) {
  %step = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %chunk = kernel.id "chunk" of 4
  %low = kernel.index [(%chunk * 3) floordiv 4]
  %high = kernel.index [(%chunk * 3 + 3) floordiv 4]
  %some = arith.cmpi slt, %low, %high : index
  scf.if %some {
    scf.for %i = %low to %high step %step {
      kernel.write %zero, %x[%i] : memref<3xi32>
    }
  }
}

// What is prefetched is loaded and dropped.

// CHECK-LABEL: (func $soon (param i32)
// CHECK:         (drop (i32.load8_u offset=32 (local.get {{[0-9]+}})))
kernel.func @soon(%x: memref<64xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 3 : index
  %one = arith.constant 1 : index
  scf.for %i = %low to %high step %one {
    kernel.prefetch %x[%i * 16 + 8] : memref<64xf32>
  }
}
