// RUN: webdnn-opt %s --pass-pipeline=kernel-form-strips{limit=262144} --verify-each --split-input-file | filecheck %s

// A buffer of 1 MiB between two kernels is made and used in four strips, though one of them runs four times as fine.

// CHECK-LABEL: @strips
// CHECK:         %[[A:.*]] = kernel.alloc : memref<4x4x4096xf32>
// CHECK:         scf.for %[[N:.*]] = %{{.*}} to
// CHECK:           %strip = kernel.index [%[[N]]] of 4
// CHECK:           kernel.compute (%y = 4, %i = 4, %c = 4096) {
// CHECK:             kernel.read %x[%strip * 4 + %y, %i, %c]
// CHECK:             kernel.write %{{.*}}, %[[A]][%y, %i, %c] : memref<4x4x4096xf32>
// CHECK:           kernel.compute (%z = 16, %[[C:.*]] = 4096) {
// CHECK:             kernel.read %[[A]][%z floordiv 4, %z mod 4, %[[C]]] : memref<4x4x4096xf32>
// CHECK:             kernel.write %{{.*}}, %{{.*}}[%strip * 16 + %z, %[[C]]]
func.func @strips(%x: memref<16x4x4096xf32>) -> memref<64x4096xf32> {
  %a = kernel.alloc : memref<16x4x4096xf32>
  kernel.compute (%y = 16, %i = 4, %c = 4096) {
    %v = kernel.read %x[%y, %i, %c] : memref<16x4x4096xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %a[%y, %i, %c] : memref<16x4x4096xf32>
  }
  %b = kernel.alloc : memref<64x4096xf32>
  kernel.compute (%z = 64, %c = 4096) {
    %v = kernel.read %a[%z floordiv 4, %z mod 4, %c] : memref<16x4x4096xf32>
    kernel.write %v, %b[%z, %c] : memref<64x4096xf32>
  }
  func.return %b : memref<64x4096xf32>
}

// -----

// A kernel that reads beyond its own strip keeps the buffer whole, and so does one that writes what the other reads.

// CHECK-LABEL: @kept
// CHECK-NOT:     scf.for
func.func @kept(%x: memref<64x4096xf32>) -> memref<63x4096xf32> {
  %a = kernel.alloc : memref<64x4096xf32>
  kernel.compute (%y = 64, %c = 4096) {
    %v = kernel.read %x[%y, %c] : memref<64x4096xf32>
    kernel.write %v, %a[%y, %c] : memref<64x4096xf32>
  }
  %b = kernel.alloc : memref<63x4096xf32>
  kernel.compute (%y = 63, %c = 4096) {
    %v = kernel.read %a[%y, %c] : memref<64x4096xf32>
    %w = kernel.read %a[%y + 1, %c] : memref<64x4096xf32>
    %s = arith.addf %v, %w : f32
    kernel.write %s, %b[%y, %c] : memref<63x4096xf32>
  }
  func.return %b : memref<63x4096xf32>
}

// -----

// CHECK-LABEL: @overwritten
// CHECK-NOT:     scf.for
func.func @overwritten(%x: memref<64x4096xf32>) {
  %a = kernel.alloc : memref<64x4096xf32>
  kernel.compute (%y = 64, %c = 4096) {
    %v = kernel.read %x[0, %c] : memref<64x4096xf32>
    kernel.write %v, %a[%y, %c] : memref<64x4096xf32>
  }
  kernel.compute (%y = 64, %c = 4096) {
    %v = kernel.read %a[%y, %c] : memref<64x4096xf32>
    kernel.write %v, %x[%y, %c] : memref<64x4096xf32>
  }
  func.return
}

// -----

// What one head holds is still too much, so its rows are cut too; the maximum of a row goes along.

// CHECK-LABEL: @attention
// CHECK-DAG:     kernel.alloc : memref<1x8x4096xf32>
// CHECK-DAG:     kernel.alloc : memref<1x8xf32>
// CHECK:         scf.for
// CHECK:           %[[H:.*]] = kernel.index [%{{.*}}] of 2
// CHECK:           scf.for
// CHECK:             %[[R:.*]] = kernel.index [%{{.*}}] of 8
// CHECK:             kernel.compute (%h = 1, %m = 8, %n = 4096)
// CHECK:               kernel.read %x[%[[H]] + %h, %[[R]] * 8 + %m, %n]
// CHECK:             kernel.compute (%{{.*}} = 1, %{{.*}} = 8)
// CHECK:             kernel.compute (%{{.*}} = 1, %{{.*}} = 8, %{{.*}} = 4096)
func.func @attention(%x: memref<2x64x4096xf32>) -> memref<2x64x4096xf32> {
  %a = kernel.alloc : memref<2x64x4096xf32>
  kernel.compute (%h = 2, %m = 64, %n = 4096) {
    %v = kernel.read %x[%h, %m, %n] : memref<2x64x4096xf32>
    %w = arith.negf %v : f32
    kernel.write %w, %a[%h, %m, %n] : memref<2x64x4096xf32>
  }
  %t = kernel.alloc : memref<2x64xf32>
  kernel.compute (%h = 2, %m = 64) {
    %low = arith.constant 0xff800000 : f32
    %s = kernel.reduce max (%k = 4096) from %low : f32 {
      %v = kernel.read %a[%h, %m, %k] : memref<2x64x4096xf32>
      kernel.yield %v : f32
    }
    kernel.write %s, %t[%h, %m] : memref<2x64xf32>
  }
  %b = kernel.alloc : memref<2x64x4096xf32>
  kernel.compute (%h = 2, %m = 64, %n = 4096) {
    %v = kernel.read %a[%h, %m, %n] : memref<2x64x4096xf32>
    %s = kernel.read %t[%h, %m] : memref<2x64xf32>
    %w = arith.subf %v, %s : f32
    kernel.write %w, %b[%h, %m, %n] : memref<2x64x4096xf32>
  }
  func.return %b : memref<2x64x4096xf32>
}

