// RUN: webdnn-opt %s --pass-pipeline=kernel-lower-blocks --verify-each --split-input-file | filecheck %s

// A block of a product: in each trip k, then rows, then columns, so that one splat is alive at a time.

// CHECK-LABEL: @product
// CHECK:         %[[Z:.*]] = arith.constant dense<0.000000e+00> : vector<4xf32>
// CHECK:         %[[ACC0:.*]], %[[ACC1:.*]], %{{.*}}, %{{.*}} = scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[A0:.*]] = %[[Z]], %[[A1:.*]] = %[[Z]], %[[A2:.*]] = %[[Z]], %[[A3:.*]] = %[[Z]])
// CHECK-NEXT:      %[[P:.*]] = kernel.read %a[%[[K]]] : memref<32xf32>
// CHECK-NEXT:      %[[S:.*]] = vector.broadcast %[[P]] : f32 to vector<4xf32>
// CHECK-NEXT:      %[[Q:.*]] = kernel.read %w[%[[K]] * 8] : memref<128xf32>, vector<4xf32>
// CHECK-NEXT:      vector.fma %[[S]], %[[Q]], %[[A0]] : vector<4xf32>
// CHECK-NEXT:      %[[R:.*]] = kernel.read %w[%[[K]] * 8 + 4] : memref<128xf32>, vector<4xf32>
// CHECK-NEXT:      vector.fma %[[S]], %[[R]], %[[A1]] : vector<4xf32>
// CHECK-NEXT:      %[[P1:.*]] = kernel.read %a[%[[K]] + 16] : memref<32xf32>
// CHECK-NEXT:      %[[S1:.*]] = vector.broadcast %[[P1]] : f32 to vector<4xf32>
// CHECK-NEXT:      vector.fma %[[S1]], %[[Q]], %[[A2]] : vector<4xf32>
// CHECK-NEXT:      vector.fma %[[S1]], %[[R]], %[[A3]] : vector<4xf32>
// CHECK-NEXT:      scf.yield
// CHECK:         kernel.write %[[ACC0]], %y[0] : memref<16xf32>, vector<4xf32>
// CHECK-NEXT:    kernel.write %[[ACC1]], %y[4] : memref<16xf32>, vector<4xf32>
kernel.func @product(%a: memref<32xf32>, %w: memref<128xf32>, %y: memref<16xf32>) {
  kernel.compute (%m = 2, %n = 8) schedule #kernel.schedule<tile [2, 8], order [0, 1], vector 1 by 4> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 16) from %zero : f32 unroll #kernel.unroll<[1]> {
      %p = kernel.read %a[%m * 16 + %k] : memref<32xf32>
      %q = kernel.read %w[%k * 8 + %n] : memref<128xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 8 + %n] : memref<16xf32>
  }
}

// -----

// A reduction along its own lanes keeps a partial result in each; what fills no vector is added one by one.

// CHECK-LABEL: @across
// CHECK:         %[[V:.*]] = kernel.read %x[0] : memref<6xf32>, vector<4xf32>
// CHECK:         %[[T:.*]] = arith.addf %{{.*}}, %[[V]] : vector<4xf32>
// CHECK-COUNT-4: vector.extract %[[T]]
// CHECK:         %[[E:.*]] = kernel.read %x[4] : memref<6xf32>
// CHECK:         arith.addf %{{.*}}, %[[E]] : f32
// CHECK:         %[[F:.*]] = kernel.read %x[5] : memref<6xf32>
// CHECK:         %[[S:.*]] = arith.addf %{{.*}}, %[[F]] : f32
// CHECK:         kernel.write %[[S]], %y[0] : memref<1xf32>
kernel.func @across(%x: memref<6xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 6) from %zero : f32 unroll #kernel.unroll<[4], vector by 4> {
      %v = kernel.read %x[%k] : memref<6xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// A long sum of elements is added up in parts, so that what each addition rounds to the same side does not add up.

// CHECK-LABEL: @parts
// CHECK:         %[[SUM:.*]] = scf.for %[[O:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[A:.*]] = %[[Z:.*]]) -> (vector<4xf32>)
// CHECK:           %[[PART:.*]] = scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[B:.*]] = %[[Z]]) -> (vector<4xf32>)
// CHECK-NEXT:        kernel.read %x[%[[O]] * 80 + %[[I]] * 4] : memref<1600xf32>, vector<4xf32>
// CHECK:           arith.addf %[[A]], %[[PART]] : vector<4xf32>
// CHECK:         kernel.write %[[SUM]], %y[0] : memref<4xf32>, vector<4xf32>
kernel.func @parts(%x: memref<1600xf32>, %y: memref<4xf32>) {
  kernel.compute (%c = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 400) from %zero : f32 unroll #kernel.unroll<[1]> {
      %v = kernel.read %x[%k * 4 + %c] : memref<1600xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[%c] : memref<4xf32>
  }
}

