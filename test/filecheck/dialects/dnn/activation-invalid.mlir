// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Bounds are of the kind of the elements.

// CHECK: 'dnn.clip' does not verify: found a bound 1 : i64 for elements of type f32
func.func @bounds(%x: tensor<4xf32>) {
  %r = dnn.clip %x {low = 1 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// A slope does not make the result larger.

// CHECK: 'dnn.prelu' does not verify: the slope [2, 4] does not fit into [4]
func.func @slope(%x: tensor<4xf32>, %s: tensor<2x4xf32>) {
  %r = dnn.prelu %x, %s : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<4xf32>
  func.return
}

// -----

// Properties are required.

// CHECK: error: {{.*}}alpha
func.func @property(%x: tensor<4xf32>) {
  %r = dnn.leaky_relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}
