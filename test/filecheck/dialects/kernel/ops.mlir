// RUN: webdnn-opt %s --verify-each --split-input-file | webdnn-opt --verify-each --split-input-file | filecheck %s

// A convolution: a reduction inside a parallel space, padding as the value outside the bounds.

// CHECK-LABEL: @conv
// CHECK: kernel.compute (%y = 4, %x = 4, %c = 2) -> tensor<4x4x2xf32> {
// CHECK: kernel.reduce add (%ky = 3, %kx = 3) from %{{.*}} : f32 {
// CHECK: kernel.read %{{.*}}[%y + %ky + -1, %x + %kx + -1] outside %{{.*}} : tensor<4x4xf32>
// CHECK: kernel.yield %{{.*}} : f32
func.func @conv(%i: tensor<4x4xf32>, %w: tensor<3x3x2xf32>) -> tensor<4x4x2xf32> {
  %0 = kernel.compute (%y = 4, %x = 4, %c = 2) -> tensor<4x4x2xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%ky = 3, %kx = 3) from %zero : f32 {
      %p = kernel.read %i[%y + %ky + -1, %x + %kx + -1] outside %zero : tensor<4x4xf32>
      %q = kernel.read %w[%ky, %kx, %c] : tensor<3x3x2xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<4x4x2xf32>
}

// -----

// Several results, a schedule, and an unrolled reduction.

// CHECK-LABEL: @two
// CHECK: kernel.compute (%m = 6, %n = 8) -> tensor<6x8xf32>, tensor<6x8xi32> schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
// CHECK: kernel.reduce max (%k = 4) from %{{.*}} : f32 unroll #kernel.unroll<[2]> {
// CHECK: kernel.yield %{{.*}}, %{{.*}} : f32, i32
func.func @two(%a: tensor<6x4xf32>) -> tensor<6x8xf32> {
  %0, %1 = kernel.compute (%m = 6, %n = 8) -> tensor<6x8xf32>, tensor<6x8xi32> schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
    %low = arith.constant -1.0 : f32
    %max = kernel.reduce max (%k = 4) from %low : f32 unroll #kernel.unroll<[2]> {
      %v = kernel.read %a[%m, %k] : tensor<6x4xf32>
      kernel.yield %v : f32
    }
    %i = kernel.index [%m * 8 + %n]
    %j = arith.index_cast %i : index to i32
    kernel.yield %max, %j : f32, i32
  }
  func.return %0 : tensor<6x8xf32>
}

// -----

// Points inside a larger result, a test of bounds, and divisions in indices.

// CHECK-LABEL: @inset
// CHECK: kernel.compute (%i = 8) -> tensor<10xf32> inset [1] {
// CHECK: kernel.inside [%i + -2] of [4]
// CHECK: kernel.read %{{.*}}[%i floordiv 4, %i mod 4] outside %{{.*}} : tensor<2x4xf32>
func.func @inset(%a: tensor<2x4xf32>) -> tensor<10xf32> {
  %0 = kernel.compute (%i = 8) -> tensor<10xf32> inset [1] {
    %zero = arith.constant 0.0 : f32
    %p = kernel.inside [%i + -2] of [4]
    %v = kernel.read %a[%i floordiv 4, %i mod 4] outside %zero : tensor<2x4xf32>
    %r = arith.select %p, %v, %zero : f32
    kernel.yield %r : f32
  }
  func.return %0 : tensor<10xf32>
}

// -----

// Views and places between kernels.

// CHECK-LABEL: @places
// CHECK: kernel.concat 1 %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<2x5xf32> -> tensor<2x8xf32>
// CHECK: kernel.reshape %{{.*}} : tensor<2x8xf32> -> tensor<16xf32>
func.func @places(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) -> tensor<16xf32> {
  %0 = kernel.concat 1 %a, %b : tensor<2x3xf32>, tensor<2x5xf32> -> tensor<2x8xf32>
  %1 = kernel.reshape %0 : tensor<2x8xf32> -> tensor<16xf32>
  func.return %1 : tensor<16xf32>
}

// -----

// A kernel on buffers, which writes what it computes, and a call of it on weights and a place in the arena.

// CHECK-LABEL: kernel.func @relu(%x: memref<8xf32>, %y: memref<8xf32>) {
// CHECK: kernel.id "global" of 2
// CHECK: kernel.compute (%i = 4) {
// CHECK: kernel.write %{{.*}}, %y[%{{.*}}] : memref<8xf32>
// CHECK-LABEL: @main
// CHECK: kernel.weight #dnn.weight<w1 : tensor<8xf32>> : memref<8xf32>
// CHECK: kernel.weight at 64 #dnn.weight<w1 : tensor<8xf32>> : memref<8xf32>
// CHECK: kernel.alloc at 64 : memref<8xf32>
// CHECK: kernel.call @relu(%{{.*}}, %{{.*}}) : memref<8xf32>, memref<8xf32>
kernel.func @relu(%x: memref<8xf32>, %y: memref<8xf32>) {
  %t = kernel.id "global" of 2
  kernel.compute (%i = 4) {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %x[%t * 4 + %i] : memref<8xf32>
    %r = arith.maximumf %v, %zero : f32
    kernel.write %r, %y[%t * 4 + %i] : memref<8xf32>
  }
}
func.func @main() {
  %w = kernel.weight #dnn.weight<w1 : tensor<8xf32>> : memref<8xf32>
  %passing = kernel.weight at 64 #dnn.weight<w1 : tensor<8xf32>> : memref<8xf32>
  %o = kernel.alloc at 64 : memref<8xf32>
  kernel.call @relu(%w, %o) : memref<8xf32>, memref<8xf32>
  func.return
}

