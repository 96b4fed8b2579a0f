// RUN: webdnn-opt %s --pass-pipeline=kernel-narrow-elements --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-narrow-elements{storage=float} --split-input-file | filecheck %s --check-prefix=FLOAT
// RUN: webdnn-opt %s --pass-pipeline='kernel-narrow-elements{storage=float arithmetic=float}' --split-input-file | filecheck %s --check-prefix=OLD

// An i64 that is proven to stay in range is a word, or a float; the sum counts only where it is used.

// CHECK-LABEL: @wrapped(
// CHECK-SAME:    %x: memref<8xi32>, %y: memref<8xi32>
// CHECK:         %v = kernel.read %x[%i] : memref<8xi32>
// CHECK:         arith.addi %v, %n : i32
// CHECK:         kernel.write %{{.*}}, %y[%i] : memref<8xi32>
// FLOAT-LABEL: @wrapped(
// FLOAT-SAME:    %x: memref<8xf32>, %y: memref<8xf32>
// FLOAT:         %[[F:.*]] = kernel.read %x[%i] : memref<8xf32>
// FLOAT:         arith.fptosi %[[F]] : f32 to i32
// FLOAT:         arith.sitofp
kernel.func @wrapped(%x: memref<8xi64>, %y: memref<8xi64>) {
  kernel.compute (%i = 8) {
    %zero = arith.constant 0 : i64
    %n = arith.constant 8 : i64
    %v = kernel.read %x[%i] : memref<8xi64>
    %negative = arith.cmpi slt, %v, %zero : i64
    %up = arith.addi %v, %n : i64
    %w = arith.select %negative, %up, %v : i64
    kernel.write %w, %y[%i] : memref<8xi64>
  }
}

// -----

// A bool is a word of 0 or 1; a byte that may have left its range is brought back.

// CHECK-LABEL: @bytes(
// CHECK-SAME:    %m: memref<8xui32>, %x: memref<8xi32>
// CHECK:         %[[M:.*]] = kernel.read %m[%i] : memref<8xui32>
// CHECK:         arith.cmpi ne, %[[M]]
// CHECK:         %[[UP:.*]] = arith.shli %s, %[[C:.*]] : i32
// CHECK-NEXT:    %[[DOWN:.*]] = arith.shrsi %[[UP]], %[[C]] : i32
// CHECK-NEXT:    kernel.write %[[DOWN]], %x[%i] : memref<8xi32>
// FLOAT-LABEL: @bytes(
// FLOAT:         arith.floordivsi
kernel.func @bytes(%m: memref<8xi1>, %x: memref<8xi8>) {
  kernel.compute (%i = 8) {
    %b = kernel.read %m[%i] : memref<8xi1>
    %v = kernel.read %x[%i] : memref<8xi8>
    %e = arith.extui %b : i1 to i32
    %s = arith.addi %v, %e : i32
    kernel.write %s, %x[%i] : memref<8xi8>
  }
}

// -----

// Floats stay.

// CHECK-LABEL: @floats(
// CHECK-SAME:    %x: memref<8xf32>
// FLOAT-LABEL: @floats(
// FLOAT-SAME:    %x: memref<8xf32>
kernel.func @floats(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    kernel.write %v, %x[%i] : memref<8xf32>
  }
}

// -----

// A sum that is an output, which no kernel reads, is written whether it fits or not: the runner refuses what does not.
// Where integers are computed as floats too, it is a sum of floats.

// CHECK-LABEL: @sum(
// FLOAT-LABEL: @sum(
// FLOAT:         %[[S:.*]] = arith.addi
// FLOAT:         arith.sitofp %[[S]] : i32 to f32
// OLD-LABEL:   @sum(
// OLD:           %[[F:.*]] = arith.addf
// OLD:           kernel.write %[[F]], %y[%i] : memref<4xf32>
kernel.func @sum(%x: memref<4xi32>, %y: memref<4xi32>) {
  kernel.compute (%i = 4) {
    %v = kernel.read %x[%i] : memref<4xi32>
    %s = arith.addi %v, %v : i32
    kernel.write %s, %y[%i] : memref<4xi32>
  }
}
func.func @main(%x: memref<4xi32>) -> memref<4xi32> {
  %y = kernel.alloc : memref<4xi32>
  kernel.call @sum(%x, %y) : memref<4xi32>, memref<4xi32>
  func.return %y : memref<4xi32>
}

// -----

// A comparison with a number beyond all that there are is decided; others without signs see negative numbers as large.

// CHECK-LABEL: @compare(
// FLOAT-LABEL: @compare(
// FLOAT:         arith.constant true
// FLOAT:         arith.cmpi slt, %v{{.*}}, %{{.*}} : i32
// FLOAT:         arith.cmpi slt, %w{{.*}}, %{{.*}} : i32
// FLOAT:         arith.xori
kernel.func @compare(%x: memref<4xi32>, %t: memref<4xi32>, %y: memref<4xi1>, %z: memref<4xi1>, %l: memref<4xi64>) {
  kernel.compute (%i = 4) {
    %huge = arith.constant 1099511627776 : i64
    %u = kernel.read %l[%i] : memref<4xi64>
    %a = arith.cmpi slt, %u, %huge : i64
    kernel.write %a, %y[%i] : memref<4xi1>
    %v = kernel.read %x[%i] : memref<4xi32>
    %w = kernel.read %t[%i] : memref<4xi32>
    %b = arith.cmpi ult, %v, %w : i32
    kernel.write %b, %z[%i] : memref<4xi1>
  }
}

