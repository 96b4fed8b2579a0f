// RUN: webdnn-opt %s --pass-pipeline=kernel-form-kernels --verify-each --split-input-file | filecheck %s

// Equal computes are one function that is called twice; another shape is another function.

// CHECK:         kernel.func @map0(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>) {
// CHECK:           kernel.compute (%i = 8) {
// CHECK:         kernel.func @move1(%{{.*}}: memref<4xf32>, %{{.*}}: memref<8xf32>) {
// CHECK-NOT:     kernel.func
// CHECK-LABEL: @main
// CHECK:         kernel.call @map0(%x_1, %a_2) : memref<8xf32>, memref<8xf32>
// CHECK:         kernel.call @map0(%a_2, %b) : memref<8xf32>, memref<8xf32>
// CHECK:         kernel.call @move1(%y_1, %a_2) : memref<4xf32>, memref<8xf32>
func.func @main(%x: memref<8xf32>, %y: memref<4xf32>) -> memref<8xf32> {
  %a = kernel.alloc : memref<8xf32>
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %a[%i] : memref<8xf32>
  }
  %b = kernel.alloc : memref<8xf32>
  kernel.compute (%j = 8) {
    %u = kernel.read %a[%j] : memref<8xf32>
    %n = arith.negf %u : f32
    kernel.write %n, %b[%j] : memref<8xf32>
  }
  kernel.compute (%i = 4) {
    %v = kernel.read %y[%i] : memref<4xf32>
    kernel.write %v, %a[%i] : memref<8xf32>
  }
  func.return %b : memref<8xf32>
}

// -----

// A buffer that is read and written is one argument.

// CHECK:         kernel.func @map0(%{{.*}}: memref<8xf32>) {
// CHECK-LABEL: @in_place
// CHECK:         kernel.call @map0(%x_1) : memref<8xf32>
func.func @in_place(%x: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%i] : memref<8xf32>
    %n = arith.negf %v : f32
    kernel.write %n, %x[%i] : memref<8xf32>
  }
  func.return
}

// -----

// What the loop around a kernel counts is an argument; one function serves every step.

// CHECK:         kernel.func @move0(%{{.*}}: memref<5x8xf32>, %{{.*}}: memref<8xf32>, %[[N:.*]]: index) {
// CHECK-NEXT:      %[[T:.*]] = kernel.index [%[[N]]] of 5
// CHECK:             kernel.read %{{.*}}[%[[T]], %i]
// CHECK-NOT:     kernel.func
// CHECK-LABEL: @steps
// CHECK:         scf.for
// CHECK-NEXT:      %[[EVEN:.*]] = kernel.index [%{{.*}} * 2] of 5
// CHECK-NEXT:      kernel.call @move0(%x_1, %y_1) at %[[EVEN]] :
// CHECK-NEXT:      %[[ODD:.*]] = kernel.index [%{{.*}} * 2 + 1] of 5
// CHECK-NEXT:      kernel.call @move0(%x_1, %z) at %[[ODD]] :
func.func @steps(%x: memref<5x8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  %low = arith.constant 0 : index
  %high = arith.constant 2 : index
  %one = arith.constant 1 : index
  scf.for %trip = %low to %high step %one {
    %t = kernel.index [%trip * 2] of 5
    kernel.compute (%i = 8) {
      %v = kernel.read %x[%t, %i] : memref<5x8xf32>
      kernel.write %v, %y[%i] : memref<8xf32>
    }
    %u = kernel.index [%trip * 2 + 1] of 5
    kernel.compute (%i = 8) {
      %v = kernel.read %x[%u, %i] : memref<5x8xf32>
      kernel.write %v, %z[%i] : memref<8xf32>
    }
  }
  func.return
}
