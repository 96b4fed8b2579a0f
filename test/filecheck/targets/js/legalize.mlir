// RUN: webdnn-opt %s --pass-pipeline=js-legalize --split-input-file | filecheck %s

// Floats are doubles between loads and stores; what rounds to whole numbers sees the float.

// CHECK-LABEL: @quantize(
// CHECK:         %v = kernel.read %x[0] : memref<8xf32>
// CHECK-NEXT:    %[[V:.*]] = arith.extf %v : f32 to f64
// CHECK-NEXT:    %[[D:.*]] = arith.divf %[[V]], %{{.*}} : f64
// CHECK-NEXT:    %[[F:.*]] = arith.truncf %[[D]] : f64 to f32
// CHECK-NEXT:    %[[E:.*]] = arith.extf %[[F]] : f32 to f64
// CHECK-NEXT:    math.roundeven %[[E]] : f64
kernel.func @quantize(%x: memref<8xf32>) {
  %scale = arith.constant 0.1 : f32
  %v = kernel.read %x[0] : memref<8xf32>
  %d = arith.divf %v, %scale : f32
  %r = math.roundeven %d : f32
  kernel.write %r, %x[0] : memref<8xf32>
}

// -----

// What was loaded is a float already, and integers stay.

// CHECK-LABEL: @compare(
// CHECK-NOT:     arith.truncf
// CHECK:         arith.cmpf olt, %{{.*}}, %{{.*}} : f64
// CHECK:         arith.addi %{{.*}}, %{{.*}} : i32
kernel.func @compare(%x: memref<8xf32>, %y: memref<8xi32>) {
  %one = arith.constant 1 : i32
  %a = kernel.read %x[0] : memref<8xf32>
  %b = kernel.read %x[1] : memref<8xf32>
  %l = arith.cmpf olt, %a, %b : f32
  %e = arith.extui %l : i1 to i32
  %s = arith.addi %e, %one : i32
  kernel.write %s, %y[0] : memref<8xi32>
}

// -----

// What becomes a double is one from there on: the float is rounded before, and the store takes the double.

// CHECK-LABEL: @widen(
// CHECK:         %[[F:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK-NEXT:    %[[D:.*]] = arith.extf %[[F]] : f32 to f64
// CHECK-NEXT:    kernel.write %[[D]], %y[0] : memref<8xf64>
kernel.func @widen(%x: memref<8xf32>, %y: memref<8xf64>) {
  %v = kernel.read %x[0] : memref<8xf32>
  %s = arith.addf %v, %v : f32
  %d = arith.extf %s : f32 to f64
  kernel.write %d, %y[0] : memref<8xf64>
}
