// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-buffers --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-assign-buffers{in-place=false} --split-input-file | filecheck %s --check-prefix=APART

// A result takes the buffer of an operand that dies and is read where it is written; an argument is never overwritten.

// CHECK-LABEL: @chain(%x: memref<8xf32>) -> memref<8xf32>
// CHECK:         %[[A:.*]] = kernel.alloc : memref<8xf32>
// CHECK:         kernel.read %x[%i]
// CHECK:         kernel.write %{{.*}}, %[[A]][%i] : memref<8xf32>
// CHECK-NOT:     kernel.alloc
// CHECK:         kernel.read %[[A]][%i_1]
// CHECK:         kernel.write %{{.*}}, %[[A]][%i_1]
// CHECK:         func.return %[[A]]
// APART-LABEL: @chain
// APART-COUNT-2: kernel.alloc
func.func @chain(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %0[%i] : tensor<8xf32>
    %n = math.absf %v : f32
    kernel.yield %n : f32
  }
  func.return %1 : tensor<8xf32>
}

// -----

// h is needed by the sum after its window was read: relu(h) must not take its buffer, but the sum may.

// CHECK-LABEL: @residual
// CHECK:         %[[H:.*]] = kernel.alloc
// CHECK:         kernel.write %{{.*}}, %[[H]][%i]
// CHECK:         %[[R:.*]] = kernel.alloc
// CHECK:         kernel.read %[[H]][%i_1]
// CHECK:         kernel.write %{{.*}}, %[[R]][%i_1]
// CHECK:         kernel.reduce add
// CHECK:           kernel.read %[[R]]
// CHECK:         kernel.read %[[H]][%i_2]
// CHECK:         kernel.write %{{.*}}, %[[H]][%i_2]
// CHECK:         func.return %[[H]]
func.func @residual(%x: tensor<8xf32>) -> tensor<8xf32> {
  %h = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %r = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %h[%i] : tensor<8xf32>
    %n = math.absf %v : f32
    kernel.yield %n : f32
  }
  %y = kernel.compute (%i = 8) -> tensor<8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %v = kernel.read %r[%i + %k + -1] outside %zero : tensor<8xf32>
      kernel.yield %v : f32
    }
    %v = kernel.read %h[%i] : tensor<8xf32>
    %n = arith.addf %s, %v : f32
    kernel.yield %n : f32
  }
  func.return %y : tensor<8xf32>
}

// -----

// An operand that is read at another point, or after a view of it is needed later, keeps its buffer.

// CHECK-LABEL: @elsewhere
// CHECK:         %[[A:.*]] = kernel.alloc
// CHECK:         kernel.write %{{.*}}, %[[A]][%i]
// CHECK:         %[[B:.*]] = kernel.alloc
// CHECK:         kernel.read %[[A]][%i_1 * -1 + 7]
// CHECK:         kernel.write %{{.*}}, %[[B]][%i_1]
// CHECK:         %[[C:.*]] = kernel.alloc : memref<2x4xf32>
// CHECK:         kernel.read %[[A]][%j * 4 + %k]
// CHECK:         kernel.write %{{.*}}, %[[C]][%j, %k]
// CHECK:         func.return %[[B]], %[[C]]
func.func @elsewhere(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<2x4xf32>) {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.reshape %0 : tensor<8xf32> -> tensor<2x4xf32>
  %2 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %0[%i * -1 + 7] : tensor<8xf32>
    kernel.yield %v : f32
  }
  %3 = kernel.compute (%j = 2, %k = 4) -> tensor<2x4xf32> {
    %v = kernel.read %1[%j, %k] : tensor<2x4xf32>
    %w = kernel.read %1[%j, 0] : tensor<2x4xf32>
    %u = arith.addf %v, %w : f32
    kernel.yield %u : f32
  }
  func.return %2, %3 : tensor<8xf32>, tensor<2x4xf32>
}

// -----

// Operands of concatenations are made in their places, also in nested ones; nothing is copied.

