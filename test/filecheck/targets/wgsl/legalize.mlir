// RUN: webdnn-opt %s --pass-pipeline=wgsl-legalize --split-input-file | filecheck %s

// Invocations are numbered by workgroups of 64, and the last workgroup has a guard where it is not full.

// CHECK-LABEL: @guarded(
// CHECK-NEXT:    %group_x = kernel.id "group.x" of 2
// CHECK-NEXT:    %local = kernel.id "local" of 64
// CHECK-NEXT:    %[[T:.*]] = kernel.index [%group_x * 64 + %local]
// CHECK-NEXT:    %[[N:.*]] = arith.constant 100 : index
// CHECK-NEXT:    %[[IN:.*]] = arith.cmpi slt, %[[T]], %[[N]] : index
// CHECK-NEXT:    scf.if %[[IN]] {
// CHECK-NEXT:      kernel.read %x[%[[T]]] : memref<100xf32>
kernel.func @guarded(%x: memref<100xf32>, %y: memref<100xf32>) {
  %t = kernel.id "global" of 100
  %v = kernel.read %x[%t] : memref<100xf32>
  kernel.write %v, %y[%t] : memref<100xf32>
}

// -----

// More workgroups than one dimension holds take two.

// CHECK-LABEL: @two_dimensions(
// CHECK-NEXT:    %group_x = kernel.id "group.x" of 32768
// CHECK-NEXT:    %group_y = kernel.id "group.y" of 3
// CHECK-NEXT:    %local = kernel.id "local" of 64
// CHECK-NEXT:    kernel.index [%group_y * 2097152 + %group_x * 64 + %local]
// CHECK:         scf.if
kernel.func @two_dimensions(%y: memref<5000000xf32>) {
  %t = kernel.id "global" of 5000000
  %zero = arith.constant 0.0 : f32
  kernel.write %zero, %y[%t] : memref<5000000xf32>
}

// -----

// A kernel that is called with a weight and without is two; a buffer that is passed twice is one argument.

// CHECK:       kernel.func @add(%x: memref<64xf32>, %w: memref<64xf32, "weights">, %y: memref<64xf32>)
// CHECK:       kernel.func @add_1(%{{.*}}: memref<64xf32>, %{{.*}}: memref<64xf32>)
// CHECK:       kernel.call @add(%a, %{{.*}}, %b)
// CHECK:       kernel.call @add_1(%b, %c) : memref<64xf32>, memref<64xf32>
kernel.func @add(%x: memref<64xf32>, %w: memref<64xf32>, %y: memref<64xf32>) {
  %t = kernel.id "global" of 64
  %p = kernel.read %x[%t] : memref<64xf32>
  %q = kernel.read %w[%t] : memref<64xf32>
  %s = arith.addf %p, %q : f32
  kernel.write %s, %y[%t] : memref<64xf32>
}
func.func @main(%a: memref<64xf32>) -> memref<64xf32> {
  %w = kernel.weight #dnn.weight<k1 : tensor<64xf32>> : memref<64xf32>
  %b = kernel.alloc at 0 : memref<64xf32>
  %c = kernel.alloc at 256 : memref<64xf32>
  kernel.call @add(%a, %w, %b) : memref<64xf32>, memref<64xf32>, memref<64xf32>
  kernel.call @add(%b, %b, %c) : memref<64xf32>, memref<64xf32>, memref<64xf32>
  func.return %c : memref<64xf32>
}

// -----

// Its variants are two as well, and each kernel names its own.

// CHECK:       kernel.func @zero(%{{.*}}: memref<64xf32>, %{{.*}}: memref<64xf32>) variant "groups" others @zero_alone {
// CHECK:       kernel.func @zero_1(%{{.*}}: memref<64xf32>) variant "groups" others @zero_alone_1 {
// CHECK:       kernel.func @zero_alone(%{{.*}}: memref<64xf32>, %{{.*}}: memref<64xf32>) variant "alone" {
// CHECK:       kernel.func @zero_alone_1(%{{.*}}: memref<64xf32>) variant "alone" {
kernel.func @zero(%x: memref<64xf32>, %y: memref<64xf32>) variant "groups" others @zero_alone {
  kernel.barrier
}
kernel.func @zero_alone(%x: memref<64xf32>, %y: memref<64xf32>) variant "alone" {
}
func.func @main() -> memref<64xf32> {
  %a = kernel.alloc at 0 : memref<64xf32>
  %b = kernel.alloc at 256 : memref<64xf32>
  kernel.call @zero(%a, %b) : memref<64xf32>, memref<64xf32>
  kernel.call @zero(%b, %b) : memref<64xf32>, memref<64xf32>
  func.return %b : memref<64xf32>
}

// -----

// Infinity comes from its bits, which a variable hides from the compiler; a test for NaN looks at the bits.

// CHECK-LABEL: @special(
// CHECK:         %[[BITS:.*]] = arith.constant 2139095040 : i32
// CHECK:         memref.store %[[BITS]], %[[VARIABLE:.*]][
// CHECK-NEXT:    %[[SEEN:.*]] = memref.load %[[VARIABLE]]
// CHECK-NEXT:    arith.bitcast %[[SEEN]] : i32 to f32
// CHECK-NOT:     arith.cmpf
kernel.func @special(%x: memref<64xf32>, %y: memref<64xf32>) {
  %t = kernel.id "global" of 64
  %inf = arith.constant 0x7F800000 : f32
  %v = kernel.read %x[%t] : memref<64xf32>
  %n = arith.cmpf uno, %v, %v : f32
  %r = arith.select %n, %inf, %v : f32
  kernel.write %r, %y[%t] : memref<64xf32>
}

// -----

// A full last workgroup needs no guard.

// CHECK-LABEL: @full(
// CHECK-NOT:     scf.if
kernel.func @full(%y: memref<128xf32>) {
  %t = kernel.id "global" of 128
  %zero = arith.constant 0.0 : f32
  kernel.write %zero, %y[%t] : memref<128xf32>
}
