// RUN: webdnn-opt %s --pass-pipeline='kernel-pack-operands{panel=2 stride=16}' --verify-each --split-input-file | filecheck %s

// The keys of attention are computed in panels of two columns, which the scores read one after another.

// CHECK-LABEL: @keys
// CHECK:         kernel.compute (%{{.*}} = 2, %[[D:.*]] = 3, %{{.*}} = 2) -> tensor<2x3x2xf32>
// CHECK:           kernel.read %x[%{{.*}} * 2 + %{{.*}}, %[[D]]] : tensor<4x3xf32>
// CHECK:         kernel.read %{{.*}}[%[[S:.*]] floordiv 2, %k, %[[S]] mod 2] : tensor<2x3x2xf32>
func.func @keys(%x: tensor<4x3xf32>, %q: tensor<5x3xf32>) -> tensor<5x4xf32> {
  %t = kernel.compute (%d = 3, %s = 4) -> tensor<3x4xf32> {
    %v = kernel.read %x[%s, %d] : tensor<4x3xf32>
    kernel.yield %v : f32
  }
  %0 = kernel.compute (%m = 5, %s = 4) -> tensor<5x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %q[%m, %k] : tensor<5x3xf32>
      %b = kernel.read %t[%k, %s] : tensor<3x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<5x4xf32>
}

// -----

// Somebody else reads the keys as they are.

// CHECK-LABEL: @shared
// CHECK:         kernel.compute (%d = 3, %s = 4) -> tensor<3x4xf32>
func.func @shared(%x: tensor<4x3xf32>, %q: tensor<5x3xf32>) -> (tensor<5x4xf32>, tensor<3x4xf32>) {
  %t = kernel.compute (%d = 3, %s = 4) -> tensor<3x4xf32> {
    %v = kernel.read %x[%s, %d] : tensor<4x3xf32>
    kernel.yield %v : f32
  }
  %0 = kernel.compute (%m = 5, %s = 4) -> tensor<5x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %q[%m, %k] : tensor<5x3xf32>
      %b = kernel.read %t[%k, %s] : tensor<3x4xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0, %t : tensor<5x4xf32>, tensor<3x4xf32>
}

// -----

// Rows of eight bytes lie close enough.

// CHECK-LABEL: @narrow
// CHECK:         kernel.compute (%d = 3, %s = 2) -> tensor<3x2xf32>
func.func @narrow(%x: tensor<2x3xf32>, %q: tensor<5x3xf32>) -> tensor<5x2xf32> {
  %t = kernel.compute (%d = 3, %s = 2) -> tensor<3x2xf32> {
    %v = kernel.read %x[%s, %d] : tensor<2x3xf32>
    kernel.yield %v : f32
  }
  %0 = kernel.compute (%m = 5, %s = 2) -> tensor<5x2xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %q[%m, %k] : tensor<5x3xf32>
      %b = kernel.read %t[%k, %s] : tensor<3x2xf32>
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<5x2xf32>
}
