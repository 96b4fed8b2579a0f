// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// The greatest element, then the least index where it stands.

// CHECK-LABEL: @arg_max
// CHECK: %[[PEAK:.*]] = kernel.reduce max (%k = 3) from %{{.*}} : f32
// CHECK: %[[INDEX:.*]] = kernel.reduce min (%k_1 = 3) from %{{.*}} : i32
// CHECK:   %[[BEATEN:.*]] = arith.cmpf olt, %{{.*}}, %[[PEAK]] : f32
// CHECK:   arith.select %[[BEATEN]]
// CHECK: arith.extsi %[[INDEX]] : i32 to i64
func.func @arg_max(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0 = dnn.arg_max %x {axis = 1 : i64, keepdims = false, select_last = false} : (tensor<2x3xf32>) -> tensor<2xi64>
  func.return %0 : tensor<2xi64>
}

// Ranks by counting what comes before; then the element of each rank, and its index.

// CHECK-LABEL: @top_k
// CHECK: %[[RANKS:.*]] = kernel.compute (%i = 5) -> tensor<5xi32>
// CHECK: kernel.reduce add (%k = 5) from %{{.*}} : i32
// CHECK: kernel.compute (%i_1 = 2) -> tensor<2xf32>, tensor<2xi64>
// CHECK: kernel.read %[[RANKS]][%k_1] : tensor<5xi32>
// CHECK: kernel.yield %{{.*}}, %{{.*}} : f32, i64
func.func @top_k(%x: tensor<5xf32>) -> (tensor<2xf32>, tensor<2xi64>) {
  %0, %1 = dnn.top_k %x {axis = 0 : i64, k = 2 : i64, largest = true} : (tensor<5xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  func.return %0, %1 : tensor<2xf32>, tensor<2xi64>
}

// Steps of 4, 2 and 1: each is made if the element that it would pass is not too large.

// CHECK-LABEL: @search_sorted
// CHECK: kernel.compute (%i = 2) -> tensor<2xi32>
// CHECK: %[[V:.*]] = kernel.read %v[%i] : tensor<2xf32>
// CHECK-COUNT-3: arith.cmpf ole, %{{.*}}, %[[V]] : f32
// CHECK-NOT: arith.cmpf
func.func @search_sorted(%x: tensor<5xf32>, %v: tensor<2xf32>) -> tensor<2xi32> {
  %0 = dnn.search_sorted %x, %v : (tensor<5xf32>, tensor<2xf32>) -> tensor<2xi32>
  func.return %0 : tensor<2xi32>
}
