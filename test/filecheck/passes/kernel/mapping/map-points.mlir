// RUN: webdnn-opt %s --pass-pipeline=kernel-map-points --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-map-points{rows=4} --split-input-file | filecheck %s --check-prefix=BLOCKS
// RUN: webdnn-opt %s --pass-pipeline=kernel-map-points{texels=true} --split-input-file | filecheck %s --check-prefix=TEXELS
// RUN: webdnn-opt %s --pass-pipeline='kernel-map-points{texels=true layers=true}' --split-input-file | filecheck %s --check-prefix=LAYERS
// RUN: webdnn-opt %s --pass-pipeline=kernel-map-points{neighbours=64} --split-input-file | filecheck %s --check-prefix=MANY

// An invocation takes four neighbours; axes are digits of its number, and reductions are unrolled by four.

// CHECK-LABEL: @rows(
// CHECK-NEXT:    %global = kernel.id "global" of 8
// CHECK-NEXT:    kernel.compute (%lane = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
// CHECK:           kernel.reduce add (%k = 8) from %zero : f32 unroll #kernel.unroll<[4]> {
// CHECK:             kernel.read %x[%global floordiv 2 * 8 + %k] : memref<32xf32>
// CHECK:             kernel.read %w[%k * 8 + {{.*}}%lane{{.*}}] : memref<64xf32>
// CHECK:           kernel.write %s, %y[%global * 4 + %lane] : memref<32xf32>
kernel.func @rows(%x: memref<32xf32>, %w: memref<64xf32>, %y: memref<32xf32>) {
  kernel.compute (%m = 4, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m * 8 + %k] : memref<32xf32>
      %b = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32xf32>
  }
}

// -----

// Where there are enough of them, rows of a product are computed four at a time, and share what streams.

// BLOCKS-LABEL: @rows(
// BLOCKS:         kernel.compute (%lane = 4)
// BLOCKS-LABEL: @blocks(
// BLOCKS-NEXT:    %global = kernel.id "global" of 2048
// BLOCKS-NEXT:    kernel.compute (%row = 4, %lane = 4) schedule #kernel.schedule<tile [4, 4], order [0, 1], vector 1 by 4> {
// BLOCKS:             kernel.read %x[%global floordiv 2 * 32 + %row * 8 + %k] : memref<32768xf32>
// BLOCKS:             kernel.read %w[%k * 8 + {{.*}}%lane{{.*}}] : memref<64xf32>
kernel.func @blocks(%x: memref<32768xf32>, %w: memref<64xf32>, %y: memref<32768xf32>) {
  kernel.compute (%m = 4096, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m * 8 + %k] : memref<32768xf32>
      %b = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32768xf32>
  }
}

// -----

// The last rows are fewer: a branch of their own.

// BLOCKS-LABEL: @last(
// BLOCKS:         %[[WHOLE:.*]] = kernel.inside [%global floordiv 2] of [1024]
// BLOCKS:         scf.if %[[WHOLE]] {
// BLOCKS-NEXT:      kernel.compute (%row = 4, %lane = 4)
// BLOCKS:         } else {
// BLOCKS-NEXT:      kernel.compute (%row{{.*}} = 1, %lane{{.*}} = 4)
// BLOCKS:             kernel.read %x[%row{{.*}} * 8 + %k{{.*}} + 32768] : memref<32776xf32>
kernel.func @last(%x: memref<32776xf32>, %w: memref<64xf32>, %y: memref<32776xf32>) {
  kernel.compute (%m = 4097, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m * 8 + %k] : memref<32776xf32>
      %b = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<32776xf32>
  }
}

// -----

// Rows that are no whole groups have an invocation for each point; a texel may hold parts of two rows.

// CHECK-LABEL: @ragged(
// CHECK-NEXT:    %global = kernel.id "global" of 15
// CHECK-NEXT:    kernel.compute ()
// CHECK:           kernel.write %v, %y[%global] : memref<15xf32>
// TEXELS-LABEL: @ragged(
// TEXELS-NEXT:    %global = kernel.id "global" of 4
// TEXELS-NEXT:    kernel.compute (%lane = 4)
// TEXELS:           kernel.write %v, %y[%global * 4 + %lane] : memref<15xf32>
kernel.func @ragged(%x: memref<3xf32>, %y: memref<15xf32>) {
  kernel.compute (%m = 3, %n = 5) {
    %v = kernel.read %x[%m] : memref<3xf32>
    kernel.write %v, %y[%m * 5 + %n] : memref<15xf32>
  }
}

// -----

// A texel follows the order of the result, whatever that of the axes.

// TEXELS-LABEL: @transposed(
// TEXELS:         kernel.write %v, %y[%global * 4 + %lane] : memref<32xf32>
kernel.func @transposed(%x: memref<32xf32>, %y: memref<32xf32>) {
  kernel.compute (%m = 4, %n = 8) {
    %v = kernel.read %x[%m * 8 + %n] : memref<32xf32>
    kernel.write %v, %y[%n * 4 + %m] : memref<32xf32>
  }
}

// -----

// Factors that a reduction has already stay.

