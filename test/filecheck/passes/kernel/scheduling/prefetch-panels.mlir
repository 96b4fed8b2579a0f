// RUN: webdnn-opt %s --pass-pipeline='kernel-prefetch-panels{bytes=4096}' --verify-each --split-input-file | filecheck %s

// Each of four uses of a panel brings in a quarter of the next one; the last panel brings in the first.

// CHECK-LABEL: @parts
// CHECK:         scf.for %[[P:.*]] = %zero to %four step %one {
// CHECK-NEXT:      %[[NEXT:.*]] = kernel.index [%[[P]] * 512 + (%[[P]] + 1) floordiv 4 * -2048 + 512]
// CHECK-NEXT:      scf.for %[[M:.*]] = %zero to %four step %one {
// CHECK:             %[[PART:.*]] = kernel.index [%[[NEXT]] + %[[M]] * 128]
// CHECK-NEXT:        scf.for %[[K:.*]] = %zero to %many step %one iter_args
// CHECK-NEXT:          kernel.prefetch %w[%[[PART]] + %[[K]] * 2] : memref<2048xf32>
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

// Left alone: a panel that is used once, a small buffer, and an index that leaves most of a panel out.

// CHECK-LABEL: @alone
// CHECK-NOT:     kernel.prefetch
kernel.func @alone(%w: memref<2048xf32>, %v: memref<512xf32>, %y: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %some = arith.constant 16 : index
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
