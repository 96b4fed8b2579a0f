// RUN: webdnn-opt %s --pass-pipeline=wasm-form-pointers --verify-each --split-input-file | filecheck %s

// Accesses that differ by a constant share a pointer; the first pointer that grows is the loop's counter.

// CHECK-LABEL: func.func @shared(%x: i32, %y: i32)
// CHECK:         %[[END:.*]] = arith.addi %x, %{{.*}} : i32
// CHECK:         scf.for %[[P:.*]] = %x to %[[END]] step %{{.*}} iter_args(%[[Q:.*]] = %y) -> (i32) : i32 {
// CHECK-NEXT:      wasm_simd.load "v128.load" %[[P]] offset 0 : vector<4xf32>
// CHECK-NEXT:      wasm_simd.load "v128.load" %[[P]] offset 16 : vector<4xf32>
// CHECK:           wasm_simd.store "v128.store" %{{.*}}, %[[Q]] offset 0
// CHECK:           %[[N:.*]] = arith.addi %[[Q]], %{{.*}} : i32
// CHECK:           scf.yield %[[N]] : i32
kernel.func @shared(%x: memref<64xf32>, %y: memref<32xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 8 : index
  %step = arith.constant 1 : index
  scf.for %i = %low to %high step %step {
    %a = kernel.read %x[%i * 8] : memref<64xf32>, vector<4xf32>
    %b = kernel.read %x[%i * 8 + 4] : memref<64xf32>, vector<4xf32>
    %c = arith.addf %a, %b : vector<4xf32>
    kernel.write %c, %y[%i * 4] : memref<32xf32>, vector<4xf32>
  }
}

// -----

// Negative constants move the pointer, so that no offset is negative; a loop that only falls counts for itself.

// CHECK-LABEL: func.func @negative(%x: i32, %y: i32)
// CHECK-DAG:     %[[M:.*]] = arith.constant -4 : i32
// CHECK:         %[[R:.*]] = arith.addi %x, %[[M]] : i32
// CHECK:         wasm_simd.load "f32.load" %{{.*}} offset 0 : f32
// CHECK:         wasm_simd.load "f32.load" %{{.*}} offset 8 : f32
kernel.func @negative(%x: memref<9xf32>, %y: memref<8xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 8 : index
  %step = arith.constant 1 : index
  scf.for %i = %low to %high step %step {
    %a = kernel.read %x[%i + -1] : memref<9xf32>
    %b = kernel.read %x[%i + 1] : memref<9xf32>
    %c = arith.addf %a, %b : f32
    kernel.write %c, %y[%i * -1 + 7] : memref<8xf32>
  }
}

// -----

// An index that was read, or that divides, is computed where it is needed; floor division mends negative numerators.

// CHECK-LABEL: func.func @computed(%t: i32, %x: i32)
// CHECK:         %[[I:.*]] = wasm_simd.load "i32.load" %t offset 0 : i32
// CHECK:         arith.muli
// CHECK:         arith.divsi
// CHECK:         arith.remsi
// CHECK:         wasm_simd.op "i32.lt_s"
// CHECK:         arith.subi
// CHECK:         arith.shrsi
kernel.func @computed(%t: memref<1xi32>, %x: memref<12xf32>) {
  %c0 = arith.constant 0 : i32
  %c9 = arith.constant 9 : i32
  %v = kernel.read %t[0] : memref<1xi32>
  %a = arith.maxsi %v, %c0 : i32
  %b = arith.minsi %a, %c9 : i32
  %i = arith.index_cast %b : i32 to index
  %w = kernel.read %x[%i] : memref<12xf32>
  %u = kernel.read %x[(%i + -5) floordiv 3 + 2] : memref<12xf32>
  %s = kernel.read %x[%i floordiv 4] : memref<12xf32>
  %y = arith.addf %w, %u : f32
  %z = arith.addf %y, %s : f32
  kernel.write %z, %x[0] : memref<12xf32>
}

// -----

// A scalar that only fills a vector is loaded as one, and a test of bounds is one unsigned comparison an axis.

// CHECK-LABEL: func.func @splat
// CHECK:         wasm_simd.load "v128.load32_splat" %x offset 0 : vector<4xf32>
// CHECK-NOT:     vector.broadcast
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to
// CHECK:           %[[J:.*]] = arith.addi %[[I]], %{{.*}} : i32
// CHECK:           wasm_simd.op "i32.lt_u" %[[J]], %{{.*}} : (i32, i32) -> i1
kernel.func @splat(%x: memref<4xf32>, %y: memref<8xf32>, %b: memref<4xi1>) {
  %low = arith.constant 0 : index
  %high = arith.constant 4 : index
  %step = arith.constant 1 : index
  %a = kernel.read %x[0] : memref<4xf32>
  %v = vector.broadcast %a : f32 to vector<4xf32>
  kernel.write %v, %y[0] : memref<8xf32>, vector<4xf32>
  scf.for %i = %low to %high step %step {
    %p = kernel.inside [%i + -1] of [2]
    kernel.write %p, %b[0] : memref<4xi1>
  }
}

