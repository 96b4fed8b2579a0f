// RUN: not webdnn-opt %s --split-input-file 2>&1 | filecheck %s

// Without a value outside, indices must be proven inside.

// CHECK: 'kernel.read' does not verify: the indices may leave the shape [4], expected a value `outside`
func.func @leaves(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %a[%i + 1] : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// A read has an index for each axis.

// CHECK: 'kernel.read' does not verify: found 1 indices, expected 2
func.func @rank(%a: tensor<4x4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %a[%i] : tensor<4x4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// The body yields one scalar for each result, in the type that kernels compute in.

// CHECK: 'kernel.compute' does not verify: the body yields i32, expected f32
func.func @yields(%a: tensor<4xi32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %a[%i] : tensor<4xi32>
    kernel.yield %v : i32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// Without an inset, results have the shape of the axes.

// CHECK: 'kernel.compute' does not verify: the result has shape [5], expected that of the axes, [4]
func.func @shape(%a: tensor<4xf32>) -> tensor<5xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<5xf32> {
    %v = kernel.read %a[%i] : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<5xf32>
}

// -----

// Layers hold elements.

// CHECK: layers hold 0 elements, expected at least 1
kernel.func @layers(%a: memref<8xf32, #kernel.layers<0>>) {
}

// -----

// A schedule names as many axes as there are.

// CHECK: 'kernel.compute' does not verify: the schedule has 2 axes, expected 1
func.func @schedule(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> schedule #kernel.schedule<tile [4, 4], order [0, 1]> {
    %v = kernel.read %a[%i] : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// There is no axis to merge into.

// CHECK: the schedule merges axis 0 of 1 into axis 1
func.func @merge(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> schedule #kernel.schedule<tile [4], order [0], merge 0 into 1 by 2> {
    %v = kernel.read %a[%i] : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// A view has as many elements as what it shows.

// CHECK: 'kernel.reshape' does not verify: cannot view tensor<2x3xf32> as tensor<4xf32>: expected as many elements of the same type
func.func @view(%a: tensor<2x3xf32>) -> tensor<4xf32> {
  %0 = kernel.reshape %a : tensor<2x3xf32> -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// Operands of a concatenation fill its result.

// CHECK: 'kernel.concat' does not verify: operands of shapes {{\[\[2, 3\], \[2, 3\]\]}} do not fill [2, 7]
func.func @concat(%a: tensor<2x3xf32>) -> tensor<2x7xf32> {
  %0 = kernel.concat 1 %a, %a : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x7xf32>
  func.return %0 : tensor<2x7xf32>
}

// -----

// Writes go to memory, not to values.

// CHECK: 'kernel.write' does not verify: writes go to memrefs, found tensor<4xf32>
func.func @write(%a: tensor<4xf32>) {
  kernel.compute (%i = 4) {
    %v = kernel.read %a[%i] : tensor<4xf32>
    kernel.write %v, %a[%i] : tensor<4xf32>
  }
  func.return
}

// -----

// Axes are not empty.

// CHECK: 'kernel.compute' does not verify: axes have sizes [0], expected at least 1 each
func.func @empty() -> tensor<0xf32> {
  %0 = kernel.compute (%i = 0) -> tensor<0xf32> {
    %v = arith.constant 0.0 : f32
    kernel.yield %v : f32
  }
  func.return %0 : tensor<0xf32>
}

// -----

// Lanes do not come and go.

// CHECK: 'kernel.sitofp' does not verify: found types vector<4xi32>, vector<2xf32>, expected vectors of one length
func.func @lanes(%a: vector<4xi32>) -> vector<2xf32> {
  %0 = kernel.sitofp %a : (vector<4xi32>) -> vector<2xf32>
  func.return %0 : vector<2xf32>
}

// -----

// A table has an element for every index.

// CHECK: 'kernel.table' does not verify: the indices may leave the table of shape [2]
func.func @table() -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %c = kernel.table dense<[1.0, -1.0]> : tensor<2xf32> [%i]
    kernel.yield %c : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// There is a first step.

// CHECK: 'kernel.scan' does not verify: found 0 steps, expected at least 1
func.func @no_steps() {
  kernel.scan (%t = 0) {
    kernel.yield
  }
  func.return
}

// -----

// Every carried value becomes something.

// CHECK: 'kernel.scan' does not verify: the body yields 0 values, expected the 1 carried ones and a row for each of 0 stacked results
func.func @nothing_next(%a: tensor<8xf32>) {
  %0 = kernel.scan (%t = 2) carried (%h = %a : tensor<8xf32>) {
    kernel.yield
  }
  func.return
}

// -----

// A carried value keeps its type.

// CHECK: 'kernel.scan' does not verify: the body yields tensor<4xf32>, expected tensor<8xf32>
func.func @other_next(%a: tensor<8xf32>, %b: tensor<4xf32>) {
  %0 = kernel.scan (%t = 2) carried (%h = %a : tensor<8xf32>) {
    kernel.yield %b : tensor<4xf32>
  }
  func.return
}

// -----

// A stack has a row for each step.

// CHECK: 'kernel.scan' does not verify: a stack of 2 rows cannot be tensor<3x8xf32>
func.func @stack(%a: tensor<8xf32>) {
  %0 = kernel.scan (%t = 2) stacked tensor<3x8xf32> {
    kernel.yield %a : tensor<8xf32>
  }
  func.return
}

// -----

// Counters come behind buffers.

// CHECK: 'kernel.func' does not verify: found a buffer after a counter, expected all buffers first
kernel.func @counters_first(%n: index, %y: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %zero = arith.constant 0.0 : f32
    kernel.write %zero, %y[%i] : memref<8xf32>
  }
}

// -----

// CHECK: 'kernel.func' does not verify: names others but no variant that it is itself, expected both or neither
kernel.func @nameless(%y: memref<8xf32>) others @other {
}

// -----

// CHECK: 'kernel.subgroup_reduce' does not verify: found f64 that become f64, expected f32, i32 or index, or vectors, that stay so
kernel.func @doubles(%x: memref<8xf64>) {
  %v = kernel.read %x[0] : memref<8xf64>
  %s = kernel.subgroup_reduce add %v : f64
}

// -----

// CHECK: 'kernel.subgroup_reduce' does not verify: found 'or' of f32, expected integers
kernel.func @either(%x: memref<8xf32>) {
  %v = kernel.read %x[0] : memref<8xf32>
  %s = kernel.subgroup_reduce or %v : f32
}

// -----

// CHECK: 'kernel.subgroup_shuffle' does not verify: found bits 128, expected 1 to 127
kernel.func @far(%x: memref<8xf32>) {
  %v = kernel.read %x[0] : memref<8xf32>
  %s = kernel.subgroup_shuffle xor 128 %v : f32
}

// -----

// CHECK: 'kernel.prefetch' does not verify: found 1 indices, expected 2
kernel.func @prefetched(%x: memref<4x8xf32>) {
  %zero = arith.constant 0 : index
  kernel.prefetch %x[%zero] : memref<4x8xf32>
}

// -----

// A fold has steps.

// CHECK: 'kernel.fold' does not verify: found 0 steps, expected at least 1
func.func @fold() {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.fold (%k = 0) carried (%a = %zero : f32) {
      kernel.yield %a : f32
    }
  }
  func.return
}

// -----

// It carries floats.

// CHECK: 'kernel.fold' does not verify: carries i32, expected floats
func.func @fold() {
  kernel.compute () {
    %zero = arith.constant 0 : i32
    %s = kernel.fold (%k = 2) carried (%a = %zero : i32) {
      kernel.yield %a : i32
    }
  }
  func.return
}

// -----

// A step gives each carried value.

// CHECK: 'kernel.fold' does not verify: the body yields f32, f32, expected f32
func.func @fold() {
  kernel.compute () {
    %zero = arith.constant 0.0 : f32
    %s = kernel.fold (%k = 2) carried (%a = %zero : f32) {
      kernel.yield %a, %a : f32, f32
    }
  }
  func.return
}
