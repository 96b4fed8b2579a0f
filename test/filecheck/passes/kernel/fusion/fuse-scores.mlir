// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-scores{launch=1000000} --split-input-file --verify-each | filecheck %s

// Four scores a step; what was summed so far is scaled when one of them is the greatest.

// CHECK-LABEL: @attention
// CHECK-NEXT:    kernel.compute (%m = 8, %n = 4)
// CHECK:           %[[LEAST:.*]] = arith.constant -3.40282347e+38 : f32
// CHECK:           %{{.*}}, %[[TOTAL:.*]], %[[WEIGHED:.*]] = kernel.fold (%k = 4) carried (%top = %[[LEAST]] : f32, %total = %{{.*}} : f32, %weighed = %{{.*}} : f32) {
// CHECK:             %[[S:.*]] = kernel.reduce add (%d = 8) from %{{.*}} : f32 unroll #kernel.unroll<[8]> {
// CHECK-NEXT:          kernel.read %q[%m, %d] : tensor<8x8xf32>
// CHECK-NEXT:          kernel.read %keys[%k * 4, %d] : tensor<16x8xf32>
// CHECK-COUNT-3:     kernel.reduce add
// CHECK:             arith.maximumf %top, %[[S]] : f32
// CHECK:             %[[SCALE:.*]] = math.exp
// CHECK:             arith.mulf %total, %[[SCALE]] : f32
// CHECK:             arith.mulf %weighed, %[[SCALE]] : f32
// CHECK-COUNT-4:     math.exp
// CHECK:           arith.divf %[[WEIGHED]], %[[TOTAL]] : f32
func.func @attention(%q: tensor<8x8xf32>, %keys: tensor<16x8xf32>, %values: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %s = kernel.compute (%m = 8, %k = 16) -> tensor<8x16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 8) from %zero : f32 {
      %a = kernel.read %q[%m, %d] : tensor<8x8xf32>
      %b = kernel.read %keys[%k, %d] : tensor<16x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xff800000 : f32
    %top = kernel.reduce max (%k = 16) from %low : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      kernel.yield %a : f32
    }
    %total = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      kernel.yield %c : f32
    }
    %weighed = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      %d = kernel.read %values[%k, %n] : tensor<16x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    %y = arith.divf %weighed, %total : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<8x4xf32>
}

// -----

// One row has too few invocations to compute all scores again.

// CHECK-LABEL: @one_row
// CHECK:         kernel.compute (%m = 1, %k = 4096)
// CHECK-NOT:     kernel.fold
func.func @one_row(%q: tensor<1x64xf32>, %keys: tensor<4096x64xf32>, %values: tensor<4096x64xf32>) -> tensor<1x64xf32> {
  %s = kernel.compute (%m = 1, %k = 4096) -> tensor<1x4096xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 64) from %zero : f32 {
      %a = kernel.read %q[%m, %d] : tensor<1x64xf32>
      %b = kernel.read %keys[%k, %d] : tensor<4096x64xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %0 = kernel.compute (%m = 1, %n = 64) -> tensor<1x64xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xff800000 : f32
    %top = kernel.reduce max (%k = 4096) from %low : f32 {
      %a = kernel.read %s[%m, %k] : tensor<1x4096xf32>
      kernel.yield %a : f32
    }
    %total = kernel.reduce add (%k = 4096) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<1x4096xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      kernel.yield %c : f32
    }
    %weighed = kernel.reduce add (%k = 4096) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<1x4096xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      %d = kernel.read %values[%k, %n] : tensor<4096x64xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    %y = arith.divf %weighed, %total : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<1x64xf32>
}

// -----

// The caller takes the scores too.

// CHECK-LABEL: @scores_are_read
// CHECK-NOT:     kernel.fold
func.func @scores_are_read(%q: tensor<8x8xf32>, %keys: tensor<16x8xf32>, %values: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8x16xf32>) {
  %s = kernel.compute (%m = 8, %k = 16) -> tensor<8x16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 8) from %zero : f32 {
      %a = kernel.read %q[%m, %d] : tensor<8x8xf32>
      %b = kernel.read %keys[%k, %d] : tensor<16x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xff800000 : f32
    %top = kernel.reduce max (%k = 16) from %low : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      kernel.yield %a : f32
    }
    %total = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      kernel.yield %c : f32
    }
    %weighed = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      %d = kernel.read %values[%k, %n] : tensor<16x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    %y = arith.divf %weighed, %total : f32
    kernel.yield %y : f32
  }
  func.return %0, %s : tensor<8x4xf32>, tensor<8x16xf32>
}

// -----

// The sum is a result itself: of a row of -inf it has to be NaN.

// CHECK-LABEL: @sum_is_read
// CHECK-NOT:     kernel.fold
func.func @sum_is_read(%q: tensor<8x8xf32>, %keys: tensor<16x8xf32>, %values: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %s = kernel.compute (%m = 8, %k = 16) -> tensor<8x16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 8) from %zero : f32 {
      %a = kernel.read %q[%m, %d] : tensor<8x8xf32>
      %b = kernel.read %keys[%k, %d] : tensor<16x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %0:2 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32>, tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xff800000 : f32
    %top = kernel.reduce max (%k = 16) from %low : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      kernel.yield %a : f32
    }
    %total = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      kernel.yield %c : f32
    }
    %weighed = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      %d = kernel.read %values[%k, %n] : tensor<16x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    %y = arith.divf %weighed, %total : f32
    kernel.yield %y, %total : f32, f32
  }
  func.return %0#0, %0#1 : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// Values that a kernel computes for attention alone stay a kernel: only scores are computed in the steps.

// CHECK-LABEL: @values_are_computed
// CHECK-NEXT:    %values = kernel.compute (%k = 16, %n = 4)
// CHECK:         kernel.compute (%m = 8, %n_1 = 4)
// CHECK:           kernel.fold
// CHECK:             kernel.read %values[%k_1 * 4, %n_1] : tensor<16x4xf32>
func.func @values_are_computed(%q: tensor<8x8xf32>, %keys: tensor<16x8xf32>, %w: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %values = kernel.compute (%k = 16, %n = 4) -> tensor<16x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 8) from %zero : f32 {
      %a = kernel.read %keys[%k, %d] : tensor<16x8xf32>
      %b = kernel.read %w[%d, %n] : tensor<8x4xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %s = kernel.compute (%m = 8, %k = 16) -> tensor<8x16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%d = 8) from %zero : f32 {
      %a = kernel.read %q[%m, %d] : tensor<8x8xf32>
      %b = kernel.read %keys[%k, %d] : tensor<16x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xff800000 : f32
    %top = kernel.reduce max (%k = 16) from %low : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      kernel.yield %a : f32
    }
    %total = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      kernel.yield %c : f32
    }
    %weighed = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%m, %k] : tensor<8x16xf32>
      %b = arith.subf %a, %top : f32
      %c = math.exp %b : f32
      %d = kernel.read %values[%k, %n] : tensor<16x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    %y = arith.divf %weighed, %total : f32
    kernel.yield %y : f32
  }
  func.return %0 : tensor<8x4xf32>
}
