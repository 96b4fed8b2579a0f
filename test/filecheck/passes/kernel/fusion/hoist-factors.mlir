// RUN: webdnn-opt %s --pass-pipeline=kernel-hoist-factors --verify-each --split-input-file | filecheck %s

// The weights of attention are not divided; the sum of what they weigh is.

// CHECK-LABEL: @attention
// CHECK:         %[[E:.*]] = kernel.compute (%m = 8, %k = 8)
// CHECK:           math.exp
// CHECK:         kernel.compute (%m_1 = 8, %n = 4)
// CHECK:           %[[S:.*]] = kernel.reduce add (%k_1 = 8)
// CHECK:             kernel.read %[[E]][%m_1, %k_1] : tensor<8x8xf32>
// CHECK:           %[[D:.*]] = kernel.read %s[%m_1] : tensor<8xf32>
// CHECK-NEXT:      arith.divf %[[S]], %[[D]] : f32
// CHECK-NOT:     arith.divf
func.func @attention(%x: tensor<8x8xf32>, %s: tensor<8xf32>, %v: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
    %b = math.exp %a : f32
    kernel.yield %b : f32
  }
  %p = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %e[%m, %k] : tensor<8x8xf32>
    %b = kernel.read %s[%m] : tensor<8xf32>
    %c = arith.divf %a, %b : f32
    kernel.yield %c : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %p[%m, %k] : tensor<8x8xf32>
      %b = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<8x4xf32>
}

// -----

// Each term has a divisor of its own.

// CHECK-LABEL: @terms
// CHECK:         kernel.compute
// CHECK:         kernel.compute
// CHECK:           arith.divf
// CHECK:         kernel.compute
// CHECK-NOT:       arith.divf
func.func @terms(%x: tensor<8x8xf32>, %s: tensor<8xf32>, %v: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
    %b = math.exp %a : f32
    kernel.yield %b : f32
  }
  %p = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %e[%m, %k] : tensor<8x8xf32>
    %b = kernel.read %s[%k] : tensor<8xf32>
    %c = arith.divf %a, %b : f32
    kernel.yield %c : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %p[%m, %k] : tensor<8x8xf32>
      %b = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<8x4xf32>
}

// -----

// Numerators without bound might overflow when they are summed before they are divided.

// CHECK-LABEL: @unbounded
// CHECK:         kernel.compute
// CHECK:           arith.divf
// CHECK:         kernel.compute
// CHECK-NOT:       arith.divf
func.func @unbounded(%e: tensor<8x8xf32>, %s: tensor<8xf32>, %v: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %p = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %e[%m, %k] : tensor<8x8xf32>
    %b = kernel.read %s[%m] : tensor<8xf32>
    %c = arith.divf %a, %b : f32
    kernel.yield %c : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %p[%m, %k] : tensor<8x8xf32>
      %b = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<8x4xf32>
}

// -----

// Quotients that are a result of the model too are made anyway.

// CHECK-LABEL: @shared
// CHECK:         kernel.compute
// CHECK:         kernel.compute
// CHECK:           arith.divf
// CHECK:         kernel.compute
// CHECK-NOT:       arith.divf
func.func @shared(%x: tensor<8x8xf32>, %s: tensor<8xf32>, %v: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x8xf32>) {
  %e = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
    %b = math.exp %a : f32
    kernel.yield %b : f32
  }
  %p = kernel.compute (%m = 8, %k = 8) -> tensor<8x8xf32> {
    %a = kernel.read %e[%m, %k] : tensor<8x8xf32>
    %b = kernel.read %s[%m] : tensor<8xf32>
    %c = arith.divf %a, %b : f32
    kernel.yield %c : f32
  }
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %p[%m, %k] : tensor<8x8xf32>
      %b = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0, %p : tensor<8x4xf32>, tensor<8x8xf32>
}

// -----

// A kernel that makes the softmax itself divides what it sums up, not each term; another number than the sum stays.

// CHECK-LABEL: @inside
// CHECK:         %[[T:.*]] = kernel.reduce add
// CHECK:         %[[S:.*]] = kernel.reduce add
// CHECK-NOT:       arith.divf
// CHECK:           kernel.yield
// CHECK:         arith.divf %[[S]], %[[T]] : f32
// CHECK:         kernel.compute
// CHECK:         kernel.reduce add
// CHECK:           arith.divf
func.func @inside(%x: tensor<8x8xf32>, %s: tensor<8xf32>, %v: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %0 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %total = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
      %b = math.exp %a : f32
      kernel.yield %b : f32
    }
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
      %b = math.exp %a : f32
      %c = arith.divf %b, %total : f32
      %d = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    kernel.yield %sum : f32
  }
  %1 = kernel.compute (%m = 8, %n = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %number = kernel.read %s[%m] : tensor<8xf32>
    %sum = kernel.reduce add (%k = 8) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<8x8xf32>
      %b = math.exp %a : f32
      %c = arith.divf %b, %number : f32
      %d = kernel.read %v[%k, %n] : tensor<8x4xf32>
      %e = arith.mulf %c, %d : f32
      kernel.yield %e : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}
