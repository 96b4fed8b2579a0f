// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-producers --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-producers{prologues=true} --split-input-file | filecheck %s --check-prefix=PROLOGUES
// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-producers{max-inputs=2} --split-input-file | filecheck %s --check-prefix=FEW
// RUN: webdnn-opt %s --pass-pipeline=kernel-fuse-producers{decode=2} --split-input-file | filecheck %s --check-prefix=DECODE

// A reduction is inlined in the one kernel that wants each of its points once: an epilogue, here with a residual.

// CHECK-LABEL: @epilogue
// CHECK:         kernel.compute (%i = 2, %j = 4) -> tensor<2x4xf32> {
// CHECK:           %[[S:.*]] = kernel.reduce add
// CHECK:           %[[R:.*]] = kernel.read %r[%i, %j] : tensor<2x4xf32>
// CHECK:           arith.addf %[[S]], %[[R]] : f32
// CHECK-NOT:     kernel.compute
// Three inputs are more than two.
// FEW-LABEL: @epilogue
// FEW-COUNT-2: kernel.compute
func.func @epilogue(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = kernel.compute (%m = 2, %n = 4) -> tensor<2x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x3xf32>
      %b = kernel.read %w[%k, %n] : tensor<3x4xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  %1 = kernel.compute (%i = 2, %j = 4) -> tensor<2x4xf32> {
    %v = kernel.read %0[%i, %j] : tensor<2x4xf32>
    %u = kernel.read %r[%i, %j] : tensor<2x4xf32>
    %y = arith.addf %v, %u : f32
    kernel.yield %y : f32
  }
  func.return %1 : tensor<2x4xf32>
}

// -----

// A reduction with two readers, or a reader that is a reduction, stays a kernel.

// CHECK-LABEL: @shared
// CHECK-COUNT-3: kernel.compute
// PROLOGUES-LABEL: @shared
// PROLOGUES-COUNT-3: kernel.compute
func.func @shared(%x: tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = kernel.compute (%m = 2) -> tensor<2xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<2x3xf32>
      kernel.yield %a : f32
    }
    kernel.yield %s : f32
  }
  %1 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %v = kernel.read %0[%i] : tensor<2xf32>
    %y = arith.addf %v, %v : f32
    kernel.yield %y : f32
  }
  %2 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %one = arith.constant 1.0 : f32
    %p = kernel.reduce mul (%k = 2) from %one : f32 {
      %v = kernel.read %0[%k] : tensor<2xf32>
      kernel.yield %v : f32
    }
    kernel.yield %p : f32
  }
  func.return %1, %2 : tensor<2xf32>, tensor<2xf32>
}

// -----

// Element-wise work that would be done once for each of many readers stays; few repetitions of cheap work do not matter.

// CHECK-LABEL: @repeated
// CHECK:         kernel.compute (%i = 8) -> tensor<8xf32> {
// CHECK:         kernel.compute (%i_1 = 64, %j = 8) -> tensor<64x8xf32> {
// CHECK-NEXT:      kernel.read %0[%j] : tensor<8xf32>
// CHECK:         kernel.compute (%i_2 = 4, %j_1 = 64) -> tensor<4x64xf32> {
// CHECK-NEXT:      %[[V:.*]] = kernel.read %y[%j_1] : tensor<64xf32>
// CHECK-NEXT:      arith.addf %[[V]], %[[V]] : f32
func.func @repeated(%x: tensor<8xf32>, %y: tensor<64xf32>) -> (tensor<64x8xf32>, tensor<4x64xf32>) {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %w = arith.addf %v, %v : f32
    kernel.yield %w : f32
  }
  %1 = kernel.compute (%i = 64, %j = 8) -> tensor<64x8xf32> {
    %v = kernel.read %0[%j] : tensor<8xf32>
    kernel.yield %v : f32
  }
  %2 = kernel.compute (%i = 64) -> tensor<64xf32> {
    %v = kernel.read %y[%i] : tensor<64xf32>
    %w = arith.addf %v, %v : f32
    kernel.yield %w : f32
  }
  %3 = kernel.compute (%i = 4, %j = 64) -> tensor<4x64xf32> {
    %v = kernel.read %2[%j] : tensor<64xf32>
    kernel.yield %v : f32
  }
  func.return %1, %3 : tensor<64x8xf32>, tensor<4x64xf32>
}