// CHECK-LABEL: @nested
// CHECK:         %[[A:.*]] = kernel.alloc : memref<7xf32>
// CHECK-NOT:     kernel.alloc
// CHECK:         kernel.write %{{.*}}, %[[A]][%i + 2] : memref<7xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%i_1 + 4] : memref<7xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%i_2] : memref<7xf32>
// CHECK-NOT:     kernel.compute
// CHECK:         func.return %[[A]]
func.func @nested(%x: tensor<3xf32>) -> tensor<7xf32> {
  %0 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %v = kernel.read %x[%i] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.compute (%i = 3) -> tensor<3xf32> {
    %v = kernel.read %x[%i] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %2 = kernel.concat 0 %0, %1 : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
  %3 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %v = kernel.read %x[%i + 1] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %4 = kernel.concat 0 %3, %2 : tensor<2xf32>, tensor<5xf32> -> tensor<7xf32>
  func.return %4 : tensor<7xf32>
}

// -----

// An argument, and an operand that is there twice, are copied to their places; a border is written where it lies.

// CHECK-LABEL: @copied
// CHECK:         %[[A:.*]] = kernel.alloc : memref<14xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%i + 4] : memref<14xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 3] : memref<14xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 7] : memref<14xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}}] : memref<14xf32>
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 8] : memref<14xf32>
// CHECK:         func.return %[[A]]
func.func @copied(%x: tensor<3xf32>) -> tensor<14xf32> {
  %0 = kernel.compute (%i = 3) -> tensor<5xf32> inset [1] {
    %v = kernel.read %x[%i] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.concat 0 %x, %0, %x, %x : tensor<3xf32>, tensor<5xf32>, tensor<3xf32>, tensor<3xf32> -> tensor<14xf32>
  func.return %1 : tensor<14xf32>
}

// -----

// Reads of an operand that lives inside a larger buffer are guarded by its own bounds.

// CHECK-LABEL: @guarded
// CHECK:         %[[P:.*]] = kernel.inside [%i_2 + -1] of [2]
// CHECK:         %[[V:.*]] = kernel.read %[[A:.*]][%i_2 + 2] : memref<5xf32>
// CHECK:         arith.select %[[P]], %[[V]], %zero : f32
func.func @guarded(%x: tensor<3xf32>) -> (tensor<5xf32>, tensor<4xf32>) {
  %0 = kernel.compute (%i = 3) -> tensor<3xf32> {
    %v = kernel.read %x[%i] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %v = kernel.read %x[%i] : tensor<3xf32>
    kernel.yield %v : f32
  }
  %2 = kernel.concat 0 %0, %1 : tensor<3xf32>, tensor<2xf32> -> tensor<5xf32>
  %3 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %1[%i + -1] outside %zero : tensor<2xf32>
    kernel.yield %v : f32
  }
  func.return %2, %3 : tensor<5xf32>, tensor<4xf32>
}

// -----

// A border on two axes is filled by slabs, none of which writes a point twice.