// -----

// The chunk of a shared kernel is one more parameter. Pointers start at the loop's first trip, and end at its last.

// CHECK-LABEL: func.func @chunk(%x: i32, %y: i32, %{{.*}}: i32) attributes {wasm_simd.chunks = #builtin.int<2>} {
// CHECK-DAG:     %[[FOUR:.*]] = arith.constant 4 : i32
// CHECK-DAG:     %[[SIZE:.*]] = arith.constant 16 : i32
// CHECK:         %[[LOW:.*]] = arith.muli %{{.*}}, %[[FOUR]] : i32
// CHECK:         %[[HIGH:.*]] = arith.addi %{{.*}}, %[[FOUR]] : i32
// CHECK:         %[[A:.*]] = arith.muli %[[LOW]], %[[SIZE]] : i32
// CHECK-NEXT:    %[[P:.*]] = arith.addi %x, %[[A]] : i32
// CHECK:         %[[B:.*]] = arith.muli %[[LOW]], %[[SIZE]] : i32
// CHECK-NEXT:    %[[Q:.*]] = arith.addi %y, %[[B]] : i32
// CHECK:         %[[C:.*]] = arith.muli %[[HIGH]], %[[SIZE]] : i32
// CHECK-NEXT:    %[[END:.*]] = arith.addi %x, %[[C]] : i32
// CHECK:         scf.for %{{.*}} = %[[P]] to %[[END]] step %[[SIZE]] iter_args(%{{.*}} = %[[Q]])
kernel.func @chunk(%x: memref<32xf32>, %y: memref<32xf32>) {
  %step = arith.constant 1 : index
  %chunk = kernel.id "chunk" of 2
  %low = kernel.index [%chunk * 4]
  %high = kernel.index [%chunk * 4 + 4]
  scf.for %i = %low to %high step %step {
    %a = kernel.read %x[%i * 4] : memref<32xf32>, vector<4xf32>
    kernel.write %a, %y[%i * 4] : memref<32xf32>, vector<4xf32>
  }
}

// -----

// What a loop around calls counts moves the start of a buffer, once; never before the buffer, though it counts down.

// CHECK-LABEL: func.func @step(%x: i32, %y: i32, %n: i32)
// CHECK:         %[[AT:.*]] = arith.muli %n, %[[BACK:.*]] : i32
// CHECK-NEXT:    %[[MOVED:.*]] = arith.addi %x, %[[AT]] : i32
// CHECK-NEXT:    %[[START:.*]] = arith.addi %[[MOVED]], %{{.*}} : i32
// CHECK:         scf.for %[[P:.*]] = %[[START]] to
// CHECK-NEXT:      wasm_simd.load "v128.load" %[[P]] offset 0
kernel.func @step(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %2 = arith.constant 2 : index
  scf.for %i = %0 to %2 step %1 {
    %v = kernel.read %x[%t * -8 + %i * 4 + 32] : memref<40xf32>, vector<4xf32>
    kernel.write %v, %y[%i * 4] : memref<8xf32>, vector<4xf32>
  }
}

// -----

// Small elements are widened after a load; eight bytes that lie side by side are loaded at once.

// CHECK-LABEL: func.func @narrow
// CHECK:         %[[E:.*]] = wasm_simd.load "v128.load8x8_s" %x offset 4
// CHECK-NEXT:    wasm_simd.op "i32x4.extend_low_i16x8_s" %[[E]]
// CHECK-NEXT:    wasm_simd.op "i32x4.extend_high_i16x8_s" %[[E]]
// CHECK:         %[[F:.*]] = wasm_simd.load "v128.load32_zero" %x offset 12
// CHECK-NEXT:    %[[G:.*]] = wasm_simd.op "i16x8.extend_low_i8x16_s" %[[F]]
// CHECK-NEXT:    wasm_simd.op "i32x4.extend_low_i16x8_s" %[[G]]
// CHECK:         wasm_simd.load "v128.load16x4_s" %h offset 0 : vector<4xi32>
kernel.func @narrow(%x: memref<16xi8>, %h: memref<4xf16>, %y: memref<12xi32>, %z: memref<4xf32>) {
  %a = kernel.read %x[4] : memref<16xi8>, vector<4xi32>
  %b = kernel.read %x[8] : memref<16xi8>, vector<4xi32>
  %c = kernel.read %x[12] : memref<16xi8>, vector<4xi32>
  %d = kernel.read %h[0] : memref<4xf16>, vector<4xf32>
  kernel.write %a, %y[0] : memref<12xi32>, vector<4xi32>
  kernel.write %b, %y[4] : memref<12xi32>, vector<4xi32>
  kernel.write %c, %y[8] : memref<12xi32>, vector<4xi32>
  kernel.write %d, %z[0] : memref<4xf32>, vector<4xf32>
}

