// RUN: webdnn-opt %s | webdnn-opt | filecheck %s

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %i: tensor<4xi32>) {
  // CHECK: dnn.leaky_relu %x {alpha = 2.000000e-01 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = dnn.leaky_relu %x {alpha = 0.2 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.elu %x {alpha = 1.000000e+00 : f64, rate = 5.000000e-01 : f64} :
  %1 = dnn.elu %x {alpha = 1.0 : f64, rate = 0.5 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.hard_sigmoid %x {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64} :
  %2 = dnn.hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.gelu %x {approximate = true} :
  %3 = dnn.gelu %x {approximate = true} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.prelu %x, %s : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %4 = dnn.prelu %x, %s : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.clip %x {low = 0.000000e+00 : f64, high = 6.000000e+00 : f64} :
  %5 = dnn.clip %x {low = 0.0 : f64, high = 6.0 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: dnn.clip %i {high = 6 : i64} : (tensor<4xi32>) -> tensor<4xi32>
  %6 = dnn.clip %i {high = 6 : i64} : (tensor<4xi32>) -> tensor<4xi32>
  func.return
}
