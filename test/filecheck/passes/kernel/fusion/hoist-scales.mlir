// RUN: webdnn-opt %s --pass-pipeline=kernel-hoist-scales --verify-each --split-input-file | filecheck %s

// The scale of a column multiplies the sum, once, and is added to where the sum began.

// CHECK-LABEL: @scaled
// CHECK:         %[[B:.*]] = kernel.read %b[%n] : tensor<4xf32>
// CHECK:         %[[C:.*]] = kernel.read %s[%n] : tensor<4xf32>
// CHECK:         %[[T:.*]] = kernel.reduce add (%k = 3) from %{{.*}} : f32 {
// CHECK-COUNT-1:   arith.mulf
// CHECK:         }
// CHECK-NEXT:    %[[P:.*]] = arith.mulf %[[T]], %[[C]] : f32
// CHECK-NEXT:    %[[Y:.*]] = arith.addf %[[P]], %[[B]] : f32
// CHECK-NEXT:    kernel.yield %[[Y]] : f32
func.func @scaled(%x: tensor<3xf32>, %q: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = dnn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %v = kernel.read %b[%n] : tensor<4xf32>
    %t = kernel.reduce add (%k = 3) from %v : f32 {
      %a = kernel.read %x[%k] : tensor<3xf32>
      %i = kernel.read %q[%k, %n] : tensor<3x4xf32>
      %c = kernel.read %s[%n] : tensor<4xf32>
      %w = arith.mulf %i, %c : f32
      %p = arith.mulf %a, %w : f32
      kernel.yield %p : f32
    }
    kernel.yield %t : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// A factor that differs from term to term stays, and so does one that is no constant's.

// CHECK-LABEL: @left
// CHECK:         kernel.reduce add
// CHECK-COUNT-3: arith.mulf
// CHECK:         kernel.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    kernel.yield
func.func @left(%x: tensor<3xf32>, %q: tensor<3x4xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  %s = dnn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> : tensor<3xf32>
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %t = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<3xf32>
      %i = kernel.read %q[%k, %n] : tensor<3x4xf32>
      %c = kernel.read %s[%k] : tensor<3xf32>
      %d = kernel.read %z[%n] : tensor<4xf32>
      %w = arith.mulf %i, %c : f32
      %u = arith.mulf %w, %d : f32
      %p = arith.mulf %a, %u : f32
      kernel.yield %p : f32
    }
    kernel.yield %t : f32
  }
  func.return %0 : tensor<4xf32>
}