// -----

// What lies outside is outside of the producer's result: padding applies after the prologue. Where the index leaves,
// the producer's own read gets a value outside too.

// CHECK-LABEL: @padded
// CHECK:         kernel.compute (%i = 6) -> tensor<6xf32> {
// CHECK:           %[[OUTSIDE:.*]] = arith.constant 5.000000e+00 : f32
// CHECK:           %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:           %[[V:.*]] = kernel.read %x[%i + -1] outside %[[ZERO]] : tensor<4xf32>
// CHECK:           %[[N:.*]] = arith.negf %[[V]] : f32
// CHECK:           %[[P:.*]] = kernel.inside [%i + -1] of [4]
// CHECK:           arith.select %[[P]], %[[N]], %[[OUTSIDE]] : f32
func.func @padded(%x: tensor<4xf32>) -> tensor<6xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %x[%i] : tensor<4xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.compute (%i = 6) -> tensor<6xf32> {
    %five = arith.constant 5.0 : f32
    %v = kernel.read %0[%i + -1] outside %five : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %1 : tensor<6xf32>
}

// -----

// A reshape in between is a view: indices go through its row-major positions.

// CHECK-LABEL: @through_view
// CHECK:         kernel.compute (%i = 3, %j = 4) -> tensor<3x4xf32> {
// CHECK-NEXT:      kernel.read %x[%i * 4 + %j] : tensor<12xf32>
// CHECK-NOT:     kernel.reshape
func.func @through_view(%x: tensor<12xf32>) -> tensor<3x4xf32> {
  %0 = kernel.compute (%i = 12) -> tensor<12xf32> {
    %v = kernel.read %x[%i] : tensor<12xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.reshape %0 : tensor<12xf32> -> tensor<3x4xf32>
  %2 = kernel.compute (%i = 3, %j = 4) -> tensor<3x4xf32> {
    %v = kernel.read %1[%i, %j] : tensor<3x4xf32>
    %a = math.absf %v : f32
    kernel.yield %a : f32
  }
  func.return %2 : tensor<3x4xf32>
}

// -----

// Where an index may leave the view, its position would be another element: that stays a kernel.

// CHECK-LABEL: @beyond_view
// CHECK-COUNT-2: kernel.compute
func.func @beyond_view(%x: tensor<12xf32>) -> tensor<3x4xf32> {
  %0 = kernel.compute (%i = 12) -> tensor<12xf32> {
    %v = kernel.read %x[%i] : tensor<12xf32>
    %n = arith.negf %v : f32
    kernel.yield %n : f32
  }
  %1 = kernel.reshape %0 : tensor<12xf32> -> tensor<3x4xf32>
  %2 = kernel.compute (%i = 3, %j = 4) -> tensor<3x4xf32> {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %1[%i, %j + 1] outside %zero : tensor<3x4xf32>
    kernel.yield %v : f32
  }
  func.return %2 : tensor<3x4xf32>
}

// -----

// Short integers wrap when they are stored, and so they do when they are not; a value that fits is taken as it is.

// CHECK-LABEL: @bytes
// CHECK:         %[[S:.*]] = arith.addi
// CHECK:         %[[U:.*]] = arith.shli %[[S]], %[[C:.*]] : i32
// CHECK:         %[[W:.*]] = arith.shrui %[[U]], %[[C]] : i32
// CHECK:         arith.sitofp %[[W]] : i32 to f32
// CHECK:         %[[M:.*]] = arith.minsi
// CHECK-NEXT:    arith.sitofp %[[M]] : i32 to f32
func.func @bytes(%x: tensor<4xui8>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = kernel.compute (%i = 4) -> tensor<4xui8> {
    %v = kernel.read %x[%i] : tensor<4xui8>
    %s = arith.addi %v, %v : i32
    kernel.yield %s : i32
  }
  %1 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %0[%i] : tensor<4xui8>
    %f = arith.sitofp %v : i32 to f32
    kernel.yield %f : f32
  }
  %2 = kernel.compute (%i = 4) -> tensor<4xui8> {
    %v = kernel.read %x[%i] : tensor<4xui8>
    %seven = arith.constant 7 : i32
    %s = arith.minsi %v, %seven : i32
    kernel.yield %s : i32
  }
  %3 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %2[%i] : tensor<4xui8>
    %f = arith.sitofp %v : i32 to f32
    kernel.yield %f : f32
  }
  func.return %1, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Moves may be repeated inside a reduction only as prologues.

