// RUN: webdnn-opt %s --pass-pipeline='kernel-map-groups{subgroups=true}' --split-input-file | filecheck %s

// Behind the only barrier, invocations of a subgroup take turns at what all have left, and hand their sums on.

// CHECK-LABEL: @largest(
// CHECK-SAME:    variant "groups" others @largest_subgroups, @largest_alone {
// CHECK-NOT:     subgroup_reduce
// CHECK-LABEL: @largest_subgroups(
// CHECK-SAME:    variant "subgroups" {
// CHECK:         kernel.write %{{.*}}, %[[MEMORY:.*]][%local_1] : memref<256xf32, "workgroup">
// CHECK-NEXT:    }
// CHECK-NEXT:    kernel.barrier
// CHECK-NEXT:    %subgroup = kernel.id "subgroup" of 128
// CHECK:         %[[COUNT:.*]] = kernel.subgroup_reduce add %{{.*}} : index
// CHECK-NEXT:    %[[LAST:.*]] = kernel.subgroup_reduce max %subgroup : index
// CHECK:         %[[WIDTH:.*]] = arith.select %[[TOGETHER:.*]], %[[COUNT]], %{{.*}} : index
// CHECK:         %[[START:.*]] = arith.select %[[TOGETHER]], %subgroup, %{{.*}} : index
// CHECK-NEXT:    %[[OWN:.*]] = memref.alloca() : memref<1xf32, "function">
// CHECK:         %[[TRIPS:.*]] = arith.divsi %{{.*}}, %[[WIDTH]] : index
// CHECK-NEXT:    scf.for %[[TRIP:.*]] = %{{.*}} to %[[TRIPS]] step
// CHECK-NEXT:      %[[SKIPPED:.*]] = arith.muli %[[TRIP]], %[[WIDTH]] : index
// CHECK-NEXT:      %[[PLACE:.*]] = kernel.index [%[[START]] + %[[SKIPPED]]] of 256
// CHECK:             kernel.read %{{.*}}[%[[PLACE]] + %part_3] : memref<256xf32, "workgroup">
// CHECK:           kernel.write %{{.*}}, %[[OWN]][0]
// CHECK:         %[[MINE:.*]] = kernel.read %[[OWN]][0]
// CHECK-NEXT:    %[[ALL:.*]] = kernel.subgroup_reduce max %[[MINE]] : f32
// CHECK-NEXT:    arith.select %[[TOGETHER]], %[[ALL]], %[[MINE]] : f32
// CHECK-NOT:     kernel.barrier
// CHECK-LABEL: @largest_alone(
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

// Of four columns each has its own sum, which those have whose numbers differ by multiples of four.

// CHECK-LABEL: @columns_subgroups(
// CHECK:         kernel.barrier
// CHECK:         %[[OTHER:.*]] = kernel.index [%local_1 + %subgroup * -1 + (%local_1 + %subgroup * -1) floordiv 4 * -4]
// CHECK-NEXT:    %[[MOST:.*]] = kernel.subgroup_reduce max %[[OTHER]] : index
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-NEXT:    arith.cmpi eq, %[[MOST]], %[[ZERO]] : index
// CHECK:         scf.for
// CHECK:           kernel.read %{{.*}}[%{{.*}} * 4 + %{{.*}} * 4 + %lane{{.*}}] : memref<1024xf32, "workgroup">
// CHECK:         kernel.subgroup_shuffle xor 4 %
// CHECK:         kernel.subgroup_shuffle xor 8 %
// CHECK:         kernel.subgroup_shuffle xor 16 %
// CHECK:         kernel.subgroup_shuffle xor 32 %
// CHECK:         kernel.subgroup_shuffle xor 64 %
// CHECK-NOT:     kernel.subgroup
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

// Eight partial sums meet behind one barrier as they are.

// CHECK-LABEL: @eighths(
// CHECK-SAME:    others @eighths_alone {
kernel.func @eighths(%x: memref<64xf32>, %w: memref<65536xf32>, %y: memref<1024xf32>) {
  kernel.compute (%n = 1024) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %p = kernel.read %x[%k] : memref<64xf32>
      %q = kernel.read %w[%k * 1024 + %n] : memref<65536xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%n] : memref<1024xf32>
  }
}
