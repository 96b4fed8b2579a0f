// RUN: webdnn-opt %s --pass-pipeline=kernel-pad-operands --verify-each --split-input-file | filecheck %s

// A window's operand is made with a border of zeros, and the window reads without tests.

// CHECK-LABEL: @window
// CHECK:         %[[A:.*]] = kernel.compute (%i = 8) -> tensor<10xf32> inset [1] {
// CHECK:         kernel.read %[[A]][%i_1 + %k] : tensor<10xf32>
func.func @window(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %v = kernel.read %0[%i + %k + -1] outside %zero : tensor<8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %1 : tensor<8xf32>
}

// -----

// An argument, and a value that is also returned or viewed, is copied for its windows.

// CHECK-LABEL: @copied
// CHECK:         %[[A:.*]] = kernel.compute (%i = 8) -> tensor<10xf32> inset [1] {
// CHECK-NEXT:      kernel.read %x[%i] : tensor<8xf32>
// CHECK:         kernel.read %[[A]][%i_1 + %k] : tensor<10xf32>
func.func @copied(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %v = kernel.read %x[%i + %k + -1] outside %zero : tensor<8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<8xf32>
}

// -----

// A maximum's value outside is not zero, and a halo that more than doubles its operand is none.

// CHECK-LABEL: @other
// CHECK:         kernel.read %x[%i + %k + -1] outside %low : tensor<8xf32>
// CHECK:         kernel.read %y[%i_1 + %k_1 + -7] outside %zero : tensor<2xf32>
// CHECK-NOT:     inset
func.func @other(%x: tensor<8xf32>, %y: tensor<2xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %low = arith.constant -9.0 : f32
    %s = kernel.reduce max (%k = 3) from %low : f32 {
      %v = kernel.read %x[%i + %k + -1] outside %low : tensor<8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  %1 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %zero : f32 {
      %v = kernel.read %y[%i + %k + -7] outside %zero : tensor<2xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %0, %1 : tensor<8xf32>, tensor<8xf32>
}