// CHECK-LABEL: @move
// CHECK-COUNT-2: kernel.compute
// PROLOGUES-LABEL: @move
// PROLOGUES:     kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
// PROLOGUES:       kernel.read %x[%m, %k] : tensor<8x4xf32>
// PROLOGUES-NOT: kernel.compute
func.func @move(%x: tensor<8x4xf32>, %w: tensor<4x8xf32>) -> tensor<8x8xf32> {
  %0 = kernel.compute (%k = 4, %m = 8) -> tensor<4x8xf32> {
    %v = kernel.read %x[%m, %k] : tensor<8x4xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.compute (%m = 8, %n = 8) -> tensor<8x8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %0[%k, %m] : tensor<4x8xf32>
      %b = kernel.read %w[%k, %n] : tensor<4x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  func.return %1 : tensor<8x8xf32>
}

// -----

// A copy stays that puts the steps of a sum side by side, which are read in vectors then.

// PROLOGUES-LABEL: @turned
// PROLOGUES-COUNT-2: kernel.compute
// PROLOGUES:       kernel.read %0[%{{.*}}, %{{.*}}] : tensor<64x4xf32>
func.func @turned(%x: tensor<4x64xf32>, %w: tensor<4x8xf32>) -> tensor<64x8xf32> {
  %0 = kernel.compute (%m = 64, %k = 4) -> tensor<64x4xf32> {
    %v = kernel.read %x[%k, %m] : tensor<4x64xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.compute (%m = 64, %n = 8) -> tensor<64x8xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %0[%m, %k] : tensor<64x4xf32>
      %b = kernel.read %w[%k, %n] : tensor<4x8xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  func.return %1 : tensor<64x8xf32>
}

// -----

// Kernels of one step are fused like those of a function; what a step would compute again stays outside.

// CHECK-LABEL: @step
// CHECK:         kernel.compute (%i = 8) -> tensor<8xf32> {
// CHECK:           math.exp
// CHECK:         kernel.scan (%t = 3)
// CHECK-NEXT:      kernel.compute (%j = 8) -> tensor<8xf32> {
// CHECK:             arith.addf
// CHECK-NEXT:        arith.negf
// CHECK-NOT:       kernel.compute
// PROLOGUES-LABEL: @step
// FEW-LABEL: @step
func.func @step(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.compute (%i = 8) -> tensor<8xf32> {
    %v = kernel.read %x[%i] : tensor<8xf32>
    %e = math.exp %v : f32
    kernel.yield %e : f32
  }
  %last = kernel.scan (%t = 3) carried (%h = %x : tensor<8xf32>) {
    %1 = kernel.compute (%i = 8) -> tensor<8xf32> {
      %a = kernel.read %h[%i] : tensor<8xf32>
      %b = kernel.read %0[%i] : tensor<8xf32>
      %s = arith.addf %a, %b : f32
      kernel.yield %s : f32
    }
    %2 = kernel.compute (%j = 8) -> tensor<8xf32> {
      %v = kernel.read %1[%j] : tensor<8xf32>
      %n = arith.negf %v : f32
      kernel.yield %n : f32
    }
    kernel.yield %2 : tensor<8xf32>
  }
  func.return %last : tensor<8xf32>
}

// -----

// A compressed weight is decoded by a kernel that reads each element once, where that is allowed, and else when the
// model is loaded; always so where rows read it again.

// CHECK-LABEL: @decoded
// CHECK-COUNT-4: kernel.compute
// DECODE-LABEL: @decoded
// DECODE:         kernel.compute (%n = 2)
// DECODE:           kernel.reduce
// DECODE:             kernel.read %{{.*}}[%k, %n] : tensor<3x2xi8>
// DECODE:             arith.sitofp
// DECODE:         kernel.compute (%k_1 = 3, %n_1 = 2)
// DECODE:           arith.sitofp
// DECODE:         kernel.compute (%m = 5, %n_2 = 2)
// DECODE-NOT:     arith.sitofp
func.func @decoded(%x: tensor<3xf32>, %z: tensor<5x3xf32>) -> (tensor<2xf32>, tensor<5x2xf32>) {
  %q = dnn.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8> : tensor<3x2xi8>
  %w = kernel.compute (%k = 3, %n = 2) -> tensor<3x2xf32> {
    %i = kernel.read %q[%k, %n] : tensor<3x2xi8>
    %f = arith.sitofp %i : i32 to f32
    kernel.yield %f : f32
  }
  %0 = kernel.compute (%n = 2) -> tensor<2xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<3xf32>
      %b = kernel.read %w[%k, %n] : tensor<3x2xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  %u = kernel.compute (%k = 3, %n = 2) -> tensor<3x2xf32> {
    %i = kernel.read %q[%k, %n] : tensor<3x2xi8>
    %f = arith.sitofp %i : i32 to f32
    kernel.yield %f : f32
  }
  %1 = kernel.compute (%m = 5, %n = 2) -> tensor<5x2xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %a = kernel.read %z[%m, %k] : tensor<5x3xf32>
      %b = kernel.read %u[%k, %n] : tensor<3x2xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  func.return %0, %1 : tensor<2xf32>, tensor<5x2xf32>
}

// -----

// Where that is dear, small integers and shared scales are made when the model is loaded, and the rest is done inside.

// DECODE-LABEL: @decoded_in_parts
// DECODE:         %[[Q:.*]] = kernel.compute (%k = 16, %n = 2) -> tensor<16x2xi8>
// DECODE:         %[[S:.*]] = kernel.compute (%b = 2, %n_1 = 2) -> tensor<2x2xf32>
// DECODE:         kernel.compute (%n_2 = 2) -> tensor<2xf32>
// DECODE:           kernel.reduce
// DECODE-DAG:         kernel.read %[[Q]][%k_1, %n_2]
// DECODE-DAG:         kernel.read %[[S]][%k_1 floordiv 8, %n_2]
// DECODE:             arith.sitofp
// DECODE-NOT:     kernel.compute
// DECODE:         func.return
func.func @decoded_in_parts(%x: tensor<16xf32>) -> tensor<2xf32> {
  %p = dnn.constant dense<18> : tensor<8x2xui8> : tensor<8x2xui8>
  %h = dnn.constant dense<1.0> : tensor<2x2xf16> : tensor<2x2xf16>
  %q = kernel.compute (%k = 16, %n = 2) -> tensor<16x2xi8> {
    %byte = kernel.read %p[%k floordiv 2, %n] : tensor<8x2xui8>
    %sixteen = arith.constant 16 : i32
    %eight = arith.constant 8 : i32
    %first = kernel.inside [%k mod 2] of [1]
    %low = arith.remui %byte, %sixteen : i32
    %high = arith.divui %byte, %sixteen : i32
    %half = arith.select %first, %low, %high : i32
    %i = arith.subi %half, %eight : i32
    kernel.yield %i : i32
  }
  %s = kernel.compute (%b = 2, %n = 2) -> tensor<2x2xf32> {
    %f = kernel.read %h[%b, %n] : tensor<2x2xf16>
    kernel.yield %f : f32
  }
  %w = kernel.compute (%k = 16, %n = 2) -> tensor<16x2xf32> {
    %i = kernel.read %q[%k, %n] : tensor<16x2xi8>
    %scale = kernel.read %s[%k floordiv 8, %n] : tensor<2x2xf32>
    %f = arith.sitofp %i : i32 to f32
    %d = arith.mulf %f, %scale : f32
    kernel.yield %d : f32
  }
  %0 = kernel.compute (%n = 2) -> tensor<2xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 16) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<16xf32>
      %b = kernel.read %w[%k, %n] : tensor<16x2xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<2xf32>
}

// -----

// The sums of a transform by known coefficients are vectors of channels: what turns these is a copy of its own.
// CHECK-LABEL: func.func @turned_coefficients
// CHECK:         kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
// CHECK:           kernel.table
// CHECK:         kernel.compute (%c_1 = 4, %y_1 = 8) -> tensor<4x8xf32> {
// CHECK-NOT:       kernel.table
// CHECK:         func.return
func.func @turned_coefficients(%t: tensor<4x2x4xf32>) -> tensor<4x8xf32> {
  %s = kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%a = 2) from %zero : f32 {
      %k = kernel.table dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32> [%y mod 2, %a]
      %v = kernel.read %t[%y floordiv 2, %a, %c] : tensor<4x2x4xf32>
      %kv = arith.mulf %k, %v : f32
      kernel.yield %kv : f32
    }
    kernel.yield %sum : f32
  }
  %r = kernel.compute (%c = 4, %y = 8) -> tensor<4x8xf32> {
    %v = kernel.read %s[%y, %c] : tensor<8x4xf32>
    kernel.yield %v : f32
  }
  func.return %r : tensor<4x8xf32>
}