// CHECK-LABEL: @border
// CHECK:         kernel.write %{{.*}}, %[[A:.*]][%i + 1, %j + 1] : memref<4x5xf32>
// CHECK:         kernel.compute (%{{.*}} = 1, %{{.*}} = 5) {
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}}, %{{.*}}] : memref<4x5xf32>
// CHECK:         kernel.compute (%{{.*}} = 1, %{{.*}} = 5) {
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 3, %{{.*}}] : memref<4x5xf32>
// CHECK:         kernel.compute (%{{.*}} = 2, %{{.*}} = 1) {
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 1, %{{.*}}] : memref<4x5xf32>
// CHECK:         kernel.compute (%{{.*}} = 2, %{{.*}} = 1) {
// CHECK:         kernel.write %{{.*}}, %[[A]][%{{.*}} + 1, %{{.*}} + 4] : memref<4x5xf32>
func.func @border(%x: tensor<2x3xf32>) -> tensor<4x5xf32> {
  %0 = kernel.compute (%i = 2, %j = 3) -> tensor<4x5xf32> inset [1, 1] {
    %v = kernel.read %x[%i, %j] : tensor<2x3xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4x5xf32>
}

// -----

// A result that is an argument, or another result again, gets a buffer of its own.

// CHECK-LABEL: @outputs
// CHECK:         %[[A:.*]] = kernel.alloc
// CHECK:         %[[B:.*]] = kernel.alloc
// CHECK:         kernel.read %x
// CHECK:         %[[C:.*]] = kernel.alloc
// CHECK:         kernel.read %[[A]]
// CHECK:         func.return %[[B]], %[[A]], %[[C]]
func.func @outputs(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  func.return %x, %0, %0 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// What depends on constants alone is computed once, and its buffer is not overwritten.

// CHECK-LABEL: @once
// CHECK:         %[[A:.*]] = kernel.alloc
// CHECK:         kernel.compute once
// CHECK:           kernel.write %{{.*}}, %[[A]]
// CHECK:         %[[B:.*]] = kernel.alloc
// CHECK:         kernel.compute (%
// CHECK:           kernel.write %{{.*}}, %[[B]]
func.func @once(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = dnn.constant #dnn.weight<w1 : tensor<4xf32>> : tensor<4xf32>
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %w[%i] : tensor<4xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %0[%i] : tensor<4xf32>
    %u = kernel.read %x[%i] : tensor<4xf32>
    %s = arith.addf %u, %v : f32
    kernel.yield %s : f32
  }
  func.return %1 : tensor<4xf32>
}

// -----

// A step writes over a carried value that it reads only where it writes, and its row where it is stacked.

// CHECK-LABEL: @state
// CHECK:         %[[H:.*]] = kernel.alloc : memref<8xf32>
// CHECK-NEXT:    kernel.compute (%i = 8) {
// CHECK:           kernel.write %{{.*}}, %[[H]][%i]
// CHECK:         %[[Y:.*]] = kernel.alloc : memref<2x3x8xf32>
// CHECK:         scf.for %[[TRIP:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT:      %t = kernel.index [%[[TRIP]] * -1 + 2] of 3
// CHECK-NEXT:      kernel.compute (%i_1 = 8) {
// CHECK:             kernel.read %[[H]][%i_1]
// CHECK:             kernel.write %[[S:.*]], %[[H]][%i_1]
// CHECK-NEXT:        kernel.write %[[S]], %[[Y]][0, %t, %i_1]
// CHECK-NOT:     kernel.alloc
// APART-LABEL: @state
// APART:         scf.for
// APART:           kernel.read %[[A:.*]][%
// APART:           kernel.write %{{.*}}, %[[B:.*]][%
// APART:         func.return
func.func @state(%x: tensor<3x8xf32>, %z: tensor<8xf32>) -> tensor<2x3x8xf32> {
  %last, %rows = kernel.scan (%t = 3) reverse carried (%h = %z : tensor<8xf32>) stacked tensor<3x8xf32> {
    %next = kernel.compute (%i = 8) -> tensor<8xf32> {
      %a = kernel.read %x[%t, %i] : tensor<3x8xf32>
      %b = kernel.read %h[%i] : tensor<8xf32>
      %c = arith.addf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
  }
  %one = kernel.reshape %rows : tensor<3x8xf32> -> tensor<1x3x8xf32>
  %other = kernel.compute (%a = 1, %b = 3, %c = 8) -> tensor<1x3x8xf32> {
    %v = kernel.read %x[%b, %c] : tensor<3x8xf32>
    kernel.yield %v : f32
  }
  %both = kernel.concat 0 %one, %other : tensor<1x3x8xf32>, tensor<1x3x8xf32> -> tensor<2x3x8xf32>
  func.return %both : tensor<2x3x8xf32>
}

// -----

// Where a step reads a carried value elsewhere, two buffers change places; the last step leaves it in the result's.

// CHECK-LABEL: @exchange
// CHECK:         %[[B:.*]] = kernel.alloc : memref<8xf32>
// CHECK:           kernel.write %{{.*}}, %[[B]][%i]
// CHECK:         %[[A:.*]] = kernel.alloc : memref<8xf32>
// CHECK:         scf.for %[[TRIP:.*]] =
// CHECK-NEXT:      %t = kernel.index [%[[TRIP]] * 2] of 5
// CHECK:             kernel.read %[[B]][%i_1 * -1 + 7]
// CHECK:             kernel.write %{{.*}}, %[[A]][%i_1]
// CHECK:           %t_1 = kernel.index [%[[TRIP]] * 2 + 1] of 5
// CHECK:             kernel.read %[[A]][%i_2 * -1 + 7]
// CHECK:             kernel.write %{{.*}}, %[[B]][%i_2]
// CHECK:         %t_2 = kernel.index [4] of 5
// CHECK:           kernel.read %[[B]][%i_3 * -1 + 7]
// CHECK:           kernel.write %{{.*}}, %[[A]][%i_3]
// CHECK:         func.return %[[A]]
func.func @exchange(%z: tensor<8xf32>) -> tensor<8xf32> {
  %last = kernel.scan (%t = 5) carried (%h = %z : tensor<8xf32>) {
    %next = kernel.compute (%i = 8) -> tensor<8xf32> {
      %b = kernel.read %h[%i * -1 + 7] : tensor<8xf32>
      kernel.yield %b : f32
    }
    kernel.yield %next : tensor<8xf32>
  }
  func.return %last : tensor<8xf32>
}

// -----

// What a scan begins with is written each time, though it reads only constants: its steps write over it.

// CHECK-LABEL: @again
// CHECK-NOT:     once
func.func @again() -> tensor<8xf32> {
  %zero = kernel.compute (%i = 8) -> tensor<8xf32> {
    %c = arith.constant 0.0 : f32
    kernel.yield %c : f32
  }
  %last = kernel.scan (%t = 2) carried (%h = %zero : tensor<8xf32>) {
    %next = kernel.compute (%i = 8) -> tensor<8xf32> {
      %v = kernel.read %h[%i] : tensor<8xf32>
      %w = arith.addf %v, %v : f32
      kernel.yield %w : f32
    }
    kernel.yield %next : tensor<8xf32>
  }
  func.return %last : tensor<8xf32>
}

// -----

// An axis of one point is 0, whether a read says so or not.

// CHECK-LABEL: @one
// CHECK:         kernel.alloc : memref<1x8xf32>
// CHECK-NOT:     kernel.alloc
// CHECK:         func.return
func.func @one(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %a = kernel.compute (%n = 1, %i = 8) -> tensor<1x8xf32> {
    %v = kernel.read %x[%n, %i] : tensor<1x8xf32>
    %p = arith.negf %v : f32
    kernel.yield %p : f32
  }
  %b = kernel.compute (%n = 1, %i = 8) -> tensor<1x8xf32> {
    %v = kernel.read %a[0, %i] : tensor<1x8xf32>
    %p = math.absf %v : f32
    kernel.yield %p : f32
  }
  func.return %b : tensor<1x8xf32>
}
