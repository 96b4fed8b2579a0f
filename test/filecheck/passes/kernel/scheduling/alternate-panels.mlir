// RUN: webdnn-opt %s --pass-pipeline='kernel-alternate-panels{bytes=4096}' --verify-each --split-input-file | filecheck %s

// In odd steps the last panel of the matrix comes first.

// CHECK-LABEL: @steps
// CHECK-NEXT:    %[[EVEN:.*]] = kernel.inside [%step mod 2] of [1]
// CHECK:         scf.for %[[P:.*]] = %zero to %four step %one {
// CHECK-NEXT:      %[[FORTH:.*]] = kernel.index [%[[P]]]
// CHECK-NEXT:      %[[BACK:.*]] = kernel.index [%[[P]] * -1 + 3]
// CHECK-NEXT:      %[[CHOSEN:.*]] = arith.select %[[EVEN]], %[[FORTH]], %[[BACK]] : index
// CHECK-NEXT:      %[[PANEL:.*]] = kernel.index [%[[CHOSEN]]] of 4
// CHECK-NEXT:      %[[START:.*]] = kernel.read %x[%step * 16 + %[[PANEL]] * 4]
// CHECK:             kernel.read %w[%[[PANEL]] * 256 + %{{.*}} * 4]
// CHECK:           kernel.write %{{.*}}, %y[%[[PANEL]] * 4]
kernel.func @steps(%x: memref<160xf32>, %w: memref<1024xf32>, %y: memref<16xf32>, %step: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  scf.for %p = %zero to %four step %one {
    %start = kernel.read %x[%step * 16 + %p * 4] : memref<160xf32>, vector<4xf32>
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %start) -> (vector<4xf32>) {
      %v = kernel.read %w[%p * 256 + %k * 4] : memref<1024xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 4] : memref<16xf32>, vector<4xf32>
  }
}

// -----

// Of trips that threads share, each chunk turns around by itself.

// CHECK-LABEL: @chunks
// CHECK:         %[[LOW:.*]] = kernel.index [%chunk * 4]
// CHECK:         %[[HIGH:.*]] = kernel.index [%chunk * 4 + 4]
// CHECK:         scf.for %[[P:.*]] = %[[LOW]] to %[[HIGH]] step %one {
// CHECK:           kernel.index [%[[LOW]] + %[[HIGH]] + %[[P]] * -1 + -1]
// CHECK:           kernel.index [%{{.*}}] of 8
kernel.func @chunks(%w: memref<2048xf32>, %y: memref<32xf32>, %step: index) {
  %chunk = kernel.id "chunk" of 2
  %low = kernel.index [%chunk * 4]
  %high = kernel.index [%chunk * 4 + 4]
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %low to %high step %one {
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %w[%p * 256 + %k * 4] : memref<2048xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 4] : memref<32xf32>, vector<4xf32>
  }
}

// -----

// Left alone: a kernel that no loop calls.

// CHECK-LABEL: @once
// CHECK-NOT:     arith.select
kernel.func @once(%w: memref<1024xf32>, %y: memref<16xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %four step %one {
    %s = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %w[%p * 256 + %k * 4] : memref<1024xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %s, %y[%p * 4] : memref<16xf32>, vector<4xf32>
  }
}

// -----

// Left alone: a small matrix, one of which each step reads another part, and trips that read what trips write.

// CHECK-LABEL: @other
// CHECK-NOT:     arith.select
kernel.func @other(%s: memref<512xf32>, %w: memref<8192xf32>, %y: memref<1024xf32>, %step: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %four = arith.constant 4 : index
  %many = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<4xf32>
  scf.for %p = %zero to %two step %one {
    %r = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %s[%p * 256 + %k * 4] : memref<512xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %r, %y[%p * 4] : memref<1024xf32>, vector<4xf32>
  }
  scf.for %p = %zero to %four step %one {
    %r = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %w[%step * 1024 + %p * 256 + %k * 4] : memref<8192xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %r, %y[%p * 4] : memref<1024xf32>, vector<4xf32>
  }
  scf.for %p = %zero to %four step %one {
    %r = scf.for %k = %zero to %many step %one iter_args(%a = %none) -> (vector<4xf32>) {
      %v = kernel.read %y[%p * 256 + %k * 4] : memref<1024xf32>, vector<4xf32>
      %t = arith.addf %a, %v : vector<4xf32>
      scf.yield %t : vector<4xf32>
    }
    kernel.write %r, %y[%p * 4] : memref<1024xf32>, vector<4xf32>
  }
}