// -----

// Lanes that do not lie side by side, or not as they are computed, are read and written one by one.

// CHECK-LABEL: @lanes
// CHECK:         kernel.read %x[0] : memref<8xi32>
// CHECK:         kernel.read %x[2] : memref<8xi32>
// CHECK:         kernel.read %x[4] : memref<8xi32>
// CHECK:         kernel.read %x[6] : memref<8xi32>
// CHECK:         kernel.lanes
// CHECK:         arith.addi %{{.*}} : vector<4xi32>
// CHECK:         vector.extract
// CHECK:         kernel.write %{{.*}}, %y[0] : memref<8xi32>
kernel.func @lanes(%x: memref<8xi32>, %y: memref<8xi32>) {
  kernel.compute (%i = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %v = kernel.read %x[%i * 2] : memref<8xi32>
    %w = arith.addi %v, %v : i32
    kernel.write %w, %y[%i * 2] : memref<8xi32>
  }
}

// -----

// What loops of the reduction do not move is made before them; an axis that is unrolled whole needs no loop.

// CHECK-LABEL: @outside_loops
// CHECK:         %[[R:.*]] = kernel.read %r[0] : memref<2xf32>
// CHECK:         %[[B:.*]] = vector.broadcast %[[R]] : f32 to vector<4xf32>
// CHECK:         scf.for
// CHECK-NOT:       kernel.read %r
// CHECK-NOT:       scf.for
// CHECK:         kernel.write
kernel.func @outside_loops(%x: memref<48xf32>, %r: memref<2xf32>, %y: memref<4xf32>) {
  kernel.compute (%n = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%j = 6, %k = 2) from %zero : f32 unroll #kernel.unroll<[1, 2]> {
      %v = kernel.read %x[%j * 8 + %k * 4 + %n] : memref<48xf32>
      %w = kernel.read %r[%k] : memref<2xf32>
      %u = arith.mulf %v, %w : f32
      kernel.yield %u : f32
    }
    kernel.write %s, %y[%n] : memref<4xf32>
  }
}

// -----

// A trip count that the factor does not divide leaves single steps after the loop.

// CHECK-LABEL: @tail
// CHECK:         %[[S:.*]] = scf.for
// CHECK-COUNT-2:   kernel.read %x
// CHECK:         %[[T:.*]] = kernel.read %x[6] : memref<7xf32>
// CHECK:         arith.maximumf %[[S]], %[[T]] : f32
kernel.func @tail(%x: memref<7xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce max (%k = 7) from %zero : f32 unroll #kernel.unroll<[2]> {
      %v = kernel.read %x[%k] : memref<7xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// Coefficients are known once a sum is unrolled: 0 drops its term and what it reads, 1 and -1 need no product.

// CHECK-LABEL: @coefficients
// CHECK:         %[[A:.*]] = kernel.read %x[0] : memref<4xf32>
// CHECK-NEXT:    %[[B:.*]] = kernel.read %x[2] : memref<4xf32>
// CHECK-NEXT:    %[[S:.*]] = arith.subf %[[A]], %[[B]] : f32
// CHECK-NEXT:    %[[C:.*]] = kernel.read %x[3] : memref<4xf32>
// CHECK-NEXT:    %[[T:.*]] = math.fma %{{.*}}, %[[C]], %[[S]] : f32
// CHECK-NEXT:    kernel.write %[[T]], %y[0]
kernel.func @coefficients(%x: memref<4xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 unroll #kernel.unroll<[4]> {
      %c = kernel.table dense<[1.0, 0.0, -1.0, 2.5]> : tensor<4xf32> [%k]
      %v = kernel.read %x[%k] : memref<4xf32>
      %p = arith.mulf %c, %v : f32
      kernel.yield %p : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// One that a loop moves is chosen by its place.

// CHECK-LABEL: @chosen
// CHECK:         scf.for
// CHECK:           kernel.inside
// CHECK:           arith.select
kernel.func @chosen(%x: memref<4xf32>, %y: memref<1xf32>) {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %c = kernel.table dense<[1.0, 0.0, -1.0, 2.5]> : tensor<4xf32> [%k]
      %v = kernel.read %x[%k] : memref<4xf32>
      %p = arith.mulf %c, %v : f32
      kernel.yield %p : f32
    }
    kernel.write %s, %y[0] : memref<1xf32>
  }
}

// -----

// The last lanes of a masked vector are computed, and not stored.

// CHECK-LABEL: @masked
// CHECK:         kernel.write %{{.*}}, %y[0] : memref<6xf32>, vector<4xf32>
// CHECK:         kernel.read %x[4] : memref<8xf32>, vector<4xf32>
// CHECK:         vector.extract
// CHECK:         kernel.write %{{.*}}, %y[4] : memref<6xf32>
// CHECK:         kernel.write %{{.*}}, %y[5] : memref<6xf32>
// CHECK-NOT:     kernel.write
kernel.func @masked(%x: memref<8xf32>, %y: memref<6xf32>) {
  kernel.compute (%i = 6) schedule #kernel.schedule<tile [6], order [0], vector 0 by 4 masked> {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %y[%i] : memref<6xf32>
  }
}

