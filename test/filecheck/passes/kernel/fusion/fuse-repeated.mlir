// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-repeated{launch=4096} --split-input-file --verify-each | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-repeated{launch=0} --split-input-file | filecheck %s --check-prefix=FREE

// Eight sums of sixteen elements are cheaper to repeat in each point of a row than to launch. The reciprocal of each
// is made once for all steps of the product that reads it, and the sum never inside of another reduction.
// CHECK-LABEL: @rows
// CHECK: kernel.compute (%m = 8, %n = 8)
// CHECK: %[[S:.*]] = kernel.reduce add (%{{.*}} = 16)
// CHECK: arith.divf {{.*}}, %[[S]]
// CHECK: kernel.reduce add (%{{.*}} = 16)
// CHECK-NOT: arith.divf
// CHECK-NOT: kernel.reduce
// FREE-LABEL: @rows
// FREE: kernel.compute (%m = 8) -> tensor<8xf32>
// FREE: kernel.compute (%m_1 = 8, %n = 8)
func.func @rows(%x: tensor<8x16xf32>, %w: tensor<16x8xf32>) -> tensor<8x8xf32> {
  %s = kernel.compute (%m = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 16) from %zero : f32 {
      %v = kernel.read %x[%m, %k] : tensor<8x16xf32>
      kernel.yield %v : f32
    }
    kernel.yield %sum : f32
  }
  %y = kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 16) from %zero : f32 {
      %one = arith.constant 1.0 : f32
      %t = kernel.read %s[%m] : tensor<8xf32>
      %r = arith.divf %one, %t : f32
      %a = kernel.read %x[%m, %k] : tensor<8x16xf32>
      %q = arith.mulf %a, %r : f32
      %b = kernel.read %w[%k, %n] : tensor<16x8xf32>
      %p = arith.mulf %q, %b : f32
      kernel.yield %p : f32
    }
    kernel.yield %sum : f32
  }
  func.return %y : tensor<8x8xf32>
}

// -----

// A product that element-wise work reads twice at the same point is computed once, whatever a launch costs.
// CHECK-LABEL: @twice
// CHECK-COUNT-1: kernel.compute
// CHECK-COUNT-1: kernel.reduce
// CHECK-NOT: kernel.compute
// FREE-LABEL: @twice
// FREE-COUNT-1: kernel.compute
// FREE-COUNT-1: kernel.reduce
// FREE-NOT: kernel.compute
// FREE-LABEL: @part
func.func @twice(%x: tensor<8x16xf32>, %w: tensor<16x8xf32>) -> tensor<8x8xf32> {
  %s = kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<8x16xf32>
      %b = kernel.read %w[%k, %n] : tensor<16x8xf32>
      %p = arith.mulf %a, %b : f32
      kernel.yield %p : f32
    }
    kernel.yield %sum : f32
  }
  %y = kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
    %a = kernel.read %s[%m, %n] : tensor<8x8xf32>
    %e = math.exp %a : f32
    %b = kernel.read %s[%m, %n] : tensor<8x8xf32>
    %p = arith.mulf %e, %b : f32
    kernel.yield %p : f32
  }
  func.return %y : tensor<8x8xf32>
}

// -----

// A part of a reshaped value that a read may leave keeps the value outside.
// CHECK-LABEL: @part
// CHECK-COUNT-1: kernel.compute
// CHECK: kernel.inside [%m, %m * 2 + %k] of [6, 12]
// CHECK: arith.select
// CHECK-NOT: kernel.compute
func.func @part(%x: tensor<24xf32>) -> tensor<8xf32> {
  %s = kernel.compute (%i = 12) -> tensor<12xf32> {
    %a = kernel.read %x[%i + 12] : tensor<24xf32>
    kernel.yield %a : f32
  }
  %r = kernel.reshape %s : tensor<12xf32> -> tensor<6x2xf32>
  %y = kernel.compute (%m = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 2) from %zero : f32 {
      %a = kernel.read %r[%m, %k] outside %zero : tensor<6x2xf32>
      kernel.yield %a : f32
    }
    kernel.yield %sum : f32
  }
  func.return %y : tensor<8xf32>
}

// -----

// Left alone: a sum that each step of another would repeat, what the caller takes, what is made of constants, and what
// takes more operations than a launch.
// CHECK-LABEL: @alone
// CHECK-COUNT-6: kernel.compute
func.func @alone(%x: tensor<16x4xf32>, %long: tensor<8x4096xf32>) -> (tensor<4x4xf32>, tensor<16xf32>, tensor<8x8xf32>) {
  %w = dnn.constant #dnn.weight<w1 : tensor<16x4xf32>> : tensor<16x4xf32>
  %s = kernel.compute (%m = 16) -> tensor<16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 4) from %zero : f32 {
      %v = kernel.read %x[%m, %k] : tensor<16x4xf32>
      kernel.yield %v : f32
    }
    kernel.yield %sum : f32
  }
  %t = kernel.compute (%m = 16, %k = 4) -> tensor<16x4xf32> {
    %v = kernel.read %w[%m, %k] : tensor<16x4xf32>
    %e = math.exp %v : f32
    kernel.yield %e : f32
  }
  %y = kernel.compute (%m = 4, %n = 4) -> tensor<4x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %s[%k] : tensor<16xf32>
      %b = kernel.read %t[%k, %n] : tensor<16x4xf32>
      %p = arith.mulf %a, %b : f32
      kernel.yield %p : f32
    }
    kernel.yield %sum : f32
  }
  %given = kernel.compute (%m = 16) -> tensor<16xf32> {
    %a = kernel.read %s[%m] : tensor<16xf32>
    %e = math.exp %a : f32
    kernel.yield %e : f32
  }
  %dear = kernel.compute (%m = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 4096) from %zero : f32 {
      %v = kernel.read %long[%m, %k] : tensor<8x4096xf32>
      kernel.yield %v : f32
    }
    kernel.yield %sum : f32
  }
  %z = kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
    %a = kernel.read %dear[%m] : tensor<8xf32>
    %b = kernel.read %long[%m, %n] : tensor<8x4096xf32>
    %q = arith.divf %b, %a : f32
    kernel.yield %q : f32
  }
  func.return %y, %given, %z : tensor<4x4xf32>, tensor<16xf32>, tensor<8x8xf32>
}