// -----

// Whether a product is zero is asked of its factors where it may be larger than a word; 64 bits hold it.

// CHECK-LABEL: @factors(
// CHECK-NOT:     arith.muli
// CHECK:         %[[A:.*]] = arith.cmpi ne, %a, %zero : i32
// CHECK:         %[[B:.*]] = arith.cmpi ne, %b, %zero : i32
// CHECK:         arith.andi %[[A]], %[[B]] : i1
// CHECK:         %[[C:.*]] = arith.cmpi eq, %a, %zero : i32
// CHECK:         %[[D:.*]] = arith.cmpi eq, %b, %zero : i32
// CHECK:         arith.ori %[[C]], %[[D]] : i1
// OLD-LABEL: @factors(
// OLD-NOT:     arith.muli
kernel.func @factors(%x: memref<8xi64>, %m: memref<8xi1>, %n: memref<8xi1>) {
  kernel.compute (%i = 8) {
    %zero = arith.constant 0 : i64
    %a = kernel.read %x[%i] : memref<8xi64>
    %b = kernel.read %x[-%i + 7] : memref<8xi64>
    %product = arith.muli %a, %b : i64
    %some = arith.cmpi ne, %product, %zero : i64
    %none = arith.cmpi eq, %product, %zero : i64
    kernel.write %some, %m[%i] : memref<8xi1>
    kernel.write %none, %n[%i] : memref<8xi1>
  }
}

// -----

// A product that a word holds stays.

// CHECK-LABEL: @bits(
// CHECK:         arith.muli
// OLD-LABEL: @bits(
// OLD:         arith.muli
kernel.func @bits(%x: memref<8xi64>, %m: memref<8xi1>) {
  kernel.compute (%i = 8) {
    %zero = arith.constant 0 : i64
    %low = arith.constant 15 : i64
    %a = kernel.read %x[%i] : memref<8xi64>
    %b = arith.andi %a, %low : i64
    %product = arith.muli %b, %b : i64
    %some = arith.cmpi ne, %product, %zero : i64
    kernel.write %some, %m[%i] : memref<8xi1>
  }
}

// -----

// The fourth power of a mask is proven for small elements, which the runner checks; the ids beside it may be any.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %mask: memref<8xi32> {dnn.name = "mask", kernel.magnitude = 127 : i64}
// CHECK-SAME:    %ids: memref<8xi32> {dnn.name = "ids"}
// FLOAT-LABEL: func.func @main(
// FLOAT-SAME:    %mask: memref<8xf32> {dnn.name = "mask", kernel.magnitude = 127 : i64}
// FLOAT-SAME:    %ids: memref<8xf32> {dnn.name = "ids"}
// OLD-LABEL: func.func @main(
// OLD-SAME:    %mask: memref<8xf32> {dnn.name = "mask", kernel.magnitude = 63 : i64}
// OLD-SAME:    %ids: memref<8xf32> {dnn.name = "ids"}
func.func @main(%mask: memref<8xi64> {dnn.name = "mask"}, %ids: memref<8xi64> {dnn.name = "ids"}) -> memref<8xf32> {
  %y = kernel.alloc : memref<8xf32>
  kernel.call @powers(%mask, %ids, %y) : memref<8xi64>, memref<8xi64>, memref<8xf32>
  func.return %y : memref<8xf32>
}
kernel.func @powers(%mask: memref<8xi64>, %ids: memref<8xi64>, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %m = kernel.read %mask[%i] : memref<8xi64>
    %id = kernel.read %ids[%i] : memref<8xi64>
    %square = arith.muli %m, %m : i64
    %fourth = arith.muli %square, %square : i64
    %f = arith.sitofp %fourth : i64 to f32
    %g = arith.sitofp %id : i64 to f32
    %sum = arith.addf %f, %g : f32
    kernel.write %sum, %y[%i] : memref<8xf32>
  }
}

// -----

// Sizes of a dimension are known to be what they can be.

// CHECK-LABEL: func.func @sizes(
// CHECK-NOT:     kernel.magnitude
// CHECK:         func.return
func.func @sizes(%n: memref<1xi64> {dnn.sizes = ["N", 1, 100]}) -> memref<1xi64> {
  %y = kernel.alloc : memref<1xi64>
  kernel.call @power(%n, %y) : memref<1xi64>, memref<1xi64>
  func.return %y : memref<1xi64>
}
kernel.func @power(%n: memref<1xi64>, %y: memref<1xi64>) {
  kernel.compute () {
    %v = kernel.read %n[0] : memref<1xi64>
    %square = arith.muli %v, %v : i64
    %cube = arith.muli %square, %v : i64
    kernel.write %cube, %y[0] : memref<1xi64>
  }
}
