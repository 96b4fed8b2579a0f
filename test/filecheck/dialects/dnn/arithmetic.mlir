// RUN: webdnn-opt %s | webdnn-opt | filecheck %s

// CHECK-LABEL: @arithmetic
func.func @arithmetic(%x: tensor<2x3xf32>, %e: tensor<f32>, %i: tensor<3xi32>, %u: tensor<3xui8>) {
  // CHECK: dnn.pow %x, %e : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %0 = dnn.pow %x, %e : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  // CHECK: dnn.mod %i, %i {truncated = false} : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  %1 = dnn.mod %i, %i {truncated = false} : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: dnn.bit_shift %u, %u {left = true} : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  %2 = dnn.bit_shift %u, %u {left = true} : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  // CHECK: dnn.cast %x {to = ui8} : (tensor<2x3xf32>) -> tensor<2x3xui8>
  %3 = dnn.cast %x {to = ui8} : (tensor<2x3xf32>) -> tensor<2x3xui8>
  // CHECK: dnn.is_nan %x : (tensor<2x3xf32>) -> tensor<2x3xi1>
  %4 = dnn.is_nan %x : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: dnn.is_inf %x {positive = true, negative = false} : (tensor<2x3xf32>) -> tensor<2x3xi1>
  %5 = dnn.is_inf %x {positive = true, negative = false} : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: dnn.bit_cast %x {to = i32} : (tensor<2x3xf32>) -> tensor<2x3xi32>
  %6 = dnn.bit_cast %x {to = i32} : (tensor<2x3xf32>) -> tensor<2x3xi32>
  func.return
}
