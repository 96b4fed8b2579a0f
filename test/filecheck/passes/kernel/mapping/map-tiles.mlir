// RUN: webdnn-opt %s --pass-pipeline=kernel-map-tiles --split-input-file | filecheck %s

// Both factors are laid out between barriers, sixteen steps at a time; four rows of sums stay with each invocation.

// CHECK-LABEL: @product(
// CHECK-SAME:    variant "tiles32" others @product_tiles64, @product_alone {
// CHECK-NEXT:    %group_x = kernel.id "group.x" of 64
// CHECK-NEXT:    %local = kernel.id "local" of 64
// CHECK-NEXT:    %[[A:.*]] = memref.alloca() : memref<640xf32, "workgroup">
// CHECK-NEXT:    %[[B:.*]] = memref.alloca() : memref<512xf32, "workgroup">
// CHECK-NEXT:    %[[SUMS:.*]] = memref.alloca() : memref<16xf32, "function">
// CHECK:         scf.for
// CHECK-NEXT:      kernel.compute (%row_1 = 2, %lane_1 = 4) schedule #kernel.schedule<tile [2, 4], order [0, 1], vector 1 by 4> {
// CHECK-NEXT:        %[[P:.*]] = kernel.read %x[
// CHECK-NEXT:        kernel.write %[[P]], %[[A]][
// CHECK:           kernel.compute (%row_2 = 2, %lane_2 = 4)
// CHECK-NEXT:        %[[Q:.*]] = kernel.read %w[
// CHECK-NEXT:        kernel.write %[[Q]], %[[B]][
// CHECK:           kernel.barrier
// CHECK-NEXT:      kernel.compute (%row_3 = 4, %lane_3 = 4)
// CHECK-NEXT:        %[[SO_FAR:.*]] = kernel.read %[[SUMS]][%row_3 * 4 + %lane_3]
// CHECK-NEXT:        kernel.reduce add (%k = 16) from %[[SO_FAR]] : f32 unroll #kernel.unroll<[4]> {
// CHECK:             kernel.read %[[A]][
// CHECK:             kernel.read %[[B]][
// CHECK:           kernel.barrier

// There are whole tiles here, so that what follows needs no test.

// CHECK-NOT:     scf.if
// CHECK:         kernel.compute (%row_4 = 4, %lane_4 = 4)
// CHECK:           kernel.read %[[SUMS]]
// CHECK:           kernel.write %{{.*}}, %y[

// It takes so long that another tile is there to choose, and its invocations alone are there as for every product.

// CHECK-LABEL: @product_tiles64(
// CHECK-SAME:    variant "tiles64" {
// CHECK-NEXT:    %{{.*}} = kernel.id "group.x" of 16
// CHECK-NEXT:    %{{.*}} = kernel.id "local" of 256
// CHECK-LABEL: @product_alone(
// CHECK-SAME:    variant "alone" {
// CHECK-NEXT:    kernel.compute (%m = 256, %n = 256) {
kernel.func @product(%x: memref<65536xf32>, %w: memref<65536xf32>, %y: memref<65536xf32>) {
  kernel.compute (%m = 256, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 256) from %zero : f32 {
      %p = kernel.read %x[%m * 256 + %k] : memref<65536xf32>
      %q = kernel.read %w[%k * 256 + %n] : memref<65536xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 256 + %n] : memref<65536xf32>
  }
}

// -----

// Behind the last step there are zeros; the last rows are two, and columns end inside of a tile.

// CHECK-LABEL: @ragged(
// CHECK-SAME:      variant "tiles32" others @ragged_alone {
// CHECK:           kernel.inside [{{.*}}] of [37]
// CHECK-NEXT:      arith.constant 0.0
// CHECK-NEXT:      arith.select
// CHECK:         kernel.inside [{{.*}}] of [32, 129]
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      kernel.compute (%{{.*}} = 4, %{{.*}} = 4)
// CHECK:         kernel.inside [{{.*}}] of [1, 129]
// CHECK-NEXT:    scf.if
// CHECK-NEXT:      kernel.compute (%{{.*}} = 2, %{{.*}} = 4)
kernel.func @ragged(%x: memref<4810xf32>, %w: memref<19092xf32>, %y: memref<67080xf32>) {
  kernel.compute (%m = 130, %n = 516) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 37) from %zero : f32 {
      %p = kernel.read %x[%m * 37 + %k] : memref<4810xf32>
      %q = kernel.read %w[%k * 516 + %n] : memref<19092xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 516 + %n] : memref<67080xf32>
  }
}

// -----

// A product of few results, and one of few steps, are left alone.

// CHECK-LABEL: @few(
// CHECK-NOT:     kernel.barrier
// CHECK-LABEL: @short(
// CHECK-NOT:     kernel.barrier
kernel.func @few(%x: memref<1024xf32>, %w: memref<65536xf32>, %y: memref<1024xf32>) {
  kernel.compute (%m = 4, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 256) from %zero : f32 {
      %p = kernel.read %x[%m * 256 + %k] : memref<1024xf32>
      %q = kernel.read %w[%k * 256 + %n] : memref<65536xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 256 + %n] : memref<1024xf32>
  }
}
kernel.func @short(%x: memref<4096xf32>, %w: memref<4096xf32>, %y: memref<65536xf32>) {
  kernel.compute (%m = 256, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 16) from %zero : f32 {
      %p = kernel.read %x[%m * 16 + %k] : memref<4096xf32>
      %q = kernel.read %w[%k * 256 + %n] : memref<4096xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 256 + %n] : memref<65536xf32>
  }
}
