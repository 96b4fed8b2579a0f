// RUN: webdnn-opt %s --pass-pipeline=kernel-select-schedule | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='kernel-select-schedule{features=simd}' | filecheck %s --check-prefix=PLAIN

// A matrix product gets 6 rows of two vectors, and 4 rows where multiply and add are two instructions.
// CHECK-LABEL: @matmul
// CHECK: kernel.compute (%{{.*}} = 196, %{{.*}} = 256) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4>
// CHECK: unroll #kernel.unroll<[2]>
// PLAIN-LABEL: @matmul
// PLAIN: tile [4, 8]
kernel.func @matmul(%a: memref<12544xf32>, %w: memref<16384xf32>, %y: memref<50176xf32>) {
  kernel.compute (%m = 196, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %p = kernel.read %a[%m * 64 + %k] : memref<12544xf32>
      %q = kernel.read %w[%n floordiv 8 * 512 + %k * 8 + %n mod 8] : memref<16384xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 256 + %n] : memref<50176xf32>
  }
}

// Element-wise work runs over four vectors at a time.
// CHECK-LABEL: @relu
// CHECK: schedule #kernel.schedule<tile [16], order [0], vector 0 by 4>
kernel.func @relu(%x1: memref<64xf32>, %y1: memref<64xf32>) {
  kernel.compute (%i = 64) {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %x1[%i] : memref<64xf32>
    %r = arith.maximumf %v, %zero : f32
    kernel.write %r, %y1[%i] : memref<64xf32>
  }
}

// A depthwise window is blocked in two dimensions and ordered by the inputs that it reads.
// CHECK-LABEL: @depthwise
// CHECK: tile [2, 3, 4], order [0, 1, 2], vector 2 by 4
// CHECK: unroll #kernel.unroll<[3, 3], points (d0, d1, d2, d3, d4) -> ({{.*}})>
kernel.func @depthwise(%x2: memref<3200xf32>, %w2: memref<288xf32>, %y2: memref<2048xf32>) {
  kernel.compute (%y = 8, %x = 8, %c = 32) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%ky = 3, %kx = 3) from %zero : f32 {
      %p = kernel.read %x2[%y * 320 + %ky * 320 + %x * 32 + %kx * 32 + %c] : memref<3200xf32>
      %q = kernel.read %w2[%ky * 96 + %kx * 32 + %c] : memref<288xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y2[%y * 256 + %x * 32 + %c] : memref<2048xf32>
  }
}

// Where points have no lanes, a sum over neighbours has: a partial sum for each lane.
// CHECK-LABEL: @rows
// CHECK: schedule #kernel.schedule<tile [1], order [0]>
// CHECK: unroll #kernel.unroll<[16], vector by 4>
kernel.func @rows(%x3: memref<512xf32>, %y3: memref<8xf32>) {
  kernel.compute (%m = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %p = kernel.read %x3[%m * 64 + %k] : memref<512xf32>
      kernel.yield %p : f32
    }
    kernel.write %s, %y3[%m] : memref<8xf32>
  }
}

// A product whose result is stored transposed has lanes along the weight's columns all the same; its points come by
// step, row and column.
// CHECK-LABEL: @transposed
// CHECK: schedule #kernel.schedule<tile [8, 6], order [1, 0], vector 0 by 4>
// CHECK: unroll #kernel.unroll<[2], points (d0, d1, d2) -> (((d0 + (d1 * 8)) + (d2 * 48)))>
kernel.func @transposed(%x6: memref<6144xf32>, %w6: memref<4096xf32>, %y6: memref<6144xf32>) {
  kernel.compute (%n = 64, %m = 96) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %p = kernel.read %x6[%m * 64 + %k] : memref<6144xf32>
      %q = kernel.read %w6[%k * 64 + %n] : memref<4096xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y6[%n * 96 + %m] : memref<6144xf32>
  }
}

// 64-bit elements have no lanes.
// CHECK-LABEL: @doubles
// CHECK: schedule #kernel.schedule<tile [1], order [0]>
kernel.func @doubles(%x4: memref<64xf64>, %y4: memref<64xf64>) {
  kernel.compute (%i = 64) {
    %v = kernel.read %x4[%i] : memref<64xf64>
    kernel.write %v, %y4[%i] : memref<64xf64>
  }
}

