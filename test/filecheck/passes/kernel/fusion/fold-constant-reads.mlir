// RUN: webdnn-opt %s --pass-pipeline=kernel-fold-constant-reads | filecheck %s

// A scalar is a number in the body, and its constant is gone.
// CHECK-LABEL: @scalar
// CHECK-NOT: dnn.constant
// CHECK: %[[C:.*]] = arith.constant 5.000000e-01 : f32
// CHECK: arith.mulf %{{.*}}, %[[C]]
func.func @scalar(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = dnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %y = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %x[%i] : tensor<4xf32>
    %s = kernel.read %c[] : tensor<f32>
    %p = arith.mulf %v, %s : f32
    kernel.yield %p : f32
  }
  func.return %y : tensor<4xf32>
}

// A product with 1 is the other factor.
// CHECK-LABEL: @one
// CHECK: %[[V:.*]] = kernel.read %x
// CHECK-NOT: arith.mulf
// CHECK: kernel.yield %[[V]] : f32
func.func @one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c1 = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %y1 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %x[%i] : tensor<4xf32>
    %s = kernel.read %c1[] : tensor<f32>
    %p = arith.mulf %s, %v : f32
    kernel.yield %p : f32
  }
  func.return %y1 : tensor<4xf32>
}

// Elements that differ stay in their buffer.
// CHECK-LABEL: @vector
// CHECK: dnn.constant
// CHECK: kernel.read %{{.*}}[%{{.*}}] : tensor<2xi32>
func.func @vector() -> tensor<2xi32> {
  %c2 = dnn.constant dense<[1, 2]> : tensor<2xi32> : tensor<2xi32>
  %y2 = kernel.compute (%i = 2) -> tensor<2xi32> {
    %v = kernel.read %c2[%i] : tensor<2xi32>
    kernel.yield %v : i32
  }
  func.return %y2 : tensor<2xi32>
}

// What lies outside is not the constant's.
// CHECK-LABEL: @outside
// CHECK: kernel.read %{{.*}} outside
func.func @outside() -> tensor<4xf32> {
  %c3 = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %y3 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %c3[%i + -1] outside %zero : tensor<2xf32>
    kernel.yield %v : f32
  }
  func.return %y3 : tensor<4xf32>
}
