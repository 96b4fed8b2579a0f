// RUN: webdnn-opt %s --pass-pipeline=kernel-pair-steps --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='kernel-pair-steps,kernel-pack-weights{panel=2 pairs=true}' --verify-each --split-input-file | filecheck %s --check-prefix=PACKED

// Steps of a sum of products of small integers come in pairs, which lie side by side in the packed constant.

// CHECK-LABEL: @product
// CHECK:         kernel.reduce add (%k = 4, %half = 2) from
// CHECK:         kernel.read %x[%m, %k * 2 + %half] : tensor<4x8xi16>
// CHECK:         kernel.read %w[%k * 2 + %half, %n] : tensor<8x2xi8>
// PACKED-LABEL: @product
// PACKED:        kernel.read %{{.*}}[0, %k, %n, %half] : tensor<1x4x2x2xi8>
func.func @product(%x: tensor<4x8xi16>) -> tensor<4x2xi32> {
  %w = dnn.constant dense<1> : tensor<8x2xi8> : tensor<8x2xi8>
  %0 = kernel.compute (%m = 4, %n = 2) -> tensor<4x2xi32> {
    %zero = arith.constant 0 : i32
    %s = kernel.reduce add (%k = 8) from %zero : i32 {
      %a = kernel.read %x[%m, %k] : tensor<4x8xi16>
      %b = kernel.read %w[%k, %n] : tensor<8x2xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.yield %s : i32
  }
  func.return %0 : tensor<4x2xi32>
}

// -----

// An odd number of steps, elements that are larger, and what a kernel reads otherwise too are left alone.

// CHECK-LABEL: @left
// CHECK:         kernel.reduce add (%k = 7) from
// CHECK:         kernel.reduce add (%k{{.*}} = 8) from
// CHECK:         kernel.reduce add (%k{{.*}} = 8) from
// CHECK-NOT:     %half
func.func @left(%x: tensor<4x7xi16>, %y: tensor<4x8xi32>, %z: tensor<4x8xi16>) -> (tensor<4x2xi32>, tensor<4x2xi32>, tensor<4x2xi32>) {
  %v = dnn.constant dense<1> : tensor<7x2xi8> : tensor<7x2xi8>
  %w = dnn.constant dense<1> : tensor<8x2xi8> : tensor<8x2xi8>
  %0 = kernel.compute (%m = 4, %n = 2) -> tensor<4x2xi32> {
    %zero = arith.constant 0 : i32
    %s = kernel.reduce add (%k = 7) from %zero : i32 {
      %a = kernel.read %x[%m, %k] : tensor<4x7xi16>
      %b = kernel.read %v[%k, %n] : tensor<7x2xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.yield %s : i32
  }
  %1 = kernel.compute (%m = 4, %n = 2) -> tensor<4x2xi32> {
    %zero = arith.constant 0 : i32
    %s = kernel.reduce add (%k = 8) from %zero : i32 {
      %a = kernel.read %y[%m, %k] : tensor<4x8xi32>
      %b = kernel.read %w[%k, %n] : tensor<8x2xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.yield %s : i32
  }
  %2 = kernel.compute (%m = 4, %n = 2) -> tensor<4x2xi32> {
    %init = kernel.read %z[%m, %n] : tensor<4x8xi16>
    %s = kernel.reduce add (%k = 8) from %init : i32 {
      %a = kernel.read %z[%m, %k] : tensor<4x8xi16>
      %b = kernel.read %w[%k, %n] : tensor<8x2xi8>
      %p = arith.muli %a, %b : i32
      kernel.yield %p : i32
    }
    kernel.yield %s : i32
  }
  func.return %0, %1, %2 : tensor<4x2xi32>, tensor<4x2xi32>, tensor<4x2xi32>
}
