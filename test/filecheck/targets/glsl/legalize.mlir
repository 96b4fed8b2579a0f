// RUN: webdnn-opt %s --pass-pipeline=glsl-legalize --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=glsl-legalize{version=100} --split-input-file | filecheck %s --check-prefix=OLD

// What vectors have no operator for goes lane by lane.

// CHECK-LABEL: @lanes(
// CHECK:         %[[L0:.*]] = arith.maxsi %i, %j : i32
// CHECK-NEXT:    %[[L1:.*]] = arith.maxsi %j, %j : i32
// CHECK-NEXT:    %[[L2:.*]] = arith.maxsi %i, %j : i32
// CHECK-NEXT:    %[[L3:.*]] = arith.maxsi %j, %j : i32
// CHECK-NEXT:    %s = kernel.lanes %[[L0]], %[[L1]], %[[L2]], %[[L3]] : vector<4xi32>
// OLD-LABEL: @lanes(
// OLD:         arith.cmpi slt
// OLD-NEXT:    arith.select
kernel.func @lanes(%x: memref<4xvector<4xf32>>, %y: memref<4xvector<4xf32>>) {
  %t = kernel.id "global" of 4
  %v = memref.load %x[%t] : memref<4xvector<4xf32>>
  %a = vector.extract %v[0] : f32 from vector<4xf32>
  %b = vector.extract %v[1] : f32 from vector<4xf32>
  %i = arith.fptosi %a : f32 to i32
  %j = arith.fptosi %b : f32 to i32
  %p = kernel.lanes %i, %j, %i, %j : vector<4xi32>
  %q = vector.broadcast %j : i32 to vector<4xi32>
  %s = arith.maxsi %p, %q : vector<4xi32>
  %w = arith.sitofp %i : i32 to f32
  %l = vector.extract %s[2] : i32 from vector<4xi32>
  %f = arith.sitofp %l : i32 to f32
  %r = kernel.lanes %w, %f, %w, %f : vector<4xf32>
  memref.store %r, %y[%t] : memref<4xvector<4xf32>>
}

// -----

// ES 1.00 has neither shifts nor the bits of a float.

// CHECK-LABEL: @shift(
// CHECK:         arith.bitcast
// CHECK:         arith.shli
// OLD-LABEL: @shift(
// OLD-NOT:     arith.bitcast
// OLD:         arith.divf
// OLD-NOT:     arith.shli
// OLD:         arith.muli
kernel.func @shift(%x: memref<4xvector<4xf32>>, %y: memref<4xvector<4xf32>>) {
  %t = kernel.id "global" of 4
  %three = arith.constant 3 : i32
  %inf = arith.constant 0x7F800000 : f32
  %v = memref.load %x[%t] : memref<4xvector<4xf32>>
  %e = vector.extract %v[0] : f32 from vector<4xf32>
  %i = arith.fptosi %e : f32 to i32
  %s = arith.shli %i, %three : i32
  %f = arith.sitofp %s : i32 to f32
  %w = kernel.lanes %f, %e, %inf, %e : vector<4xf32>
  memref.store %w, %y[%t] : memref<4xvector<4xf32>>
}

// -----

// What a choice of integers adds is chosen alone; where it chooses between two numbers, it stays.

// CHECK-LABEL: @from_the_end(
// CHECK:         %[[PART:.*]] = arith.select %{{.*}}, %n, %{{.*}} : i32
// CHECK-NEXT:    %[[WRAPPED:.*]] = arith.addi %i, %[[PART]] : i32
// CHECK-NEXT:    arith.maxsi %[[WRAPPED]], %zero : i32
// CHECK:         arith.select %{{.*}}, %b, %i : i32
kernel.func @from_the_end(%x: memref<4xvector<4xf32>>, %y: memref<4xvector<4xf32>>) {
  %t = kernel.id "global" of 4
  %zero = arith.constant 0 : i32
  %n = arith.constant 5 : i32
  %v = memref.load %x[%t] : memref<4xvector<4xf32>>
  %e = vector.extract %v[0] : f32 from vector<4xf32>
  %g = vector.extract %v[1] : f32 from vector<4xf32>
  %i = arith.fptosi %e : f32 to i32
  %j = arith.fptosi %g : f32 to i32
  %c = arith.cmpi slt, %i, %zero : i32
  %a = arith.addi %i, %n : i32
  %s = arith.select %c, %a, %i : i32
  %m = arith.maxsi %s, %zero : i32
  %b = arith.addi %j, %n : i32
  %u = arith.select %c, %b, %i : i32
  %f = arith.sitofp %m : i32 to f32
  %h = arith.sitofp %u : i32 to f32
  %w = kernel.lanes %f, %h, %f, %h : vector<4xf32>
  memref.store %w, %y[%t] : memref<4xvector<4xf32>>
}