// -----

// An index that accesses of loops further inside use is scaled where it is made.

// CHECK-LABEL: func.func @scaled(%x: i32)
// CHECK:         scf.for
// CHECK:           arith.shrsi
// CHECK-NEXT:      arith.muli
// CHECK:           %[[BYTES:.*]] = arith.muli %[[NEXT:.*]], %{{.*}} : i32
// CHECK-NEXT:      arith.index_cast %[[NEXT]] : i32 to index
// CHECK:           scf.for
// CHECK-NOT:         arith.muli
// CHECK:             %[[P:.*]] = arith.addi %{{.*}}, %[[BYTES]] : i32
// CHECK-NEXT:        wasm_simd.prefetch %[[P]] offset 0
kernel.func @scaled(%x: memref<64xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 4 : index
  %one = arith.constant 1 : index
  scf.for %i = %low to %high step %one {
    %next = kernel.index [(%i * 16 + 16) mod 64]
    scf.for %j = %low to %high step %one {
      kernel.prefetch %x[%next + %j * 4] : memref<64xf32>
    }
  }
}

// -----

// Small integers are brought together and stored at once; pairs of bytes are spread by their load.

// CHECK-LABEL: func.func @stored
// CHECK:         %[[P:.*]] = wasm_simd.load "v128.load8x8_s" %x offset 8 : vector<4xi32>
// CHECK:         %[[B:.*]] = wasm_simd.op "i8x16.shuffle 0 4 8 12 0 4 8 12 0 4 8 12 0 4 8 12" %[[P]], %[[P]]
// CHECK:         wasm_simd.store "v128.store32_lane 0" %[[B]], %y offset 0
// CHECK:         %[[H:.*]] = wasm_simd.op "i8x16.shuffle 0 1 4 5 8 9 12 13 0 1 4 5 8 9 12 13" %[[P]], %[[P]]
// CHECK:         wasm_simd.store "v128.store64_lane 0" %[[H]], %z offset 0
kernel.func @stored(%x: memref<8xui16>, %y: memref<4xi8>, %z: memref<4xi16>) {
  %a = kernel.read %x[4] : memref<8xui16>, vector<4xi32>
  %p = kernel.spread_bytes %a : (vector<4xi32>) -> vector<4xi32>
  kernel.write %p, %y[0] : memref<4xi8>, vector<4xi32>
  kernel.write %p, %z[0] : memref<4xi16>, vector<4xi32>
}

// -----

// What a computed index decides is a pointer from there on, which loops carry on; one that may fall is added each time.

// CHECK-LABEL: func.func @computed(%x: i32, %y: i32, %{{.*}}: i32)
// CHECK:         scf.for
// CHECK:           %[[W:.*]] = arith.index_cast %{{.*}} : index to i32
// CHECK-NEXT:      %[[B:.*]] = arith.muli %[[W]], %{{.*}} : i32
// CHECK-NEXT:      %[[P:.*]] = arith.addi %x, %[[B]] : i32
// CHECK:           scf.for %[[Q:.*]] = %[[P]] to
// CHECK-NEXT:        wasm_simd.load "v128.load" %[[Q]] offset 0
// CHECK-NEXT:        wasm_simd.load "v128.load" %[[Q]] offset 16
kernel.func @computed(%x: memref<256xf32>, %y: memref<32xf32>, %step: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %eight = arith.constant 8 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    %back = kernel.index [3 - %p] of 4
    %s = scf.for %k = %zero to %eight step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %x[%back * 64 + %k * 8] : memref<256xf32>, vector<4xf32>
      %w = kernel.read %x[%back * 64 + %k * 8 + 4] : memref<256xf32>, vector<4xf32>
      %t = arith.addf %v, %w : vector<4xf32>
      %u = arith.addf %a, %t : vector<4xf32>
      scf.yield %u : vector<4xf32>
    }
    kernel.write %s, %y[%p * 4] : memref<32xf32>, vector<4xf32>
  }
}
