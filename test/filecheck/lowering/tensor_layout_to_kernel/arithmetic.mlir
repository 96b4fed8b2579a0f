// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Integers that are narrower than the type they are computed in are brought back to their range.

// CHECK-LABEL: @narrow
// CHECK: %[[I:.*]] = arith.fptosi %{{.*}} : f32 to i32
// CHECK: %[[UP:.*]] = arith.shli %[[I]]
// CHECK: arith.shrsi %[[UP]]
func.func @narrow(%x: tensor<4xf32>) -> tensor<4xi8> {
  %0 = dnn.cast %x {to = i8} : (tensor<4xf32>) -> tensor<4xi8>
  func.return %0 : tensor<4xi8>
}

// A cast between types that are computed in one type only reads and writes.

// CHECK-LABEL: @half
// CHECK: %[[X:.*]] = kernel.read %x[%i] : tensor<4xf16>
// CHECK-NEXT: kernel.yield %[[X]] : f32
func.func @half(%x: tensor<4xf16>) -> tensor<4xf32> {
  %0 = dnn.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// The sign of the divisor.

// CHECK-LABEL: @floored
// CHECK: %[[R:.*]] = arith.remsi %[[A:.*]], %[[B:.*]] : i32
// CHECK: arith.addi %[[R]], %[[B]]
func.func @floored(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  %0 = dnn.mod %a, %b {truncated = false} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  func.return %0 : tensor<4xi32>
}

// CHECK-LABEL: @truncated
// CHECK: %[[R:.*]] = arith.remsi
// CHECK-NEXT: kernel.yield %[[R]]
func.func @truncated(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  %0 = dnn.mod %a, %b {truncated = true} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  func.return %0 : tensor<4xi32>
}