// A schedule that is there already stays.
// CHECK-LABEL: @given
// CHECK: schedule #kernel.schedule<tile [4], order [0]>
kernel.func @given(%x5: memref<64xf32>, %y5: memref<64xf32>) {
  kernel.compute (%i = 64) schedule #kernel.schedule<tile [4], order [0]> {
    %v = kernel.read %x5[%i] : memref<64xf32>
    kernel.write %v, %y5[%i] : memref<64xf32>
  }
}

// A product of one row has as many accumulators as one of several rows.

// CHECK-LABEL: @vector
// CHECK: kernel.compute (%n_2 = 256) schedule #kernel.schedule<tile [48], order [0], vector 0 by 4>
// PLAIN-LABEL: @vector
// PLAIN: kernel.compute (%n_2 = 256) schedule #kernel.schedule<tile [48], order [0], vector 0 by 4>
kernel.func @vector(%x: memref<64xf32>, %w: memref<16384xf32>, %y: memref<256xf32>) {
  kernel.compute (%n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %a = kernel.read %x[%k] : memref<64xf32>
      %b = kernel.read %w[%n floordiv 8 * 512 + %k * 8 + %n mod 8] : memref<16384xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%n] : memref<256xf32>
  }
}

// It ends with its panel of columns.

// CHECK-LABEL: @panel
// CHECK: kernel.compute (%n_3 = 256) schedule #kernel.schedule<tile [32], order [0], vector 0 by 4>
kernel.func @panel(%x: memref<64xf32>, %w: memref<16384xf32>, %y: memref<256xf32>) {
  kernel.compute (%n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %a = kernel.read %x[%k] : memref<64xf32>
      %b = kernel.read %w[%n floordiv 32 * 2048 + %k * 32 + %n mod 32] : memref<16384xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%n] : memref<256xf32>
  }
}

// Rows of 7 points leave blocks of 6 half empty: all 49 points become one axis, whose blocks are copied.
// CHECK-LABEL: @small_map
// CHECK: schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], expand [1], vector 2 by 4, merge 0 into 1 by 7>
kernel.func @small_map(%x7: memref<729xf32>, %w7: memref<144xf32>, %o7: memref<784xf32>) {
  kernel.compute (%y = 7, %p = 7, %c = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 9) from %zero : f32 {
      %a = kernel.read %x7[%y * 81 + %p * 9 + %k] : memref<729xf32>
      %b = kernel.read %w7[%k * 16 + %c] : memref<144xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o7[%y * 112 + %p * 16 + %c] : memref<784xf32>
  }
}

// So do rows that lie apart, with positions of Winograd's tiles between them: 4 blocks of 4 become 3 of 5 or 6.
// CHECK-LABEL: @apart
// CHECK: schedule #kernel.schedule<tile [1, 1, 6, 8], order [0, 1, 2, 3], expand [2], vector 3 by 4, merge 0 into 2 by 4>
kernel.func @apart(%x9: memref<1152xf32>, %w9: memref<1152xf32>, %o9: memref<2048xf32>) {
  kernel.compute (%y = 4, %q = 8, %p = 4, %c = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 9) from %zero : f32 {
      %a = kernel.read %x9[%y * 288 + %q * 36 + %p * 9 + %k] : memref<1152xf32>
      %b = kernel.read %w9[%q * 144 + %k * 16 + %c] : memref<1152xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o9[%y * 512 + %q * 64 + %p * 16 + %c] : memref<2048xf32>
  }
}

// Rows of 28 fill their blocks.
// CHECK-LABEL: @large_map
// CHECK: schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], vector 2 by 4>
kernel.func @large_map(%x8: memref<8100xf32>, %w8: memref<144xf32>, %o8: memref<12544xf32>) {
  kernel.compute (%y = 28, %p = 28, %c = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 9) from %zero : f32 {
      %a = kernel.read %x8[%y * 270 + %p * 9 + %k] : memref<8100xf32>
      %b = kernel.read %w8[%k * 16 + %c] : memref<144xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %o8[%y * 448 + %p * 16 + %c] : memref<12544xf32>
  }
}

// Rows that an access divides are copied, so that its divisions fold, but only where they are few blocks.

