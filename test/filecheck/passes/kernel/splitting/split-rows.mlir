// RUN: webdnn-opt %s --pass-pipeline="kernel-split-rows{limit=1700 overlay=false}" --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline="kernel-split-rows{limit=1700}" --verify-each --split-input-file | filecheck %s --check-prefix=OVER
// RUN: not webdnn-opt %s --pass-pipeline="kernel-split-rows{limit=500 overlay=false}" 2>&1 | filecheck %s --check-prefix=LESS

// What lies between two kernels is never whole; rows that both strips need are computed twice.

// CHECK-LABEL: @windows
// CHECK-SAME:    kernel.multiply_adds = 512 : i64, kernel.done_again = 64 : i64, kernel.planned_peak = 1664 : i64
// CHECK:         %[[A0:.*]] = kernel.compute (%{{.*}} = 9, %{{.*}} = 4, %{{.*}} = 8) -> tensor<9x4x8xf32> {
// CHECK-NEXT:      kernel.read %in[%y, %x]
// CHECK:         %[[B0:.*]] = kernel.compute (%[[Y:.*]] = 8, %{{.*}} = 4) -> tensor<8x4xf32> {
// CHECK:           kernel.read %[[A0]][%[[Y]] + %{{.*}} + -1, %{{.*}}] outside
// CHECK:         %[[A1:.*]] = kernel.compute (%[[Z:.*]] = 9, %{{.*}} = 4, %{{.*}} = 8) -> tensor<9x4x8xf32> {
// CHECK-NEXT:      kernel.read %in[%[[Z]] + 7, %{{.*}}]
// CHECK:         %[[B1:.*]] = kernel.compute (%[[Y:.*]] = 8, %{{.*}} = 4) -> tensor<8x4xf32> {
// CHECK:           kernel.read %[[A1]][%[[Y]] + %{{[a-z0-9_]*}}, %{{.*}}] outside
// CHECK:         %[[B:.*]] = kernel.concat 0 %[[B0]], %[[B1]] : tensor<8x4xf32>, tensor<8x4xf32> -> tensor<16x4xf32>
// CHECK-NEXT:    func.return %[[B]]

// A limit that no strips keep is refused with the least that is possible, and with what needs it.

// LESS: 'kernel.compute' needs 1024 bytes of memory at least, more than the limit of 500: there live in (256 bytes), {{.*}} (256 bytes), and 512 bytes of strips
// LESS: hint: allow 1024 bytes or more
func.func @windows(%in: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %a = kernel.compute (%y = 16, %x = 4, %c = 8) -> tensor<16x4x8xf32> {
    %v = kernel.read %in[%y, %x] : tensor<16x4xf32>
    %p = arith.mulf %v, %v : f32
    kernel.yield %p : f32
  }
  %b = kernel.compute (%y = 16, %x = 4) -> tensor<16x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3, %c = 8) from %zero : f32 {
      %v = kernel.read %a[%y + %k + -1, %x, %c] outside %zero : tensor<16x4x8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<16x4xf32>
}

// -----

// A border is part of the pieces that hold it, and a row of a result that is half as high needs two.

// CHECK-LABEL: @border
// CHECK:         kernel.compute (%{{.*}} = 4, %{{.*}} = 4, %{{.*}} = 8) -> tensor<5x6x8xf32> inset [1, 1, 0] {
// CHECK:         kernel.compute (%{{.*}} = 2, %{{.*}} = 4) -> tensor<2x4xf32> {
// CHECK:         kernel.compute (%{{.*}} = 5, %{{.*}} = 4, %{{.*}} = 8) -> tensor<5x6x8xf32> inset [0, 1, 0] {
// CHECK-NEXT:      kernel.read %in[%{{.*}} + 3, %{{.*}}]
// CHECK:         kernel.compute (%[[Y:.*]] = 2, %{{.*}} = 4) -> tensor<2x4xf32> {
// CHECK:           kernel.read %{{.*}}[%[[Y]] * 2 + %{{[a-z0-9_]*}}, %{{.*}}]
func.func @border(%in: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %a = kernel.compute (%y = 16, %x = 4, %c = 8) -> tensor<17x6x8xf32> inset [1, 1, 0] {
    %v = kernel.read %in[%y, %x] : tensor<16x4xf32>
    kernel.yield %v : f32
  }
  %b = kernel.compute (%y = 8, %x = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3, %c = 8) from %zero : f32 {
      %v = kernel.read %a[%y * 2 + %k, %x, %c] : tensor<17x6x8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<8x4xf32>
}

// -----

// Operands of a concatenation are joined strip by strip.

// CHECK-LABEL: @joined
// CHECK:         %[[A:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 32) -> tensor<8x32xf32>
// CHECK:         %[[B:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 16) -> tensor<8x16xf32>
// CHECK:         %[[C:.*]] = kernel.concat 1 %[[A]], %[[B]] : tensor<8x32xf32>, tensor<8x16xf32> -> tensor<8x48xf32>
// CHECK:         kernel.read %[[C]]
func.func @joined(%in: tensor<16xf32>) -> tensor<16xf32> {
  %a = kernel.compute (%y = 16, %c = 32) -> tensor<16x32xf32> {
    %v = kernel.read %in[%y] : tensor<16xf32>
    kernel.yield %v : f32
  }
  %b = kernel.compute (%y = 16, %c = 16) -> tensor<16x16xf32> {
    %v = kernel.read %in[%y] : tensor<16xf32>
    kernel.yield %v : f32
  }
  %both = kernel.concat 1 %a, %b : tensor<16x32xf32>, tensor<16x16xf32> -> tensor<16x48xf32>
  %s = kernel.compute (%y = 16) -> tensor<16xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%c = 48) from %zero : f32 {
      %v = kernel.read %both[%y, %c] : tensor<16x48xf32>
      kernel.yield %v : f32
    }
    kernel.yield %sum : f32
  }
  func.return %s : tensor<16xf32>
}

