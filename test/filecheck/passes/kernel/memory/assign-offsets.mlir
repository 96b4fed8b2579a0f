// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-offsets --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-offsets{alignment=256} --split-input-file | filecheck %s --check-prefix=WIDE
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-offsets{reuse=false} --split-input-file | filecheck %s --check-prefix=APART
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-offsets{parts=true} --split-input-file | filecheck %s --check-prefix=PARTS
// RUN: not webdnn-opt %s --pass-pipeline=kernel-assign-offsets{most=100} --split-input-file 2>&1 | filecheck %s --check-prefix=MOST
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-offsets{enough=192} --split-input-file | filecheck %s --check-prefix=ENOUGH

// Buffers that live at one time lie side by side; a later one takes the place of one that died.

// CHECK-LABEL: @chain(%x: memref<8xf32> {kernel.at = 0 : i64}) -> memref<8xf32> attributes {kernel.arena = 128 : i64, kernel.arena_bound = 128 : i64, kernel.memory = 128 : i64, kernel.memory_bound = 128 : i64}
// CHECK:         kernel.alloc at 64 : memref<8xf32>
// CHECK:         kernel.alloc at 0 : memref<8xf32>
// APART-LABEL: @chain({{.*}}kernel.at = {{[0-9]+}} : i64}) -> memref<8xf32> attributes {kernel.arena = 192 : i64, kernel.arena_bound = 192 : i64,
// MOST: has values of 128 bytes, more than the 100 that a buffer may have
// MOST: hint: write --limit buffer=128 for devices that allow it, or --memory-limit 100
// WIDE-LABEL: @chain
// WIDE:          kernel.alloc at 256 : memref<8xf32>
// WIDE:          kernel.alloc at 0 : memref<8xf32>
func.func @chain(%x: memref<8xf32>) -> memref<8xf32> {
  %0 = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %0[%i] : memref<8xf32>
  }
  %1 = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %0[%i] : memref<8xf32>
    kernel.write %v, %1[%i] : memref<8xf32>
  }
  func.return %1 : memref<8xf32>
}

// What is computed once keeps its place, also before and after it is used.

// CHECK-LABEL: @kept
// CHECK:         %[[A:.*]] = kernel.alloc at [[AT:[0-9]+]] : memref<16xf32>
// CHECK-NOT:     kernel.alloc at [[AT]]
// CHECK:         func.return
func.func @kept(%x1: memref<16xf32>) -> memref<16xf32> {
  %a = kernel.alloc : memref<16xf32>
  kernel.compute once (%i = 16) {
    %one = arith.constant 1.0 : f32
    kernel.write %one, %a[%i] : memref<16xf32>
  }
  %0 = kernel.alloc : memref<16xf32>
  kernel.compute (%i = 16) {
    %v = kernel.read %a[%i] : memref<16xf32>
    kernel.write %v, %0[%i] : memref<16xf32>
  }
  %1 = kernel.alloc : memref<16xf32>
  kernel.compute (%i = 16) {
    %v = kernel.read %0[%i] : memref<16xf32>
    kernel.write %v, %1[%i] : memref<16xf32>
  }
  func.return %1 : memref<16xf32>
}

// -----

// What is used inside a loop is needed for the whole loop.

// CHECK-LABEL: @loop
// CHECK:         %[[A:.*]] = kernel.alloc at [[AT:[0-9]+]] : memref<8xf32>
// CHECK-NOT:     kernel.alloc at [[AT]]
// CHECK:         func.return
// WIDE-LABEL: @loop
func.func @loop(%x: memref<8xf32>) -> memref<8xf32> {
  %a = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %a[%i] : memref<8xf32>
  }
  %b = kernel.alloc : memref<8xf32>
  %c = kernel.alloc : memref<8xf32>
  %low = arith.constant 0 : index
  %high = arith.constant 3 : index
  %one = arith.constant 1 : index
  scf.for %t = %low to %high step %one {
    kernel.compute (%i = 8) {
      %v = kernel.read %a[%i] : memref<8xf32>
      kernel.write %v, %b[%i] : memref<8xf32>
    }
    kernel.compute (%i = 8) {
      %v = kernel.read %b[%i] : memref<8xf32>
      kernel.write %v, %c[%i] : memref<8xf32>
    }
  }
  func.return %c : memref<8xf32>
}

