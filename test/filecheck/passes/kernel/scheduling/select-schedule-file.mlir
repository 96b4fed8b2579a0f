// RUN: webdnn-opt %s --pass-pipeline='kernel-select-schedule{schedules="%S/select-schedule.json"}' | filecheck %s
// RUN: not webdnn-opt %s --pass-pipeline='kernel-select-schedule{features=simd schedules="%S/select-schedule.json"}' 2>&1 | filecheck %s --check-prefix=MISFIT
// RUN: not webdnn-opt %s --pass-pipeline='kernel-select-schedule{schedules="%s"}' 2>&1 | filecheck %s --check-prefix=FILE
// RUN: not webdnn-opt %s --pass-pipeline='kernel-select-schedule{features=avx}' 2>&1 | filecheck %s --check-prefix=FEATURES

// A kernel that the file knows runs as it says.
// CHECK-LABEL: @matmul
// CHECK: schedule #kernel.schedule<tile [4, 12], order [1, 0], vector 1 by 4>
// CHECK: unroll #kernel.unroll<[4]>

// A schedule that does not fit the kernel is refused, and nothing is compiled.
// MISFIT: 'kernel.compute' cannot run as {{.*}}select-schedule.json says of 'sum 196x256 over 64 #4b70e5a1624b', simd: its tile of axis 1 is 6, which is no number of vectors of 4
// MISFIT-NEXT: hint: 'webdnn compile MODEL.onnx --print-schedules' prints schedules as they are written

// FILE: select-schedule-file.mlir: is not JSON
// FEATURES: there are no schedules for features 'avx'
kernel.func @matmul(%a: memref<12544xf32>, %w: memref<16384xf32>, %y: memref<50176xf32>) {
  kernel.compute (%m = 196, %n = 256) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 64) from %zero : f32 {
      %p = kernel.read %a[%m * 64 + %k] : memref<12544xf32>
      %q = kernel.read %w[%n floordiv 8 * 512 + %k * 8 + %n mod 8] : memref<16384xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.write %s, %y[%m * 256 + %n] : memref<50176xf32>
  }
}

// All others run as they would without it.
// CHECK-LABEL: @relu
// CHECK: schedule #kernel.schedule<tile [16], order [0], vector 0 by 4>
kernel.func @relu(%x1: memref<64xf32>, %y1: memref<64xf32>) {
  kernel.compute (%i = 64) {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %x1[%i] : memref<64xf32>
    %r = arith.maximumf %v, %zero : f32
    kernel.write %r, %y1[%i] : memref<64xf32>
  }
}