// -----

// What reads places by division (the phases of a dilated convolution) leaves the blocks of such sums as they are.
// CHECK-LABEL: func.func @divided_coefficients
// CHECK:         kernel.compute (%r = 2, %q = 4, %c = 4) -> tensor<2x4x4xf32> {
// CHECK:           kernel.table
// CHECK:         kernel.compute (%y = 8, %c_1 = 4) -> tensor<8x4xf32> {
// CHECK-NOT:       kernel.table
// CHECK:         func.return
func.func @divided_coefficients(%t: tensor<2x2x2x4xf32>) -> tensor<8x4xf32> {
  %s = kernel.compute (%r = 2, %q = 4, %c = 4) -> tensor<2x4x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%a = 2) from %zero : f32 {
      %k = kernel.table dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32> [%q mod 2, %a]
      %v = kernel.read %t[%r, %q floordiv 2, %a, %c] : tensor<2x2x2x4xf32>
      %kv = arith.mulf %k, %v : f32
      kernel.yield %kv : f32
    }
    kernel.yield %sum : f32
  }
  %r = kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
    %v = kernel.read %s[%y mod 2, %y floordiv 2, %c] : tensor<2x4x4xf32>
    %w = math.absf %v : f32
    kernel.yield %w : f32
  }
  func.return %r : tensor<8x4xf32>
}

// -----

// What leaves channels side by side runs behind it.
// CHECK-LABEL: func.func @kept_coefficients
// CHECK:         kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
// CHECK:           kernel.table
// CHECK:           arith.addf
// CHECK-NOT:     kernel.compute
func.func @kept_coefficients(%t: tensor<4x2x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %s = kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%a = 2) from %zero : f32 {
      %k = kernel.table dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32> [%y mod 2, %a]
      %v = kernel.read %t[%y floordiv 2, %a, %c] : tensor<4x2x4xf32>
      %kv = arith.mulf %k, %v : f32
      kernel.yield %kv : f32
    }
    kernel.yield %sum : f32
  }
  %r = kernel.compute (%y = 8, %c = 4) -> tensor<8x4xf32> {
    %v = kernel.read %s[%y, %c] : tensor<8x4xf32>
    %bias = kernel.read %b[%c] : tensor<4xf32>
    %w = arith.addf %v, %bias : f32
    kernel.yield %w : f32
  }
  func.return %r : tensor<8x4xf32>
}