// -----

// Weights that only loading reads stand where later results or the buffers of a run will be; one that a run reads too
// lies elsewhere, and what is computed once keeps its place.

// CHECK-LABEL: @load(%x: memref<16xf32> {kernel.at = 256 : i64})
// CHECK-SAME:    kernel.arena = 128 : i64, kernel.arena_bound = 128 : i64
// CHECK-SAME:    kernel.memory = 384 : i64, kernel.memory_bound = 384 : i64
// CHECK:         kernel.weight at 128 #dnn.weight<first : tensor<16xf32>>
// CHECK:         kernel.weight at 256 #dnn.weight<second : tensor<16xf32>>
// CHECK:         kernel.weight #dnn.weight<kept : tensor<16xf32>>
// CHECK:         %[[A:.*]] = kernel.alloc at 0 : memref<32xf32>
// CHECK:         %[[B:.*]] = kernel.alloc at 128 : memref<32xf32>
// CHECK:         kernel.alloc at 320 : memref<16xf32>
func.func @load(%x: memref<16xf32>) -> memref<16xf32> {
  %first = kernel.weight #dnn.weight<first : tensor<16xf32>> : memref<16xf32>
  %second = kernel.weight #dnn.weight<second : tensor<16xf32>> : memref<16xf32>
  %kept = kernel.weight #dnn.weight<kept : tensor<16xf32>> : memref<16xf32>
  %a = kernel.alloc : memref<32xf32>
  kernel.compute once (%i = 32) {
    %p = kernel.read %first[%i floordiv 2] : memref<16xf32>
    %q = kernel.read %kept[%i floordiv 2] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %a[%i] : memref<32xf32>
  }
  %b = kernel.alloc : memref<32xf32>
  kernel.compute once (%i = 32) {
    %v = kernel.read %second[%i floordiv 2] : memref<16xf32>
    kernel.write %v, %b[%i] : memref<32xf32>
  }
  %c = kernel.alloc : memref<16xf32>
  kernel.compute (%i = 16) {
    %p = kernel.read %x[%i] : memref<16xf32>
    %q = kernel.read %a[%i] : memref<32xf32>
    %r = kernel.read %b[%i] : memref<32xf32>
    %s = kernel.read %kept[%i] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    %pqr = arith.addf %pq, %r : f32
    %pqrs = arith.addf %pqr, %s : f32
    kernel.write %pqrs, %c[%i] : memref<16xf32>
  }
  func.return %c : memref<16xf32>
}

// -----

// What loading needs on its way is gone when it ends; equal weights have one place, and all of them stay if one does.

// CHECK-LABEL: @passing
// CHECK-SAME:    kernel.memory = 192 : i64, kernel.memory_bound = 192 : i64
// CHECK:         kernel.weight at [[AT:[0-9]+]] #dnn.weight<twice : tensor<16xf32>>
// CHECK:         kernel.weight at [[AT]] #dnn.weight<twice : tensor<16xf32>>
// CHECK:         kernel.weight #dnn.weight<needed : tensor<16xf32>>
// CHECK:         kernel.weight #dnn.weight<needed : tensor<16xf32>>
func.func @passing() -> memref<16xf32> {
  %u = kernel.weight #dnn.weight<twice : tensor<16xf32>> : memref<16xf32>
  %v = kernel.weight #dnn.weight<twice : tensor<16xf32>> : memref<16xf32>
  %w = kernel.weight #dnn.weight<needed : tensor<16xf32>> : memref<16xf32>
  %y = kernel.weight #dnn.weight<needed : tensor<16xf32>> : memref<16xf32>
  %a = kernel.alloc : memref<16xf32>
  kernel.compute once (%i = 16) {
    %p = kernel.read %u[%i] : memref<16xf32>
    %q = kernel.read %w[%i] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %a[%i] : memref<16xf32>
  }
  %b = kernel.alloc : memref<16xf32>
  kernel.compute once (%i = 16) {
    %p = kernel.read %a[%i] : memref<16xf32>
    %q = kernel.read %v[%i] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %b[%i] : memref<16xf32>
  }
  %c = kernel.alloc : memref<16xf32>
  kernel.compute (%i = 16) {
    %p = kernel.read %b[%i] : memref<16xf32>
    %q = kernel.read %y[%i] : memref<16xf32>
    %pq = arith.addf %p, %q : f32
    kernel.write %pq, %c[%i] : memref<16xf32>
  }
  func.return %c : memref<16xf32>
}