// CHECK-LABEL: @given(
// CHECK:         unroll #kernel.unroll<[2]>
kernel.func @given(%x: memref<8xf32>, %y: memref<1xf32>) {
  kernel.compute (%m = 1) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 unroll #kernel.unroll<[2]> {
      %a = kernel.read %x[%k] : memref<8xf32>
      kernel.yield %a : f32
    }
    kernel.write %s, %y[%m] : memref<1xf32>
  }
}

// -----

// What a loop around the kernel counts stays an index.

// CHECK-LABEL: @step(
// CHECK-NEXT:    %t = kernel.index [%n] of 5
// CHECK-NEXT:    %global = kernel.id "global" of 2
// CHECK:           kernel.read %x[%t * 8 + %global * 4 + %lane]
// TEXELS-LABEL: @step(
kernel.func @step(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t * 8 + %i] : memref<40xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}

// -----

// A single element is written with a whole texel too.

// CHECK-LABEL: @scalar(
// CHECK:         kernel.write %{{.*}}, %y[0]
// TEXELS-LABEL: @scalar(
// TEXELS:         kernel.compute (%lane = 4) schedule
// TEXELS:           kernel.read %x[0]
// TEXELS:           kernel.write %{{.*}}, %y[%global * 4 + %lane]
kernel.func @scalar(%x: memref<1xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %v = kernel.read %x[0] : memref<1xf32>
    kernel.write %v, %y[0] : memref<1xf32>
  }
}

// -----

// Steps of a fold compute the same sum for all columns of a head: an invocation takes the 16 of one.

// MANY-LABEL: @heads(
// MANY-NEXT:    %global = kernel.id "global" of 4096
// MANY-NEXT:    kernel.compute (%lane = 16) schedule #kernel.schedule<tile [16], order [0], vector 0 by 4> {
// CHECK-LABEL: @heads(
// CHECK-NEXT:    %global = kernel.id "global" of 16384
// CHECK-NEXT:    kernel.compute (%lane = 4)
kernel.func @heads(%x: memref<4096x32xf32>, %w: memref<512xf32>, %y: memref<65536xf32>) {
  kernel.compute (%m = 2048, %n = 32) {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.fold (%k = 16) carried (%s = %zero : f32) {
      %t = kernel.reduce add (%d = 16) from %zero : f32 {
        %a = kernel.read %x[%m * 2 + %n floordiv 16, %d] : memref<4096x32xf32>
        kernel.yield %a : f32
      }
      %c = kernel.read %w[%k * 32 + %n] : memref<512xf32>
      %d = arith.mulf %t, %c : f32
      %e = arith.addf %s, %d : f32
      kernel.yield %e : f32
    }
    kernel.write %sum, %y[%m * 32 + %n] : memref<65536xf32>
  }
}

// -----

// An invocation computes one row in each layer of its result: ten rows in layers of three.

// TEXELS-LABEL: @layers(
// TEXELS-NEXT:    %global = kernel.id "global" of 20
// LAYERS-LABEL: @layers(
// LAYERS-NEXT:    %global = kernel.id "global" of 6
// LAYERS-NEXT:    kernel.compute (%layer = 4, %lane = 4) schedule #kernel.schedule<tile [4, 4], order [0, 1], vector 1 by 4> {
// LAYERS:             kernel.read %x[%global floordiv 2 * 8 + %layer * 24 + %k]
// LAYERS:           kernel.write %s, %y[%layer * 24 + %global * 4 + %lane]
kernel.func @layers(%x: memref<80xf32>, %w: memref<64xf32>, %y: memref<80xf32, #kernel.layers<24>>) {
  kernel.compute (%m = 10, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m * 8 + %k] : memref<80xf32>
      %b = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<80xf32, #kernel.layers<24>>
  }
}

// -----

// What is read more often than it is written: lanes are neighbours there, and are stored apart.

// CHECK-LABEL: @turned(
// CHECK-NEXT:    %global = kernel.id "global" of 16
// CHECK-NEXT:    kernel.compute (%lane = 4)
// CHECK:           kernel.read %x[%global * 4 + {{.*}}%lane{{.*}}] : memref<256xf32>
// CHECK:           kernel.write {{.*}}, %y[{{.*}}%lane * 8{{.*}}] : memref<64xf32>
// TEXELS-LABEL: @turned(
// TEXELS:          kernel.write {{.*}}, %y[%global * 4 + %lane]
kernel.func @turned(%x: memref<256xf32>, %y: memref<64xf32>) {
  kernel.compute (%c = 8, %p = 8) {
    %low = arith.constant 0xFF800000 : f32
    %s = kernel.reduce max (%i = 4) from %low : f32 {
      %a = kernel.read %x[%p * 8 + %c + %i * 64] : memref<256xf32>
      kernel.yield %a : f32
    }
    kernel.write %s, %y[%c * 8 + %p] : memref<64xf32>
  }
}

// -----

// A copy in another order reads and writes as much: it is written as it lies.

// CHECK-LABEL: @copied(
// CHECK:           kernel.write {{.*}}, %y[%global * 4 + %lane]
kernel.func @copied(%x: memref<64xf32>, %y: memref<64xf32>) {
  kernel.compute (%c = 8, %p = 8) {
    %a = kernel.read %x[%p * 8 + %c] : memref<64xf32>
    kernel.write %a, %y[%c * 8 + %p] : memref<64xf32>
  }
}