// CHECK-LABEL: @few
// CHECK: = 48, %{{.*}} = 16) schedule #kernel.schedule<tile [6, 8], order [0, 1], expand [0], vector 1 by 4>
kernel.func @few(%r: memref<2048xf32>, %x: memref<1536xf32>, %w: memref<512xf32>, %y: memref<768xf32>) {
  kernel.compute (%m = 48, %n = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 32) from %zero : f32 {
      %a = kernel.read %x[%m * 32 + %k] : memref<1536xf32>
      %b = kernel.read %w[%n floordiv 8 * 248 + %k * 8 + %n] : memref<512xf32>
      %p = arith.mulf %a, %b : f32
      kernel.yield %p : f32
    }
    %c = kernel.read %r[%m floordiv 7 * 112 + %m * 16 + %n] : memref<2048xf32>
    %t = arith.addf %s, %c : f32
    kernel.write %t, %y[%m * 16 + %n] : memref<768xf32>
  }
}

// CHECK-LABEL: @many
// CHECK: = 480, %{{.*}} = 16) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4>
kernel.func @many(%r: memref<20480xf32>, %x: memref<15360xf32>, %w: memref<512xf32>, %y: memref<7680xf32>) {
  kernel.compute (%m = 480, %n = 16) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 32) from %zero : f32 {
      %a = kernel.read %x[%m * 32 + %k] : memref<15360xf32>
      %b = kernel.read %w[%n floordiv 8 * 248 + %k * 8 + %n] : memref<512xf32>
      %p = arith.mulf %a, %b : f32
      kernel.yield %p : f32
    }
    %c = kernel.read %r[%m floordiv 7 * 112 + %m * 16 + %n] : memref<20480xf32>
    %t = arith.addf %s, %c : f32
    kernel.write %t, %y[%m * 16 + %n] : memref<7680xf32>
  }
}

// Points that read from the same computed places stand in a block: those are computed once for three channels.
// CHECK-LABEL: @gathered
// CHECK: = 21, %{{.*}} = 96) schedule #kernel.schedule<tile [3, 1], order [0, 1]>
kernel.func @gathered(%i: memref<192xi32>, %f: memref<192xf32>, %x: memref<336xf32>, %y: memref<2016xf32>) {
  kernel.compute (%c = 21, %p = 96) {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0 : i32
    %high = arith.constant 15 : i32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %n = kernel.read %i[%p * 2 + %k] : memref<192xi32>
      %above = arith.maxsi %n, %low : i32
      %within = arith.minsi %above, %high : i32
      %place = arith.index_cast %within : i32 to index
      %a = kernel.read %x[%c * 16 + %place] : memref<336xf32>
      %b = kernel.read %f[%p * 2 + %k] : memref<192xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%c * 96 + %p] : memref<2016xf32>
  }
}

// Few rows stay near, so that each panel of weights from far away meets all of them; weights that fit into the cache
// meet the rows one after the other.
// CHECK-LABEL: @positions
// CHECK: tile [1, 6, 8], order [0, 2, 1], vector 2 by 4
// CHECK: tile [1, 6, 8], order [0, 1, 2], vector 2 by 4
kernel.func @positions(%a: memref<20480xf32>, %w: memref<327680xf32>, %y: memref<40960xf32>) {
  kernel.compute (%p = 40, %m = 8, %n = 128) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %x = kernel.read %a[%p * 512 + %m * 64 + %k] : memref<20480xf32>
      %b = kernel.read %w[%p * 8192 + %k * 128 + %n] : memref<327680xf32>
      %xb = arith.mulf %x, %b : f32
      kernel.yield %xb : f32
    }
    kernel.write %s, %y[%p * 1024 + %m * 128 + %n] : memref<40960xf32>
  }
  kernel.compute (%p = 4, %m = 8, %n = 128) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %x = kernel.read %a[%p * 512 + %m * 64 + %k] : memref<20480xf32>
      %b = kernel.read %w[%p * 8192 + %k * 128 + %n] : memref<327680xf32>
      %xb = arith.mulf %x, %b : f32
      kernel.yield %xb : f32
    }
    kernel.write %s, %y[%p * 1024 + %m * 128 + %n] : memref<40960xf32>
  }
}