// -----

// In parts, a result may lie where rows of an operand were that nobody reads any more.

// CHECK-LABEL: @halves(%x: memref<64xf32> {kernel.at = {{[0-9]+}} : i64}) -> memref<64xf32> attributes {kernel.arena = 512 : i64
// PARTS-LABEL: @halves(%x: memref<64xf32> {kernel.at = 128 : i64}) -> memref<64xf32> attributes {kernel.arena = 384 : i64, kernel.arena_bound = 384 : i64
// PARTS:         kernel.alloc at 0 : memref<64xf32>
func.func @halves(%x: memref<64xf32>) -> memref<64xf32> {
  %y = kernel.alloc : memref<64xf32>
  kernel.compute (%i = 32) {
    %v = kernel.read %x[%i] : memref<64xf32>
    kernel.write %v, %y[%i] : memref<64xf32>
  }
  kernel.compute (%i = 32) {
    %v = kernel.read %x[%i + 32] : memref<64xf32>
    kernel.write %v, %y[%i + 32] : memref<64xf32>
  }
  func.return %y : memref<64xf32>
}

// -----

// A kernel that is called reads what it reads at its counter.

// PARTS-LABEL: func.func @calls(%x: memref<64xf32> {kernel.at = 128 : i64}) -> memref<64xf32> attributes {kernel.arena = 384 : i64
kernel.func @half(%a: memref<64xf32>, %b: memref<64xf32>, %n: index) {
  %t = kernel.index [%n] of 2
  kernel.compute (%i = 32) {
    %v = kernel.read %a[%i + %t * 32] : memref<64xf32>
    kernel.write %v, %b[%i + %t * 32] : memref<64xf32>
  }
}
func.func @calls(%x: memref<64xf32>) -> memref<64xf32> {
  %y = kernel.alloc : memref<64xf32>
  %zero = kernel.index [0] of 2
  kernel.call @half(%x, %y) at %zero : memref<64xf32>, memref<64xf32>
  %one = kernel.index [1] of 2
  kernel.call @half(%x, %y) at %one : memref<64xf32>, memref<64xf32>
  func.return %y : memref<64xf32>
}

// -----

// An earlier plan stays where it takes no more than is enough, and is made anew where it is wrong by now.

// ENOUGH-LABEL: @again(%x: memref<8xf32> {kernel.at = 0 : i64}) -> memref<8xf32> attributes {kernel.arena = 192 : i64, kernel.arena_bound = 128 : i64,
// ENOUGH:         kernel.alloc at 128 : memref<8xf32>
// CHECK-LABEL:  @again({{.*}}) -> memref<8xf32> attributes {kernel.arena = 128 : i64,
func.func @again(%x: memref<8xf32> {kernel.at = 0 : i64}) -> memref<8xf32> {
  %0 = kernel.alloc at 128 : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %0[%i] : memref<8xf32>
  }
  func.return %0 : memref<8xf32>
}

// -----

// ENOUGH-LABEL: @overlapping({{.*}}) -> memref<8xf32> attributes {kernel.arena = 128 : i64,
// ENOUGH:         kernel.alloc at 64 : memref<8xf32>
func.func @overlapping(%x: memref<8xf32> {kernel.at = 0 : i64}) -> memref<8xf32> {
  %0 = kernel.alloc at 16 : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %0[%i] : memref<8xf32>
  }
  func.return %0 : memref<8xf32>
}
