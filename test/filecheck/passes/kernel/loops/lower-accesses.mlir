// RUN: webdnn-opt %s --pass-pipeline=kernel-lower-accesses{texels=true} --split-input-file | filecheck %s

// What a loop does not move is added before it; whole groups of four make an array of vectors.

// CHECK-LABEL: @loop(
// CHECK-SAME:    %x: memref<16xvector<4xf32>>, %y: memref<2xvector<4xf32>>
// CHECK:         %[[ROW:.*]] = kernel.index [%m * 8]
// CHECK:         scf.for %k =
// CHECK-NEXT:      %[[AT:.*]] = kernel.index [%k + %[[ROW]]]
// CHECK-NEXT:      memref.load %x[%[[AT]]] : memref<16xvector<4xf32>>
// CHECK:         memref.store %{{.*}}, %y[%m] : memref<2xvector<4xf32>>
kernel.func @loop(%x: memref<64xf32>, %y: memref<8xf32>) {
  %m = kernel.id "global" of 2
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %eight = arith.constant 8 : index
  %start = arith.constant dense<0.0> : vector<4xf32>
  %s = scf.for %k = %zero to %eight step %one iter_args(%a = %start) -> (vector<4xf32>) {
    %v = kernel.read %x[%m * 32 + %k * 4] : memref<64xf32>, vector<4xf32>
    %b = arith.addf %a, %v : vector<4xf32>
    scf.yield %b : vector<4xf32>
  }
  kernel.write %s, %y[%m * 4] : memref<8xf32>, vector<4xf32>
}

// -----

// A numerator that may be negative is shifted by whole divisors; a test keeps what ranges leave open.

// CHECK-LABEL: @division(
// CHECK:         %[[LEFT:.*]] = kernel.index [%t + -3]
// CHECK:         arith.cmpi sge, %[[LEFT]]
// CHECK-NOT:     arith.cmpi slt
// CHECK:         %[[UP:.*]] = kernel.index [%t + 1]
// CHECK-NEXT:    %[[Q:.*]] = kernel.index [%[[UP]] floordiv 4]
// CHECK-NEXT:    %[[BACK:.*]] = kernel.index [%[[Q]] + -1]
// CHECK:         kernel.read %x[%[[BACK]]] : memref<8xf32>
kernel.func @division(%x: memref<8xf32>, %y: memref<8xf32>) {
  %t = kernel.id "global" of 8
  %zero = arith.constant 0.0 : f32
  %in = kernel.inside [%t + -3] of [8]
  %v = kernel.read %x[(%t + -3) floordiv 4] : memref<8xf32>
  %s = arith.select %in, %v, %zero : f32
  kernel.write %s, %y[%t] : memref<8xf32>
}

// -----

// An index whose range is declared keeps it.

// CHECK-LABEL: @step(
// CHECK:         %t = kernel.index [%n] of 5
// CHECK-NEXT:    %[[ROW:.*]] = kernel.index [%t * 2]
// CHECK-NEXT:    %[[AT:.*]] = kernel.index [%[[ROW]] + 1]
// CHECK-NEXT:    memref.load %x[%[[AT]]]
kernel.func @step(%x: memref<40xf32>, %y: memref<4xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  %v = kernel.read %x[%t * 8 + 4] : memref<40xf32>, vector<4xf32>
  kernel.write %v, %y[0] : memref<4xf32>, vector<4xf32>
}
