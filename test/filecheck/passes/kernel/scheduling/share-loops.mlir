// RUN: webdnn-opt %s --pass-pipeline='kernel-share-loops{chunks=4 nanoseconds=10}' --verify-each --split-input-file | filecheck %s

// A chunk takes its part of the outermost loop's trips; the loops inside stay as they are.

// CHECK-LABEL: @outermost
// CHECK-NEXT:    %[[CHUNK:.*]] = kernel.id "chunk" of 4
// CHECK-NEXT:    %[[LOW:.*]] = kernel.index [%[[CHUNK]] * 7 floordiv 4]
// CHECK-NEXT:    %[[HIGH:.*]] = kernel.index [(%[[CHUNK]] * 7 + 3) floordiv 4 + 1]
// CHECK:         scf.for %[[I:.*]] = %[[LOW]] to %[[HIGH]] step
// CHECK:           scf.for %{{.*}} = %zero to %nine step
kernel.func @outermost(%x: memref<252xf32>, %y: memref<252xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %seven = arith.constant 7 : index
  %nine = arith.constant 9 : index
  scf.for %i = %zero to %seven step %one {
    scf.for %j = %zero to %nine step %one {
      kernel.compute (%k = 4) {
        %v = kernel.read %x[%i * 36 + %j * 4 + %k] : memref<252xf32>
        kernel.write %v, %y[%i * 36 + %j * 4 + %k] : memref<252xf32>
      }
    }
  }
}

// -----

// Where that has too few trips, the next loop is shared; what stands beside it belongs to the last chunk.

// CHECK-LABEL: @inner
// CHECK:         %[[CHUNK:.*]] = kernel.id "chunk" of 4
// CHECK:         %[[LOW:.*]] = kernel.index [%[[CHUNK]] * 2]
// CHECK:         %[[HIGH:.*]] = kernel.index [%[[CHUNK]] * 2 + 2]
// CHECK:         %[[NONE:.*]] = kernel.index [0]
// CHECK:         %[[LAST:.*]] = kernel.index [(%[[CHUNK]] + 1) floordiv 4]
// CHECK:         scf.for %{{.*}} = %zero to %two step %one {
// CHECK-NEXT:      scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step %one {
// CHECK:           %[[P:.*]] = arith.cmpi slt, %[[NONE]], %[[LAST]] : index
// CHECK-NEXT:      scf.if %[[P]] {
// CHECK-NEXT:        kernel.compute
kernel.func @inner(%x: memref<72xf32>, %y: memref<72xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %eight = arith.constant 8 : index
  scf.for %i = %zero to %two step %one {
    scf.for %j = %zero to %eight step %one {
      kernel.compute (%k = 4) {
        %v = kernel.read %x[%i * 36 + %j * 4 + %k] : memref<72xf32>
        kernel.write %v, %y[%i * 36 + %j * 4 + %k] : memref<72xf32>
      }
    }
    kernel.compute (%k = 4) {
      %v = kernel.read %x[%i * 36 + %k + 32] : memref<72xf32>
      kernel.write %v, %y[%i * 36 + %k + 32] : memref<72xf32>
    }
  }
}

// -----

// Where no loop has a trip for every chunk, some have none. Pieces of a compute that works in place may be shared.

// CHECK-LABEL: @few
// CHECK:         %[[LOW:.*]] = kernel.index [%chunk * 3 floordiv 4]
// CHECK:         %[[HIGH:.*]] = kernel.index [(%chunk * 3 + 3) floordiv 4]
// CHECK:         %[[P:.*]] = arith.cmpi slt, %[[LOW]], %[[HIGH]] : index
// CHECK-NEXT:    scf.if %[[P]] {
// CHECK-NEXT:      scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step
// CHECK:         scf.if
// CHECK-NEXT:      kernel.compute (%{{.*}} = 2)
kernel.func @few(%x: memref<98xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  scf.for %i = %zero to %three step %one {
    kernel.compute (%k = 32) {
      %v = kernel.read %x[%i * 32 + %k] : memref<98xf32>
      %w = arith.negf %v : f32
      kernel.write %w, %x[%i * 32 + %k] : memref<98xf32>
    }
  }
  kernel.compute (%k = 2) {
    %v = kernel.read %x[%k + 96] : memref<98xf32>
    %w = arith.negf %v : f32
    kernel.write %w, %x[%k + 96] : memref<98xf32>
  }
}

// -----

// A loop whose steps depend on one another inside is shared itself, whatever is inside.

// CHECK-LABEL: @steps
// CHECK:         %[[LOW:.*]] = kernel.index [%chunk]
// CHECK:         scf.for %{{.*}} = %[[LOW]] to
// CHECK:             scf.for %{{.*}} = %zero to %eight step
// CHECK:             scf.for %{{.*}} = %zero to %eight step
kernel.func @steps(%x: memref<64xf32>, %t: memref<64xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %eight = arith.constant 8 : index
  scf.for %i = %zero to %two step %one {
    scf.for %j = %zero to %eight step %one {
      kernel.compute (%k = 4) {
        %v = kernel.read %x[%i * 32 + %j * 4 + %k] : memref<64xf32>
        kernel.write %v, %t[%i * 32 + %j * 4 + %k] : memref<64xf32>
      }
    }
    scf.for %j = %zero to %eight step %one {
      kernel.compute (%k = 4) {
        %v = kernel.read %t[%i * 32 + %j * -4 + %k + 28] : memref<64xf32>
        kernel.write %v, %y[%i * 32 + %j * 4 + %k] : memref<64xf32>
      }
    }
  }
}

// -----

// A short kernel, one without loops, and one whose loops depend on one another stay whole.

// CHECK-NOT:     kernel.id
kernel.func @short(%x: memref<16xf32>, %y: memref<16xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  scf.for %i = %zero to %four step %one {
    kernel.compute (%k = 4) {
      %v = kernel.read %x[%i * 4 + %k] : memref<16xf32>
      kernel.write %v, %y[%i * 4 + %k] : memref<16xf32>
    }
  }
}

kernel.func @loopless(%x: memref<512xf32>, %y: memref<512xf32>) {
  kernel.compute (%k = 512) {
    %v = kernel.read %x[%k] : memref<512xf32>
    kernel.write %v, %y[%k] : memref<512xf32>
  }
}

kernel.func @dependent(%x: memref<64xf32>, %t: memref<64xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  scf.for %i = %zero to %four step %one {
    kernel.compute (%k = 16) {
      %v = kernel.read %x[%i * 16 + %k] : memref<64xf32>
      kernel.write %v, %t[%i * 16 + %k] : memref<64xf32>
    }
  }
  scf.for %i = %zero to %four step %one {
    kernel.compute (%k = 16) {
      %v = kernel.read %t[%i * 16 + %k] : memref<64xf32>
      kernel.write %v, %y[%i * 16 + %k] : memref<64xf32>
    }
  }
}
