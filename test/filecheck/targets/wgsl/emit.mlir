// RUN: webdnn-opt %s --pass-pipeline='kernel-narrow-elements,kernel-map-points,kernel-lower-blocks,kernel-merge-lanes,kernel-lower-accesses{texels=true},wgsl-legalize' -t webdnn-wgsl | filecheck %s

// A matrix product: whole vectors everywhere, four steps in a trip, rows before the loop.

// CHECK:      @group(0) @binding(0) var<storage, read_write> b0: array<vec4f>;
// CHECK:      @group(0) @binding(2) var<storage, read_write> b2: array<vec4f>;
// CHECK:      @compute @workgroup_size(64) fn k_product(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
// CHECK-NEXT:   let v0 = i32(group.x) * 64 + i32(local);
// CHECK-NEXT:   if (v0 < 6) {
// CHECK-NEXT:     let v1 = v0 / 2;
// CHECK:          var [[SUM:v[0-9]+]] = vec4f(vec4f(0.0));
// CHECK-NEXT:     for (var [[I:i[0-9]+]] = 0i; [[I]] < 2; [[I]]++) {
// CHECK:            fma(vec4f([[A:v[0-9]+]].x), b1[[[B:v[0-9]+]]], [[SUM]])
// CHECK:            [[SUM]] = fma(vec4f([[A]].w), b1[[[B]] + 6],
// CHECK:          b2[v0] = [[SUM]];
kernel.func @product(%a: memref<24xf32>, %b: memref<64xf32>, %y: memref<24xf32>) {
  kernel.compute (%m = 3, %n = 8) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %p = kernel.read %a[%m * 8 + %k] : memref<24xf32>
      %q = kernel.read %b[%k * 8 + %n] : memref<64xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<24xf32>
  }
}

// A bool is a word, and what is unsigned is so for one operation.

// CHECK:      var<storage, read_write> b0: array<i32>;
// CHECK:      fn k_words(
// CHECK:        b1[[[T:v[0-9]+]]] = i32(u32(b1[[[T]]]) / u32(i32(b0[[[T]]] != 0)));
kernel.func @words(%m: memref<64xi1>, %x: memref<64xui32>) {
  kernel.compute (%i = 64, %one = 1) {
    %b = kernel.read %m[%i] : memref<64xi1>
    %v = kernel.read %x[%i] : memref<64xui32>
    %e = arith.extui %b : i1 to i32
    %q = arith.divui %v, %e : i32
    kernel.write %q, %x[%i] : memref<64xui32>
  }
}

// What a loop around calls counts is a number that each launch is given.

// CHECK:      @group(1) @binding(0) var<uniform> n0: i32;
// CHECK:      @group(0) @binding(0) var<storage, read_write> b0: array<vec4f>;
// CHECK:      fn k_step(
// CHECK:        n0
kernel.func @step(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t * 8 + %i] : memref<40xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}

// The shortest text of the greatest f32 lies above it, and is not a literal of that type.

// CHECK:      fn k_greatest(
// CHECK:        select(-3.4028234663852886e+38, 0.1, b0[{{v[0-9]+}}] != 0)
kernel.func @greatest(%m: memref<64xi1>, %y: memref<64xf32>) {
  kernel.compute (%i = 64, %one = 1) {
    %least = arith.constant -3.4028235e+38 : f32
    %tenth = arith.constant 0.1 : f32
    %b = kernel.read %m[%i] : memref<64xi1>
    %v = arith.select %b, %tenth, %least : f32
    kernel.write %v, %y[%i] : memref<64xf32>
  }
}

// Memory of a workgroup stands outside of the function, in vectors where it is used so, and the workgroup has its size.

// CHECK:      var<workgroup> w0: array<vec4f, 32>;
// CHECK-NEXT: @compute @workgroup_size(32) fn k_together(
// CHECK:        w0[[[LOCAL:v[0-9]+]]] = b0[[[LOCAL]]];
// CHECK-NEXT:   workgroupBarrier();
// CHECK:        b1[{{.*}}] = w0[{{.*}}];
kernel.func @together(%x: memref<128xf32>, %y: memref<128xf32>) {
  %g = kernel.id "group.x" of 1
  %l = kernel.id "local" of 32
  %m = memref.alloca() : memref<128xf32, "workgroup">
  kernel.compute (%lane = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %a = kernel.read %x[%l * 4 + %lane] : memref<128xf32>
    kernel.write %a, %m[%l * 4 + %lane] : memref<128xf32, "workgroup">
  }
  kernel.barrier
  kernel.compute (%lane = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %b = kernel.read %m[%l * -4 + 124 + %lane] : memref<128xf32, "workgroup">
    kernel.write %b, %y[%l * -4 + 124 + %lane] : memref<128xf32>
  }
}

// What needs subgroups says so first; loops may take as many trips as a subgroup has to.

// CHECK:      enable subgroups;
// CHECK-NEXT: @group(0) @binding(0) var<storage, read_write> b0: array<f32>;
// CHECK-NEXT: @compute @workgroup_size(64) fn k_subgroups(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) subgroup: u32) {
// CHECK:        let [[N:v[0-9]+]] = i32(subgroup);
// CHECK-NEXT:   let [[COUNT:v[0-9]+]] = subgroupAdd(i32(1));
// CHECK-NEXT:   for (var [[I:i[0-9]+]] = 0i; [[I]] < 64 / [[COUNT]]; [[I]]++) {
// CHECK-NEXT:     let [[P:v[0-9]+]] = [[N]] + [[I]] * [[COUNT]];
// CHECK-NEXT:     b0[[[P]]] = b0[[[P]]] + 1.0;
// CHECK-NEXT:   }
// CHECK-NEXT:   let [[V:v[0-9]+]] = b0[[[N]]];
// CHECK-NEXT:   b0[[[N]]] = subgroupMin(f32([[V]])) + subgroupShuffleXor([[V]], 4u);
kernel.func @subgroups(%x: memref<64xf32>) {
  %g = kernel.id "group.x" of 1
  %l = kernel.id "local" of 64
  %n = kernel.id "subgroup" of 128
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %all = arith.constant 64 : index
  %count = kernel.subgroup_reduce add %one : index
  %trips = arith.divsi %all, %count : index
  scf.for %i = %zero to %trips step %one {
    %skipped = arith.muli %i, %count : index
    %place = kernel.index [%n + %skipped] of 64
    kernel.compute () {
      %v = kernel.read %x[%place] : memref<64xf32>
      %more = arith.constant 1.0 : f32
      %sum = arith.addf %v, %more : f32
      kernel.write %sum, %x[%place] : memref<64xf32>
    }
  }
  kernel.compute () {
    %v = kernel.read %x[%n] : memref<64xf32>
    %least = kernel.subgroup_reduce min %v : f32
    %other = kernel.subgroup_shuffle xor 4 %v : f32
    %sum = arith.addf %least, %other : f32
    kernel.write %sum, %x[%n] : memref<64xf32>
  }
}
