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

// The largest f32 is not rounded up to a number that is none.

// CHECK:      fn k_bounded(
// CHECK:        min({{.*}}, 3.4028234663852886e+38)
kernel.func @bounded(%x: memref<63xf32>) {
  kernel.compute (%i = 63, %one = 1) {
    %largest = arith.constant 3.4028234663852886e38 : f32
    %v = kernel.read %x[%i] : memref<63xf32>
    %m = arith.minimumf %v, %largest : f32
    kernel.write %m, %x[%i] : memref<63xf32>
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