// -----

// An extent that is prime would be cut in strips of one row each, in which a matrix product has nothing to share.

// CHECK-LABEL: @prime
// CHECK-NOT:     scf.for
func.func @prime(%x: memref<197x768xf32>) -> memref<197x768xf32> {
  %a = kernel.alloc : memref<197x768xf32>
  kernel.compute (%m = 197, %n = 768) {
    %v = kernel.read %x[%m, %n] : memref<197x768xf32>
    kernel.write %v, %a[%m, %n] : memref<197x768xf32>
  }
  %b = kernel.alloc : memref<197x768xf32>
  kernel.compute (%m = 197, %n = 768) {
    %v = kernel.read %a[%m, %n] : memref<197x768xf32>
    kernel.write %v, %b[%m, %n] : memref<197x768xf32>
  }
  func.return %b : memref<197x768xf32>
}

// -----

// Two strips would read weights of 8 MiB again, which do not stay in the cache: the 512 KiB in between do less.

// CHECK-LABEL: @weights
// CHECK-NOT:     scf.for
func.func @weights(%x: memref<8x4x4096xf32>, %w: memref<512x4096xf32>) -> memref<8x4x512xf32> {
  %a = kernel.alloc : memref<8x4x4096xf32>
  kernel.compute (%y = 8, %i = 4, %c = 4096) {
    %v = kernel.read %x[%y, %i, %c] : memref<8x4x4096xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %a[%y, %i, %c] : memref<8x4x4096xf32>
  }
  %b = kernel.alloc : memref<8x4x512xf32>
  kernel.compute (%z = 8, %j = 4, %o = 512) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4096) from %zero : f32 {
      %v = kernel.read %a[%z, %j, %k] : memref<8x4x4096xf32>
      %u = kernel.read %w[%o, %k] : memref<512x4096xf32>
      %p = arith.mulf %v, %u : f32
      kernel.yield %p : f32
    }
    kernel.write %s, %b[%z, %j, %o] : memref<8x4x512xf32>
  }
  func.return %b : memref<8x4x512xf32>
}

// -----

// A strip does not know which coefficients it has, where they depend on the row; it does where they come again in it.

// CHECK-LABEL: @coefficients
// CHECK:         scf.for
// CHECK:           kernel.table dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32> [%{{.*}} mod 2]
// CHECK-NOT:     scf.for
// CHECK:         kernel.compute (%{{.*}} = 16, %{{.*}} = 8192)
// CHECK:         kernel.compute (%{{.*}} = 16, %{{.*}} = 8192)
func.func @coefficients(%x: memref<16x8192xf32>) -> (memref<32x8192xf32>, memref<16x8192xf32>) {
  %a = kernel.alloc : memref<16x8192xf32>
  kernel.compute (%y = 16, %c = 8192) {
    %v = kernel.read %x[%y, %c] : memref<16x8192xf32>
    kernel.write %v, %a[%y, %c] : memref<16x8192xf32>
  }
  %b = kernel.alloc : memref<32x8192xf32>
  kernel.compute (%y = 32, %c = 8192) {
    %t = kernel.table dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32> [%y mod 2]
    %v = kernel.read %a[%y floordiv 2, %c] : memref<16x8192xf32>
    %p = arith.mulf %v, %t : f32
    kernel.write %p, %b[%y, %c] : memref<32x8192xf32>
  }
  %d = kernel.alloc : memref<16x8192xf32>
  kernel.compute (%y = 16, %c = 8192) {
    %v = kernel.read %x[%y, %c] : memref<16x8192xf32>
    kernel.write %v, %d[%y, %c] : memref<16x8192xf32>
  }
  %e = kernel.alloc : memref<16x8192xf32>
  kernel.compute (%z = 16, %c = 8192) {
    %t = kernel.table dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]> : tensor<16xf32> [%z]
    %v = kernel.read %d[%z, %c] : memref<16x8192xf32>
    %p = arith.mulf %v, %t : f32
    kernel.write %p, %e[%z, %c] : memref<16x8192xf32>
  }
  func.return %b, %e : memref<32x8192xf32>, memref<16x8192xf32>
}
