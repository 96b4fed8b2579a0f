// RUN: webdnn-opt %s --pass-pipeline='kernel-pack-weights,kernel-assign-buffers,kernel-form-kernels,kernel-flatten-buffers,kernel-narrow-elements' --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='kernel-pack-weights,kernel-assign-buffers,kernel-form-kernels,kernel-flatten-buffers,kernel-narrow-elements{storage=float}' --split-input-file | filecheck %s --check-prefix=FLOAT

// Small elements of constants lie in words, from which a kernel takes its bits; textures are filled from small ones.

// CHECK:         kernel.func @{{.*}}(%{{.*}}: memref<2xui32>, %{{.*}}: memref<8xf32>) {
// CHECK:         %[[W:.*]] = kernel.read %{{.*}}[%i floordiv 4] : memref<2xui32>
// CHECK:         %[[L:.*]] = arith.shli %[[W]], %{{.*}} : i32
// CHECK:         arith.shrsi %[[L]], %{{.*}} : i32
// CHECK:         kernel.weight #dnn.weight<{{.*}} : tensor<2xui32>> : memref<2xui32>
// FLOAT:         kernel.func @{{.*}}(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>) {
// FLOAT:         kernel.weight #dnn.weight<{{.*}} : tensor<8xi8>> : memref<8xf32>
func.func @main() -> tensor<8xf32> {
  %q = dnn.constant dense<[1, 2, 3, 4, 5, 6, 7, -8]> : tensor<8xi8> : tensor<8xi8>
  %y = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %q[%i] : tensor<8xi8>
    %f = arith.sitofp %v : i32 to f32
    kernel.yield %f : f32
  }
  func.return %y : tensor<8xf32>
}

// -----

// A kernel that reads an input too, where it elsewhere reads a constant, leaves both as words of one element each.

// CHECK:         kernel.func @{{.*}}(%{{.*}}: memref<8xi32>, %{{.*}}: memref<8xf32>) {
// CHECK-NOT:     ui32
func.func @main(%x: tensor<8xi8>) -> (tensor<8xf32>, tensor<8xf32>) {
  %q = dnn.constant dense<[1, 2, 3, 4, 5, 6, 7, -8]> : tensor<8xi8> : tensor<8xi8>
  %y = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %q[%i] : tensor<8xi8>
    %f = arith.sitofp %v : i32 to f32
    kernel.yield %f : f32
  }
  %z = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xi8>
    %f = arith.sitofp %v : i32 to f32
    kernel.yield %f : f32
  }
  func.return %y, %z : tensor<8xf32>, tensor<8xf32>
}

// -----

// A table of small numbers bounds what is read of it; a maximum begins with the least of them, and not of its type.

// CHECK:         arith.constant -2 : i32
// CHECK:         kernel.reduce max
// CHECK:         arith.muli
// FLOAT:         arith.constant -2 : i32
// FLOAT:         kernel.reduce max
// FLOAT:         arith.muli
func.func @main() -> tensor<4xi64> {
  %t = dnn.constant dense<[1, -2, 3, 0]> : tensor<4xi64> : tensor<4xi64>
  %y = kernel.compute (%i = 4) -> tensor<4xi64> {
    %least = arith.constant -9223372036854775808 : i64
    %many = arith.constant 4000000 : i64
    %m = kernel.reduce max (%k = 4) from %least : i64 {
      %v = kernel.read %t[%k] : tensor<4xi64>
      kernel.yield %v : i64
    }
    %p = arith.muli %m, %many : i64
    kernel.yield %p : i64
  }
  func.return %y : tensor<4xi64>
}
