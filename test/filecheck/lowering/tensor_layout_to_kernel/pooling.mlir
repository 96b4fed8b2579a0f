// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// Padding is the lowest value, which no maximum takes.

// CHECK-LABEL: @max
// CHECK: kernel.reduce max (%kx = 3)
// CHECK-NEXT: %[[LOWEST:.*]] = arith.constant 0xff800000 : f32
// CHECK-NEXT: kernel.read %x[%b, %m, %n + %kx + -1] outside %[[LOWEST]]
func.func @max(%x: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  %y = dnn.max_pool %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 1, 1>,
                        dilations = array<i64: 1>, ceil_mode = false} : (tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  func.return %y : tensor<1x3x8xf32>
}

// The place of a maximum is the least position where it, or a NaN, lies: one kernel with two results.

// CHECK-LABEL: @indices
// CHECK-NEXT: kernel.compute (%b = 2, %m = 3, %n = 4) -> tensor<2x3x4xf32>, tensor<2x3x4xi64>
// CHECK: %[[MAX:.*]] = kernel.reduce max
// CHECK: %[[FIRST:.*]] = kernel.reduce min
// CHECK: arith.cmpf oeq, %{{.*}}, %[[MAX]]
// CHECK: arith.cmpf uno
// CHECK: kernel.index [%n * 2 + %kx_1]
// CHECK: kernel.index [%b * 24 + %m * 8]
// CHECK: arith.extsi %[[FIRST]] : i32 to i64
func.func @indices(%x: tensor<2x3x8xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi64>) {
  %y, %i = dnn.max_pool_with_indices %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>,
                                         dilations = array<i64: 1>, ceil_mode = false, column_major = false}
         : (tensor<2x3x8xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi64>)
  func.return %y, %i : tensor<2x3x4xf32>, tensor<2x3x4xi64>
}

// Only along an axis where windows leave the input are the elements counted.

// CHECK-LABEL: @average
// CHECK: %[[SUM:.*]] = kernel.reduce add (%ky = 2, %kx = 3)
// CHECK: %[[COUNT:.*]] = kernel.reduce add (%k = 3)
// CHECK: kernel.inside [%x_1 + %k + -1] of [8]
// CHECK: %[[ROWS:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: %[[AREA:.*]] = arith.mulf %[[ROWS]], %[[COUNT]] : f32
// CHECK: arith.divf %[[SUM]], %[[AREA]]
func.func @average(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x4x8xf32> {
  %y = dnn.average_pool %x {kernel = array<i64: 2, 3>, strides = array<i64: 2, 1>, pads = array<i64: 0, 1, 0, 1>,
                            dilations = array<i64: 1, 1>, ceil_mode = false, count_include_pad = false}
     : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x8xf32>
  func.return %y : tensor<1x3x4x8xf32>
}

// Padding that counts makes the area a constant.

// CHECK-LABEL: @include
// CHECK: kernel.reduce add (%kx = 3)
// CHECK-NOT: kernel.inside
// CHECK: arith.constant 3.000000e+00 : f32
// CHECK: arith.divf
func.func @include(%x: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  %y = dnn.average_pool %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 1, 1>,
                            dilations = array<i64: 1>, ceil_mode = false, count_include_pad = true}
     : (tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  func.return %y : tensor<1x3x8xf32>
}
