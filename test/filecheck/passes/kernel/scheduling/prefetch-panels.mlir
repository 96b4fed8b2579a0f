// RUN: webdnn-opt %s --pass-pipeline='kernel-prefetch-panels{bytes=4096}' --verify-each --split-input-file | filecheck %s

// Each of four uses of a panel brings in a quarter of the next one; the last panel brings in the first.

// CHECK-LABEL: @parts
// CHECK:         scf.for %[[P:.*]] = %zero to %four step %one {
// CHECK-NEXT:      %[[NEXT:.*]] = kernel.index [%[[P]] * 512 + (%[[P]] + 1) floordiv 4 * -2048 + 512]
// CHECK-NEXT:      scf.for %[[M:.*]] = %zero to %four step %one {
// CHECK:             %[[PART:.*]] = kernel.index [%[[NEXT]] + %[[M]] * 128]
// CHECK-NEXT:        scf.for %[[K:.*]] = %zero to %many step %one iter_args
// CHECK-NEXT:          %[[DUE:.*]] = kernel.inside [%[[K]] mod 32] of [1]
// CHECK-NEXT:          scf.if %[[DUE]] {
// CHECK-NEXT:            kernel.prefetch %w[%[[PART]] + %[[K]] * 2] : memref<2048xf32>
// CHECK-NEXT:            kernel.prefetch %w[%[[PART]] + %[[K]] * 2 + 16] : memref<2048xf32>
// CHECK-COUNT-2:         kernel.prefetch
// CHECK-NEXT:          }
// CHECK-NEXT:          kernel.read %w[%[[P]] * 512 + %[[K]] * 8]
kernel.func @parts(%w: memref<2048xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    scf.for %m = %zero to %four step %one {
      %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
        %v = kernel.read %w[%p * 512 + %k * 8] : memref<2048xf32>, vector<4xf32>
        %t = arith.addf %a, %v : vector<4xf32>
        scf.yield %t : vector<4xf32>
      }
      kernel.write %s, %y[%p * 16 + %m * 4] : memref<64xf32>, vector<4xf32>
    }
  }
}

// -----

// Blocks side by side share the work as well.

// CHECK-LABEL: @beside
// CHECK:         %[[NEXT:.*]] = kernel.index [%[[P:.*]] * 512 + (%[[P]] + 1) floordiv 4 * -2048 + 512]
// CHECK:         kernel.inside [%{{.*}} mod 16] of [1]
// CHECK:         kernel.prefetch %w[%[[NEXT]] + %{{.*}} * 4] : memref<2048xf32>
// CHECK:         kernel.prefetch %w[%[[NEXT]] + %{{.*}} * 4 + 256] : memref<2048xf32>
kernel.func @beside(%w: memref<2048xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    %r = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %w[%p * 512 + %k * 8] : memref<2048xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %r, %y[%p * 8] : memref<64xf32>, vector<4xf32>
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %w[%p * 512 + %k * 8] : memref<2048xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 8 + 4] : memref<64xf32>, vector<4xf32>
  }
}

// -----

// A panel that is used once: every 32 trips ask for the 1024 bytes that the next 32 trips read, unless the buffer ends.

// CHECK-LABEL: @bursts
// CHECK:         scf.for %[[K:.*]] = %zero to %many step %one iter_args
// CHECK-NEXT:      %[[DUE:.*]] = kernel.inside [%[[K]] mod 32] of [1]
// CHECK-NEXT:      scf.if %[[DUE]] {
// CHECK-NEXT:        %[[WITHIN:.*]] = kernel.inside [%[[P:.*]] * 512 + %[[K]] * 8 + 256] of [1793]
// CHECK-NEXT:        scf.if %[[WITHIN]] {
// CHECK-NEXT:          kernel.prefetch %w[%[[P]] * 512 + %[[K]] * 8 + 256]
// CHECK-NEXT:          kernel.prefetch %w[%[[P]] * 512 + %[[K]] * 8 + 272]
// CHECK-COUNT-13:      kernel.prefetch
// CHECK-NEXT:          kernel.prefetch %w[%[[P]] * 512 + %[[K]] * 8 + 496]
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:      kernel.read %w[%[[P]] * 512 + %[[K]] * 8]
kernel.func @bursts(%w: memref<2048xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %b = kernel.read %w[%p * 512 + %k * 8] : memref<2048xf32>, vector<4xf32>
      %t = arith.addf %a, %b : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 16] : memref<64xf32>, vector<4xf32>
  }
}