// -----

// What is within the limit stays whole.

// CHECK-LABEL: @small
// CHECK-SAME:    kernel.done_again = 0 : i64, kernel.planned_peak = 1024 : i64
// CHECK:         kernel.compute (%y = 16, %x = 8) -> tensor<16x8xf32>
func.func @small(%in: tensor<16x8xf32>) -> tensor<16xf32> {
  %a = kernel.compute (%y = 16, %x = 8) -> tensor<16x8xf32> {
    %v = kernel.read %in[%y, %x] : tensor<16x8xf32>
    %p = arith.mulf %v, %v : f32
    kernel.yield %p : f32
  }
  %b = kernel.compute (%y = 16) -> tensor<16xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%x = 8) from %zero : f32 {
      %v = kernel.read %a[%y, %x] : tensor<16x8xf32>
      kernel.yield %v : f32
    }
    kernel.yield %s : f32
  }
  func.return %b : tensor<16xf32>
}

// -----

// Results over rows of an operand that nobody needs any more: no row is computed twice, and the second kernel of such a
// chain begins with its last rows.

// CHECK-LABEL: @chain
// OVER-LABEL: @chain
// OVER-SAME:    kernel.done_again = 0 : i64
// OVER:         %[[A:.*]] = kernel.compute (%{{.*}} = 16, %{{.*}} = 16) -> tensor<16x16xf32> {
// OVER:         %[[B0:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 16) -> tensor<8x16xf32> {
// OVER:           kernel.read %[[A]][%{{.*}} + -1, %{{.*}}] outside
// OVER:         %[[B1:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 16) -> tensor<8x16xf32> {
// OVER:           kernel.read %[[A]][%{{.*}} + 7, %{{.*}}] outside
// OVER:         %[[B:.*]] = kernel.concat 0 %[[B0]], %[[B1]]
// OVER:         %[[C1:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 16) -> tensor<8x16xf32> {
// OVER:           kernel.read %[[B]][%{{.*}} + 7, %{{.*}}] outside
// OVER:         %[[C0:.*]] = kernel.compute (%{{.*}} = 8, %{{.*}} = 16) -> tensor<8x16xf32> {
// OVER:           kernel.read %[[B]][%{{.*}} + -1, %{{.*}}] outside
// OVER:         kernel.concat 0 %[[C0]], %[[C1]]
func.func @chain(%in: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %a = kernel.compute (%y = 16, %x = 16) -> tensor<16x16xf32> {
    %v = kernel.read %in[%y, %x floordiv 4] : tensor<16x4xf32>
    kernel.yield %v : f32
  }
  %b = kernel.compute (%y = 16, %x = 16) -> tensor<16x16xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %v = kernel.read %a[%y + %k + -1, %x] outside %zero : tensor<16x16xf32>
      %p = arith.mulf %v, %v : f32
      kernel.yield %p : f32
    }
    kernel.yield %s : f32
  }
  %c = kernel.compute (%y = 16, %x = 16) -> tensor<16x16xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %v = kernel.read %b[%y + %k + -1, %x] outside %zero : tensor<16x16xf32>
      %p = arith.mulf %v, %v : f32
      kernel.yield %p : f32
    }
    kernel.yield %s : f32
  }
  %d = kernel.compute (%y = 16, %x = 4) -> tensor<16x4xf32> {
    %v = kernel.read %c[%y, %x * 4] : tensor<16x16xf32>
    kernel.yield %v : f32
  }
  func.return %d : tensor<16x4xf32>
}