// -----

// What `arith` has of scalars alone, lane by lane.

// CHECK-LABEL: @lanewise
// CHECK: kernel.cmpf %{{.*}}, %{{.*}} {{[{].*}}predicate = 4 : i64{{.*[}]}} : (vector<4xf32>, vector<4xf32>) -> vector<4xi1>
// CHECK: kernel.select %{{.*}}, %{{.*}}, %{{.*}} : (vector<4xi1>, vector<4xf32>, vector<4xf32>) -> vector<4xf32>
// CHECK: kernel.fptosi %{{.*}} : (vector<4xf32>) -> vector<4xi32>
func.func @lanewise(%a: vector<4xf32>, %b: vector<4xf32>) -> vector<4xi32> {
  %less = kernel.cmpf %a, %b {predicate = 4 : i64, fastmath = #arith.fastmath<none>} : (vector<4xf32>, vector<4xf32>) -> vector<4xi1>
  %low = kernel.select %less, %a, %b : (vector<4xi1>, vector<4xf32>, vector<4xf32>) -> vector<4xf32>
  %whole = kernel.fptosi %low : (vector<4xf32>) -> vector<4xi32>
  func.return %whole : vector<4xi32>
}

// -----

// Coefficients of an algorithm, computed once with what is constant.

// CHECK-LABEL: @coefficients
// CHECK: kernel.compute once (%i = 4) -> tensor<4xf32> {
// CHECK: kernel.table dense<[1.000000e+00, -1.000000e+00]> : tensor<2xf32> [%i mod 2]
func.func @coefficients() -> tensor<4xf32> {
  %0 = kernel.compute once (%i = 4) -> tensor<4xf32> {
    %c = kernel.table dense<[1.0, -1.0]> : tensor<2xf32> [%i mod 2]
    kernel.yield %c : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: kernel.func @fill
// CHECK: kernel.call once @fill(%{{.*}}) : memref<4xf32>
kernel.func @fill(%y: memref<4xf32>) {
  kernel.compute (%i = 4) {
    %one = arith.constant 1.0 : f32
    kernel.write %one, %y[%i] : memref<4xf32>
  }
}
func.func @main() {
  %o = kernel.alloc : memref<4xf32>
  kernel.call once @fill(%o) : memref<4xf32>
  func.return
}

// -----

// Steps that carry a value and stack others, from the last to the first.

// CHECK-LABEL: @steps
// CHECK: %last, %y = kernel.scan (%t = 100) reverse carried (%h = %zero : tensor<8xf32>) stacked tensor<100x8xf32> {
// CHECK:   kernel.read %x[%t, %i] : tensor<100x8xf32>
// CHECK:   kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
// CHECK: kernel.scan (%t_1 = 2) {
// CHECK-NEXT: kernel.yield
func.func @steps(%x: tensor<100x8xf32>, %zero: tensor<8xf32>) -> tensor<100x8xf32> {
  %last, %y = kernel.scan (%t = 100) reverse carried (%h = %zero : tensor<8xf32>) stacked tensor<100x8xf32> {
    %next = kernel.compute (%i = 8) -> tensor<8xf32> {
      %a = kernel.read %x[%t, %i] : tensor<100x8xf32>
      %b = kernel.read %h[%i] : tensor<8xf32>
      %c = arith.addf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
  }
  kernel.scan (%t = 2) {
    kernel.yield
  }
  func.return %y : tensor<100x8xf32>
}

// -----

// A kernel that is called inside a loop takes what the loop counts, of which it knows the range.

// CHECK-LABEL: kernel.func @step
// CHECK-SAME:    (%x: memref<100x8xf32>, %y: memref<8xf32>, %n: index) {
// CHECK: kernel.index [%n] of 100
// CHECK-LABEL: @loop
// CHECK: %t_1 = kernel.index [%trip * -2 + 99] of 100
// CHECK: kernel.call @step(%a, %b) at %t_1 : memref<100x8xf32>, memref<8xf32>
kernel.func @step(%x: memref<100x8xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 100
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t, %i] : memref<100x8xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}
func.func @loop(%a: memref<100x8xf32>, %b: memref<8xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 50 : index
  %one = arith.constant 1 : index
  scf.for %trip = %low to %high step %one {
    %t = kernel.index [%trip * -2 + 99] of 100
    kernel.call @step(%a, %b) at %t : memref<100x8xf32>, memref<8xf32>
  }
  func.return
}

// -----

// A schedule that merges rows, copies blocks, and masks lanes; its axes are those that the merged ones give.

// CHECK-LABEL: @merged
// CHECK: schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], expand [1], vector 2 by 4 masked, merge 0 into 1 by 2> {
func.func @merged(%a: tensor<4x9x10xf32>) -> tensor<4x9x10xf32> {
  %0 = kernel.compute (%y = 4, %x = 9, %c = 10) -> tensor<4x9x10xf32> schedule #kernel.schedule<tile [1, 6, 8], order [0, 1, 2], expand [1], vector 2 by 4 masked, merge 0 into 1 by 2> {
    %v = kernel.read %a[%y, %x, %c] : tensor<4x9x10xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4x9x10xf32>
}

// -----

// What will be read soon.

// CHECK-LABEL: @soon
// CHECK: kernel.prefetch %x[%i * 16 + 8] : memref<64xf32>
kernel.func @soon(%x: memref<64xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 3 : index
  %one = arith.constant 1 : index
  scf.for %i = %low to %high step %one {
    kernel.prefetch %x[%i * 16 + 8] : memref<64xf32>
  }
}

// -----

// Steps that hand a maximum and a sum on to one another.

// CHECK-LABEL: @fold
// CHECK: %top, %sum = kernel.fold (%k = 4) carried (%m = %low : f32, %s = %zero : f32) {
// CHECK: kernel.yield %n, %t : f32, f32
func.func @fold(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  %r = kernel.compute (%i = 2) -> tensor<2xf32> {
    %low = arith.constant -3.0e+38 : f32
    %zero = arith.constant 0.0 : f32
    %top, %sum = kernel.fold (%k = 4) carried (%m = %low : f32, %s = %zero : f32) {
      %v = kernel.read %x[%i, %k] : tensor<2x4xf32>
      %n = arith.maximumf %m, %v : f32
      %t = arith.addf %s, %v : f32
      kernel.yield %n, %t : f32, f32
    }
    %y = arith.divf %sum, %top : f32
    kernel.yield %y : f32
  }
  func.return %r : tensor<2xf32>
}

// -----

// CHECK-LABEL: @pairs
// CHECK:         kernel.spread_bytes %{{.*}} : (i32) -> i32
// CHECK:         kernel.dot_pairs %{{.*}}, %{{.*}} : (i32, i32) -> i32
kernel.func @pairs(%x: memref<4xi32>) {
  %a = kernel.read %x[0] : memref<4xi32>
  %s = kernel.spread_bytes %a : (i32) -> i32
  %d = kernel.dot_pairs %a, %s : (i32, i32) -> i32
  kernel.write %d, %x[0] : memref<4xi32>
}

// -----

// What a workgroup shares, and where its invocations wait; kernels that do the same in other ways.

// CHECK-LABEL: @together(
// CHECK-SAME:    variant "groups" others @wider, @by_itself {
// CHECK:         memref.alloca() : memref<64xf32, "workgroup">
// CHECK:         kernel.barrier
// CHECK-LABEL: @wider(
// CHECK-SAME:    variant "tiles32" {
// CHECK-LABEL: @by_itself(
// CHECK-NOT:     others
kernel.func @together(%x: memref<64xf32>) variant "groups" others @wider, @by_itself {
  %m = memref.alloca() : memref<64xf32, "workgroup">
  kernel.barrier
}
kernel.func @wider(%x: memref<64xf32>) variant "tiles32" {
}
kernel.func @by_itself(%x: memref<64xf32>) variant "alone" {
}

// -----

// What invocations of a subgroup hand to one another.

// CHECK-LABEL: @subgroups(
// CHECK:         %[[N:.*]] = kernel.id "subgroup" of 128
// CHECK-NEXT:    kernel.subgroup_reduce max %[[N]] : index
// CHECK:         kernel.subgroup_shuffle xor 4 %{{.*}} : f32
// CHECK-NEXT:    kernel.subgroup_reduce add %{{.*}} : vector<4xf32>
kernel.func @subgroups(%x: memref<64xf32>) {
  %n = kernel.id "subgroup" of 128
  %last = kernel.subgroup_reduce max %n : index
  %a = kernel.read %x[0] : memref<64xf32>
  %b = kernel.read %x[0] : memref<64xf32>, vector<4xf32>
  %c = kernel.subgroup_shuffle xor 4 %a : f32
  %d = kernel.subgroup_reduce add %b : vector<4xf32>
}

// -----

// CHECK-LABEL: @layers(
// CHECK-SAME:    memref<80xf32, #kernel.layers<24>>
kernel.func @layers(%x: memref<80xf32, #kernel.layers<24>>) {
  %a = kernel.read %x[79] : memref<80xf32, #kernel.layers<24>>
  kernel.write %a, %x[0] : memref<80xf32, #kernel.layers<24>>
}
