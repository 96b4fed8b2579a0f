// RUN: webdnn-opt %s --pass-pipeline=kernel-map-groups --split-input-file | filecheck %s

// One result of a long reduction: 256 invocations take parts, which meet by eight and then by what is left.

// CHECK-LABEL: @largest(
// CHECK-SAME:    variant "groups" others @largest_alone {
// CHECK-NEXT:    %group_x = kernel.id "group.x" of 1
// CHECK-NEXT:    %local = kernel.id "local" of 256
// CHECK-NEXT:    %[[MEMORY:.*]] = memref.alloca() : memref<256xf32, "workgroup">
// CHECK-NEXT:    kernel.compute () schedule #kernel.schedule<tile [], order []> {
// CHECK:           kernel.reduce max (%k = 4, %k_1 = 4) from %{{.*}} : f32 unroll #kernel.unroll<[1, 4]> {
// CHECK-NEXT:        kernel.read %x[%k * 1024 + %local * 4 + %k_1] : memref<4096xf32>
// CHECK:           kernel.write %{{.*}}, %[[MEMORY]][%local] : memref<256xf32, "workgroup">
// CHECK:         kernel.barrier
// CHECK-NEXT:    %[[FIRST:.*]] = kernel.inside [%local] of [32]
// CHECK-NEXT:    scf.if %[[FIRST]] {
// CHECK:           kernel.reduce max (%part = 8)
// CHECK-NEXT:        kernel.read %[[MEMORY]][%local + %part * 32]
// CHECK:         kernel.barrier
// CHECK-NEXT:    kernel.inside [%local] of [4]
// CHECK:         kernel.barrier
// CHECK-NEXT:    kernel.inside [%local] of [1]
// CHECK-NEXT:    scf.if
// CHECK:           kernel.reduce max (%part_2 = 4) from %low : f32
// CHECK:           kernel.write %{{.*}}, %y[0]

// What works alone stays as it was.

// CHECK-LABEL: @largest_alone(
// CHECK-SAME:    variant "alone" {
// CHECK-NEXT:    kernel.compute () {
kernel.func @largest(%x: memref<4096xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %low = arith.constant -1.0e30 : f32
    %s = kernel.reduce max (%k = 4096) from %low : f32 {
      %v = kernel.read %x[%k] : memref<4096xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// Four columns stand side by side, and the steps that are left over are masked.

// CHECK-LABEL: @columns(
// CHECK:         memref.alloca() : memref<1024xf32, "workgroup">
// CHECK:         kernel.reduce add (%k = 2, %k_1 = 1)
// CHECK:           kernel.read %x[%k * 64 + %local floordiv 4 + %k_1] : memref<130xf32>
// CHECK:         kernel.inside [{{.*}}] of [130]
// CHECK-NEXT:    arith.constant 0.0
// CHECK-NEXT:    arith.select
// CHECK:         kernel.inside [%local] of [4]
// CHECK:           kernel.reduce add (%{{.*}} = 8) from %bias
// CHECK:           kernel.write %{{.*}}, %y[
kernel.func @columns(%x: memref<130xf32>, %w: memref<2080xf32>, %b: memref<16xf32>, %y: memref<16xf32>) {
  kernel.compute (%n = 16) {
    %bias = kernel.read %b[%n] : memref<16xf32>
    %s = kernel.reduce add (%k = 130) from %bias : f32 {
      %p = kernel.read %x[%k] : memref<130xf32>
      %q = kernel.read %w[%k * 16 + %n] : memref<2080xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%n] : memref<16xf32>
  }
}

// -----

// A sum that a row has in common is made by the whole workgroup, which then takes the row's points.

// CHECK-LABEL: @shares(
// CHECK-NEXT:    %group_x = kernel.id "group.x" of 1024
// CHECK-NEXT:    %local = kernel.id "local" of 64
// CHECK:         kernel.reduce add (%k = 1, %k_1 = 4)
// CHECK-NEXT:      kernel.read %x[%group_x * 256 + %k * 256 + %local * 4 + %k_1]
// CHECK:         kernel.write %{{.*}}, %y[%group_x * 256 + %local * 4 + %lane]
kernel.func @shares(%x: memref<262144xf32>, %y: memref<262144xf32>) {
  kernel.compute (%m = 1024, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 256) from %zero : f32 {
      %v = kernel.read %x[%m * 256 + %k] : memref<262144xf32>
      kernel.yield %v : f32
    }
    %v = kernel.read %x[%m * 256 + %n] : memref<262144xf32>
    %q = arith.divf %v, %s : f32
    kernel.write %q, %y[%m * 256 + %n] : memref<262144xf32>
  }
}

// -----

// Sums that are short, or of which there are enough, are left alone.

// CHECK-LABEL: @short(
// CHECK-NOT:     kernel.barrier
// CHECK-LABEL: @enough(
// CHECK-NOT:     kernel.barrier
kernel.func @short(%x: memref<32xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 32) from %zero : f32 {
      %v = kernel.read %x[%k] : memref<32xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}
kernel.func @enough(%x: memref<1048576xf32>, %y: memref<8192xf32>) {
  kernel.compute (%m = 8192) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 128) from %zero : f32 {
      %v = kernel.read %x[%m * 128 + %k] : memref<1048576xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[%m] : memref<8192xf32>
  }
}
