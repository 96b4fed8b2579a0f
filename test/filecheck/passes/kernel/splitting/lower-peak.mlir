// RUN: webdnn-opt %s --pass-pipeline="kernel-lower-peak" --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline="kernel-lower-peak{spend=0}" --verify-each --split-input-file | filecheck %s --check-prefix=FREE
// RUN: webdnn-opt %s --pass-pipeline="kernel-lower-peak{strips=1048576}" --verify-each --split-input-file | filecheck %s --check-prefix=LOOP

// What lies between two large kernels is there in parts: the two rows that are computed twice are a small part of them.

// CHECK-LABEL: @windows
// CHECK:         %[[A0:.*]] = kernel.compute (%{{.*}} = [[N:[0-9]+]], %{{.*}} = 64, %{{.*}} = 32) -> tensor<[[N]]x64x32xf32> {
// CHECK:         kernel.compute (%{{.*}}, %{{.*}} = 64) -> tensor<{{.*}}x64xf32> {
// CHECK:           kernel.read %[[A0]]
// CHECK:         kernel.concat 0 %

// FREE-LABEL: @windows
// FREE-NOT:     kernel.concat

// LOOP-LABEL: @windows
// LOOP:         kernel.concat 0 %
func.func @windows(%in: tensor<512x64xf32>) -> tensor<512x64xf32> {
  %a = kernel.compute (%y = 512, %x = 64, %c = 32) -> tensor<512x64x32xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 128) from %zero : f32 {
      %v = kernel.read %in[%y, %x] : tensor<512x64xf32>
      %p = arith.mulf %v, %v : f32
      kernel.yield %p : f32
    }
    kernel.yield %s : f32
  }
  %b = kernel.compute (%y = 512, %x = 64) -> tensor<512x64xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3, %c = 32) from %zero : f32 {
      %v = kernel.read %a[%y + %k + -1, %x, %c] outside %zero : tensor<512x64x32xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<512x64xf32>
}

// -----

// What a loop over strips will hand on is left to that.

// CHECK-LABEL: @rows
// CHECK:         kernel.concat 0 %

// LOOP-LABEL: @rows
// LOOP-NOT:     kernel.concat
func.func @rows(%in: tensor<512x64xf32>) -> tensor<512x64xf32> {
  %a = kernel.compute (%y = 512, %x = 64, %c = 32) -> tensor<512x64x32xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 128) from %zero : f32 {
      %v = kernel.read %in[%y, %x] : tensor<512x64xf32>
      %p = arith.mulf %v, %v : f32
      kernel.yield %p : f32
    }
    kernel.yield %s : f32
  }
  %b = kernel.compute (%y = 512, %x = 64) -> tensor<512x64xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%c = 32) from %zero : f32 {
      %v = kernel.read %a[%y, %x, %c] : tensor<512x64x32xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<512x64xf32>
}

// -----

// A small program is left as it is: a call takes longer than all of it.

// CHECK-LABEL: @small
// CHECK-NOT:     kernel.concat
func.func @small(%in: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %a = kernel.compute (%y = 16, %x = 4, %c = 8) -> tensor<16x4x8xf32> {
    %v = kernel.read %in[%y, %x] : tensor<16x4xf32>
    %p = arith.mulf %v, %v : f32
    kernel.yield %p : f32
  }
  %b = kernel.compute (%y = 16, %x = 4) -> tensor<16x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%c = 8) from %zero : f32 {
      %v = kernel.read %a[%y, %x, %c] : tensor<16x4x8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<16x4xf32>
}