// -----

// Weights of a byte, in a sum of two loops whose inner one reads a line: the outer one asks for 16 at once.

// CHECK-LABEL: @bytes
// CHECK:         scf.for %[[K:.*]] = %zero to %many step %one iter_args
// CHECK-NEXT:      %[[DUE:.*]] = kernel.inside [%[[K]] mod 16] of [1]
// CHECK-NEXT:      scf.if %[[DUE]] {
// CHECK-NEXT:        %[[WITHIN:.*]] = kernel.inside [%[[P:.*]] * 4096 + %[[K]] * 64 + 1024] of [15361]
// CHECK-NEXT:        scf.if %[[WITHIN]] {
// CHECK-NEXT:          kernel.prefetch %w[%[[P]] * 4096 + %[[K]] * 64 + 1024]
// CHECK-COUNT-14:      kernel.prefetch
// CHECK-NEXT:          kernel.prefetch %w[%[[P]] * 4096 + %[[K]] * 64 + 1984]
// CHECK:           scf.for %{{.*}} = %zero to %some step %one iter_args
// CHECK-NOT:         kernel.prefetch
kernel.func @bytes(%w: memref<16384xi8>, %y: memref<64xi32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %some = arith.constant 8 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0> : vector<4xi32>
  scf.for %p = %zero to %four step %one {
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xi32>) {
      %r = scf.for %l = %zero to %some step %one iter_args(%c = %a) -> (vector<4xi32>) {
        %b = kernel.read %w[%p * 4096 + %k * 64 + %l * 8] : memref<16384xi8>, vector<4xi32>
        %t = arith.addi %c, %b : vector<4xi32>
        scf.yield %t : vector<4xi32>
      }
      scf.yield %r : vector<4xi32>
    }
    kernel.write %s, %y[%p * 16] : memref<64xi32>, vector<4xi32>
  }
}

// -----

// Left alone: a small buffer, a short sum over a panel that is used once, and an index that leaves most of a panel out.

// CHECK-LABEL: @alone
// CHECK-NOT:     kernel.prefetch
kernel.func @alone(%w: memref<2048xf32>, %v: memref<512xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %some = arith.constant 16 : index
  %most = arith.constant 16 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %most step %one {
    %s = scf.for %k = %zero to %some step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %b = kernel.read %w[%p * 128 + %k * 8] : memref<2048xf32>, vector<4xf32>
      %t = arith.addf %a, %b : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 4] : memref<64xf32>, vector<4xf32>
  }
  scf.for %p = %zero to %four step %one {
    scf.for %m = %zero to %four step %one {
      %s = scf.for %k = %zero to %some step %one iter_args(%a = %none) -> (vector<4xf32>) {
        %b = kernel.read %v[%p * 128 + %k * 8] : memref<512xf32>, vector<4xf32>
        %c = kernel.read %w[%p * 512 + %k * 8] : memref<2048xf32>, vector<4xf32>
        %d = arith.addf %b, %c : vector<4xf32>
        %t = arith.addf %a, %d : vector<4xf32>
        scf.yield %t : vector<4xf32>
      }
      kernel.write %s, %y[%p * 16 + %m * 4] : memref<64xf32>, vector<4xf32>
    }
  }
}

// -----

// So is a panel whose place a value of the same trip decides.

// CHECK-LABEL: @decided
// CHECK-NOT:     kernel.prefetch
kernel.func @decided(%w: memref<4096xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    %t = kernel.index [%p floordiv 2] of 4
    scf.for %m = %zero to %four step %one {
      %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
        %v = kernel.read %w[%p * 512 + %t * 512 + %k * 8] : memref<4096xf32>, vector<4xf32>
        %n = arith.addf %a, %v : vector<4xf32>
        scf.yield %n : vector<4xf32>
      }
      kernel.write %s, %y[%p * 16 + %m * 4] : memref<64xf32>, vector<4xf32>
    }
  }
}