// -----

// Without a sum, a function is made at all points of a block before the next one.

// CHECK-LABEL: @functions
// CHECK:         math.exp
// CHECK:         math.exp
// CHECK-NOT:     math.exp
// CHECK:         math.tanh
// CHECK:         math.tanh
kernel.func @functions(%x: memref<8xf32>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4> {
    %v = kernel.read %x[%i] : memref<8xf32>
    %e = math.exp %v : f32
    %r = math.tanh %e : f32
    kernel.write %r, %y[%i] : memref<8xf32>
  }
}

// -----

// Vectors of small elements are widened as they are read; where indices decide a choice, only that value is made.

// CHECK-LABEL: @widened
// CHECK:         kernel.read %x[0] : memref<8xi8>, vector<4xi32>
// CHECK:         kernel.read %x[4] : memref<8xi8>, vector<4xi32>
// CHECK-NOT:     kernel.inside
// CHECK-NOT:     arith.divui
kernel.func @widened(%x: memref<8xi8>, %y: memref<8xi32>) {
  kernel.compute (%i = 8) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4> {
    %v = kernel.read %x[%i] : memref<8xi8>
    %two = arith.constant 2 : i32
    %half = arith.divui %v, %two : i32
    %p = kernel.inside [0] of [1]
    %s = arith.select %p, %v, %half : i32
    kernel.write %s, %y[%i] : memref<8xi32>
  }
}

// -----

// A fold is one loop for all points of the block; what they have in common it carries and computes once.

// CHECK-LABEL: @fold
// CHECK:         %{{.*}}, %{{.*}}, %[[A:.*]], %[[B:.*]] = scf.for %k = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}, %[[S1:.*]] = %{{.*}}, %[[U:.*]] = %{{.*}}) -> (f32, vector<4xf32>, vector<4xf32>, f32)
// CHECK-NEXT:      %[[X:.*]] = kernel.read %x[%k] : memref<16xf32>
// CHECK-NEXT:      %[[N:.*]] = arith.maximumf %[[M]], %[[X]] : f32
// CHECK-NEXT:      %[[V:.*]] = vector.broadcast %[[N]] : f32 to vector<4xf32>
// CHECK-NEXT:      %[[W:.*]] = kernel.read %w[%k * 8] : memref<128xf32>, vector<4xf32>
// CHECK-NEXT:      arith.mulf %[[V]], %[[W]] : vector<4xf32>
// CHECK:           kernel.read %w[%k * 8 + 4] : memref<128xf32>, vector<4xf32>
// CHECK-NOT:       kernel.read
kernel.func @fold(%x: memref<16xf32>, %w: memref<128xf32>, %y: memref<8xf32>) {
  kernel.compute (%n = 8) schedule #kernel.schedule<tile [8], order [0], vector 0 by 4> {
    %zero = arith.constant 0.0 : f32
    %top, %sum, %none = kernel.fold (%k = 16) carried (%m = %zero : f32, %s = %zero : f32, %u = %zero : f32) {
      %a = kernel.read %x[%k] : memref<16xf32>
      %b = arith.maximumf %m, %a : f32
      %c = kernel.read %w[%k * 8 + %n] : memref<128xf32>
      %d = arith.mulf %b, %c : f32
      %e = arith.addf %s, %d : f32
      kernel.yield %b, %e, %u : f32, f32, f32
    }
    kernel.write %sum, %y[%n] : memref<8xf32>
  }
}

// -----

// Lanes that stand at different places of a table get an element each.

// CHECK-LABEL: @lanes_of_a_table
// CHECK:         %[[C:.*]] = kernel.lanes
// CHECK-NEXT:    %[[V:.*]] = kernel.read %x[0] : memref<1xf32>
// CHECK-NEXT:    %[[W:.*]] = vector.broadcast %[[V]]
// CHECK-NEXT:    vector.fma %[[C]], %[[W]], %{{.*}} : vector<4xf32>
kernel.func @lanes_of_a_table(%x: memref<1xf32>, %y: memref<4xf32>) {
  kernel.compute (%n = 4) schedule #kernel.schedule<tile [4], order [0], vector 0 by 4> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 1) from %zero : f32 unroll #kernel.unroll<[1]> {
      %c = kernel.table dense<[1.0, 0.0, -1.0, 2.5]> : tensor<4xf32> [%n]
      %v = kernel.read %x[%k] : memref<1xf32>
      %p = arith.mulf %c, %v : f32
      kernel.yield %p : f32
    }
    kernel.write %s, %y[%n] : memref<4xf32>
  }
}
