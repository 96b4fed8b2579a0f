// RUN: webdnn-opt %s --verify-each --pass-pipeline=convert-tensor-layout-to-kernel | filecheck %s

// The quotient is clamped as a float, so that it fits when it becomes an integer.

// CHECK-LABEL: @quantize
// CHECK: %[[SCALE:.*]] = kernel.read %s[%n]
// CHECK: arith.divf %{{.*}}, %[[SCALE]]
// CHECK-NEXT: math.roundeven
// CHECK: arith.maximumf
// CHECK-NEXT: arith.minimumf
// CHECK-NEXT: arith.fptosi
// CHECK-NEXT: arith.addi
func.func @quantize(%x: tensor<2x8xf32>, %s: tensor<8xf32>, %z: tensor<8xui8>) -> tensor<2x8xui8> {
  %y = dnn.quantize_linear %x, %s, %z {axis = 1 : i64, block_size = 0 : i64, to = ui8}
     : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xui8>) -> tensor<2x8xui8>
  func.return %y : tensor<2x8xui8>
}

// The scale of a block.

// CHECK-LABEL: @dequantize
// CHECK: kernel.read %s[%m, %n floordiv 3]
// CHECK: arith.sitofp
func.func @dequantize(%x: tensor<2x8xi8>, %s: tensor<2x3xf32>) -> tensor<2x8xf32> {
  %y = dnn.dequantize_linear %x, %s {axis = 1 : i64, block_size = 3 : i64}
     : (tensor<2x8xi8>, tensor<2x3xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
