// RUN: webdnn-opt %s --pass-pipeline=kernel-merge-lanes --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-merge-lanes{every=true} --split-input-file | filecheck %s --check-prefix=EVERY

// Two lanes of one group are one load.

// CHECK-LABEL: @lanes(
// CHECK:         %[[FOUR:.*]] = kernel.read %x[%t * 4] : memref<64xf32>, vector<4xf32>
// CHECK-NEXT:    %[[A:.*]] = vector.extract %[[FOUR]][0] : f32 from vector<4xf32>
// CHECK-NEXT:    %[[B:.*]] = vector.extract %[[FOUR]][1] : f32 from vector<4xf32>
// CHECK-NEXT:    arith.addf %[[A]], %[[B]] : f32
kernel.func @lanes(%x: memref<64xf32>, %y: memref<16xf32>) {
  %t = kernel.id "global" of 16
  %a = kernel.read %x[%t * 4] : memref<64xf32>
  %b = kernel.read %x[%t * 4 + 1] : memref<64xf32>
  %s = arith.addf %a, %b : f32
  kernel.write %s, %y[%t] : memref<16xf32>
}

// -----

// A buffer with another access keeps its scalars, unless it is a texture: there a lane may be known at run time only.

// CHECK-LABEL: @unknown(
// CHECK:         kernel.read %x[%t] : memref<64xf32>
// EVERY-LABEL: @unknown(
// EVERY:         %[[FOUR:.*]] = kernel.read %x[%t floordiv 4 * 4] : memref<64xf32>, vector<4xf32>
// EVERY-NEXT:    %[[LANE:.*]] = kernel.index [%t mod 4]
// EVERY-NEXT:    vector.extract %[[FOUR]][%[[LANE]]] : f32 from vector<4xf32>
kernel.func @unknown(%x: memref<64xf32>, %y: memref<64xf32>) {
  %t = kernel.id "global" of 64
  %a = kernel.read %x[%t] : memref<64xf32>
  kernel.write %a, %y[%t] : memref<64xf32>
}

// -----

// A group that is written in between is read again.

// CHECK-LABEL: @written(
// CHECK:         kernel.read %x[0] : memref<8xf32>, vector<4xf32>
// CHECK:         kernel.write
// CHECK:         kernel.read %x[0] : memref<8xf32>, vector<4xf32>
kernel.func @written(%x: memref<8xf32>) {
  %a = kernel.read %x[0] : memref<8xf32>, vector<4xf32>
  %b = arith.addf %a, %a : vector<4xf32>
  kernel.write %b, %x[0] : memref<8xf32>, vector<4xf32>
  %c = kernel.read %x[0] : memref<8xf32>, vector<4xf32>
  kernel.write %c, %x[4] : memref<8xf32>, vector<4xf32>
}

// -----

// Memory of a workgroup is read again behind a barrier, since others have written it.

// CHECK-LABEL: @behind(
// CHECK:         kernel.read %m[%l * 4] : memref<256xf32, "workgroup">, vector<4xf32>
// CHECK:         kernel.barrier
// CHECK:         kernel.read %m[%l * 4] : memref<256xf32, "workgroup">, vector<4xf32>
kernel.func @behind(%y: memref<256xf32>) {
  %l = kernel.id "local" of 64
  %m = memref.alloca() : memref<256xf32, "workgroup">
  %a = kernel.read %m[%l * 4] : memref<256xf32, "workgroup">, vector<4xf32>
  kernel.write %a, %m[%l * 4] : memref<256xf32, "workgroup">, vector<4xf32>
  kernel.barrier
  %b = kernel.read %m[%l * 4] : memref<256xf32, "workgroup">, vector<4xf32>
  %c = arith.addf %a, %b : vector<4xf32>
  kernel.write %c, %y[%l * 4] : memref<256xf32>, vector<4xf32>
}
