// RUN: webdnn-opt %s --pass-pipeline=kernel-pack-weights{panel=2} --verify-each --split-input-file | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline=kernel-pack-weights{align=4} --split-input-file | filecheck %s --check-prefix=ALIGN
// RUN: webdnn-opt %s --pass-pipeline=kernel-pack-weights{reorder=false} --split-input-file | filecheck %s --check-prefix=ASIS
// RUN: webdnn-opt %s --pass-pipeline='kernel-pack-weights{panel=2 pairs=true}' --split-input-file | filecheck %s --check-prefix=PAIRS

// The weight of a matrix product is stored in panels of columns, a panel by rows; a bias keeps its order.

// CHECK-LABEL: @product
// CHECK-DAG:     %[[W:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<2x3x2xf32>>
// CHECK-DAG:     %[[B:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<4xf32>>
// CHECK:         kernel.read %[[B]][%n] : tensor<4xf32>
// CHECK:         kernel.read %[[W]][%n floordiv 2, %k, %n mod 2] : tensor<2x3x2xf32>
// ASIS-LABEL: @product
// ASIS:          kernel.read %{{.*}}[%n, %k] : tensor<4x3xf32>
// ALIGN-LABEL: @product
// ALIGN:         kernel.read %{{.*}}[%k, %n] : tensor<3x4xf32>
func.func @product(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %w = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]> : tensor<4x3xf32> : tensor<4x3xf32>
  %b = dnn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %0 = kernel.compute (%m = 2, %n = 4) -> tensor<2x4xf32> {
    %v = kernel.read %b[%n] : tensor<4xf32>
    %s = kernel.reduce add (%k = 3) from %v : f32 {
      %p = kernel.read %x[%m, %k] : tensor<2x3xf32>
      %q = kernel.read %w[%n, %k] : tensor<4x3xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<2x4xf32>
}

// -----

// So is that of groups of channels: the columns of a panel read the same channels.

// CHECK-LABEL: @groups
// CHECK:         kernel.read %x[%n floordiv 2 * 2 + %k] : tensor<4xf32>
// CHECK:         kernel.read %{{.*}}[%n floordiv 2, %k, %n mod 2] : tensor<2x2x2xf32>
func.func @groups(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = dnn.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32> : tensor<4x2xf32>
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %p = kernel.read %x[%n floordiv 2 * 2 + %k] : tensor<4xf32>
      %q = kernel.read %w[%n, %k] : tensor<4x2xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<4xf32>
}

// -----

// A group of three columns would share a panel with another one.

// CHECK-LABEL: @odd_groups
// CHECK:         kernel.read %{{.*}}[%k, %n] : tensor<2x6xf32>
func.func @odd_groups(%x: tensor<4xf32>) -> tensor<6xf32> {
  %w = dnn.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0], [11.0, 12.0]]> : tensor<6x2xf32> : tensor<6x2xf32>
  %0 = kernel.compute (%n = 6) -> tensor<6xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %p = kernel.read %x[%n floordiv 3 * 2 + %k] : tensor<4xf32>
      %q = kernel.read %w[%n, %k] : tensor<6x2xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<6xf32>
}

// -----

// Two readers that want different orders have a constant each; rows are padded to whole vectors.

// CHECK-LABEL: @two
// CHECK-DAG:     %[[A:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<2x3xf32>>
// CHECK-DAG:     %[[B:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<3x2xf32>>
// ALIGN-LABEL: @two
// ALIGN-DAG:     dnn.constant #dnn.weight<{{.*}} : tensor<2x4xf32>>
// ALIGN-DAG:     dnn.constant #dnn.weight<{{.*}} : tensor<3x4xf32>>
func.func @two() -> (tensor<2x3xf32>, tensor<3x2xf32>) {
  %w = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %0 = kernel.compute (%i = 2, %j = 3) -> tensor<2x3xf32> {
    %v = kernel.read %w[%i, %j] : tensor<2x3xf32>
    kernel.yield %v : f32
  }
  %1 = kernel.compute (%i = 3, %j = 2) -> tensor<3x2xf32> {
    %v = kernel.read %w[%j, %i] : tensor<2x3xf32>
    kernel.yield %v : f32
  }
  func.return %0, %1 : tensor<2x3xf32>, tensor<3x2xf32>
}

// -----

// A product that is stored transposed: panels of the columns that only the weight depends on, heads times width.

// CHECK-LABEL: @transposed
// CHECK: kernel.read %{{.*}}[%h, %d floordiv 2, %k, %d mod 2] : tensor<2x2x2x2xf32>
func.func @transposed(%x: tensor<5x2xf32>) -> tensor<2x4x5xf32> {
  %w = dnn.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<2x8xf32> : tensor<2x8xf32>
  %0 = kernel.compute (%h = 2, %d = 4, %m = 5) -> tensor<2x4x5xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %p = kernel.read %x[%m, %k] : tensor<5x2xf32>
      %q = kernel.read %w[%k, %h * 4 + %d] : tensor<2x8xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<2x4x5xf32>
}

// -----

// A table that is read at scaled indices keeps its order, and so does a constant that is returned.

// CHECK-LABEL: @kept
// CHECK:         %[[T:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<2x3xf32>>
// CHECK:         kernel.read %[[T]][%i, %i * 2] : tensor<2x3xf32>
// CHECK:         func.return
func.func @kept() -> (tensor<2xf32>, tensor<2x3xf32>) {
  %w = dnn.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
  %0 = kernel.compute (%i = 2) -> tensor<2xf32> {
    %v = kernel.read %w[%i, %i * 2] : tensor<2x3xf32>
    kernel.yield %v : f32
  }
  func.return %0, %w : tensor<2xf32>, tensor<2x3xf32>
}

// -----

// What is computed from constants is computed in the order in which it is read.

// CHECK-LABEL: @computed
// CHECK:         kernel.compute (%{{.*}} = 2, %{{.*}} = 3, %{{.*}} = 2) -> tensor<2x3x2xf32>
// CHECK:         kernel.read %{{.*}}[%{{.*}} floordiv 2, %{{.*}}, %{{.*}} mod 2] : tensor<2x3x2xf32>
func.func @computed(%x: tensor<5x3xf32>) -> tensor<5x4xf32> {
  %w = dnn.constant dense<2.0> : tensor<3x4xf32> : tensor<3x4xf32>
  %0 = kernel.compute (%k = 3, %n = 4) -> tensor<3x4xf32> {
    %v = kernel.read %w[%k, %n] : tensor<3x4xf32>
    %t = math.tanh %v : f32
    kernel.yield %t : f32
  }
  %1 = kernel.compute (%m = 5, %n = 4) -> tensor<5x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %p = kernel.read %x[%m, %k] : tensor<5x3xf32>
      %q = kernel.read %0[%k, %n] : tensor<3x4xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %1 : tensor<5x4xf32>
}

// -----

// Taps that a phase of the point chooses, as in a transposed convolution, lie outside of the panels.

// CHECK-LABEL: @phases
// CHECK:         dnn.constant #dnn.weight<{{.*}} : tensor<2x2x2x2xf32>>
// CHECK:         kernel.read %{{.*}}[%y mod 2, %c floordiv 2, %k, %c mod 2] : tensor<2x2x2x2xf32>
func.func @phases(%x: tensor<3x2xf32>) -> tensor<6x4xf32> {
  %w = dnn.constant dense<2.0> : tensor<4x2x2xf32> : tensor<4x2x2xf32>
  %0 = kernel.compute (%y = 6, %c = 4) -> tensor<6x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %p = kernel.read %x[%y floordiv 2, %k] : tensor<3x2xf32>
      %q = kernel.read %w[%c, %k, %y mod 2] : tensor<4x2x2xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<6x4xf32>
}

// -----

// A number among the indices, or a step, is an outermost dimension.

// CHECK-LABEL: @gates
// CHECK:         kernel.read %{{.*}}[1, 0, %k, %n] : tensor<2x1x2x4xf32>
// CHECK:         kernel.read %{{.*}}[%t, %n] : tensor<2x4xf32>
// ALIGN-LABEL: @gates
func.func @gates(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = dnn.constant dense<1.5> : tensor<2x4x2xf32> : tensor<2x4x2xf32>
  %b = dnn.constant dense<2.5> : tensor<4x2xf32> : tensor<4x2xf32>
  %last = kernel.scan (%t = 2) carried (%h = %x : tensor<4xf32>) {
    %next = kernel.compute (%n = 4) -> tensor<4xf32> {
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%k = 2) from %zero : f32 {
        %u = kernel.read %h[%k] : tensor<4xf32>
        %v = kernel.read %r[1, %n, %k] : tensor<2x4x2xf32>
        %uv = arith.mulf %u, %v : f32
        kernel.yield %uv : f32
      }
      %c = kernel.read %b[%n, %t] : tensor<4x2xf32>
      %sum = arith.addf %s, %c : f32
      kernel.yield %sum : f32
    }
    kernel.yield %next : tensor<4xf32>
  }
  func.return %last : tensor<4xf32>
}

// -----

// The only row of a product has wider panels, which waste least.

// CHECK-LABEL: @row
// CHECK:         kernel.read %{{.*}}[%n floordiv 8, %k, %n mod 8] : tensor<2x1x8xf32>
func.func @row(%x: tensor<1xf32>) -> tensor<16xf32> {
  %w = dnn.constant dense<1.5> : tensor<1x16xf32> : tensor<1x16xf32>
  %0 = kernel.compute (%n = 16) -> tensor<16xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 1) from %zero : f32 {
      %p = kernel.read %x[%k] : tensor<1xf32>
      %q = kernel.read %w[%k, %n] : tensor<1x16xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<16xf32>
}

// -----
// What is computed from constants is computed in panels too, the last of which is filled with zeros; and so are the
// constants that it reads.

// CHECK-LABEL: @ragged
// CHECK:         %[[Q:.*]] = dnn.constant #dnn.weight<{{.*}} : tensor<2x2x2xi8>>
// CHECK:         kernel.compute (%{{.*}} = 2, %{{.*}} = 2, %{{.*}} = 2) -> tensor<2x2x2xf32> {
// CHECK:           kernel.read %[[Q]][%{{.*}}, %{{.*}}, %{{.*}}] : tensor<2x2x2xi8>
// CHECK:         kernel.read %{{.*}}[%n floordiv 2, %k, %n mod 2] : tensor<2x2x2xf32>
func.func @ragged(%x: tensor<5x2xf32>) -> tensor<5x3xf32> {
  %q = dnn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> : tensor<2x3xi8>
  %w = kernel.compute (%i = 2, %j = 3) -> tensor<2x3xf32> {
    %e = kernel.read %q[%i, %j] : tensor<2x3xi8>
    %f = arith.sitofp %e : i32 to f32
    kernel.yield %f : f32
  }
  %0 = kernel.compute (%m = 5, %n = 3) -> tensor<5x3xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 2) from %zero : f32 {
      %a = kernel.read %x[%m, %k] : tensor<5x2xf32>
      %b = kernel.read %w[%k, %n] : tensor<2x3xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<5x3xf32>
}

// -----

// Rows of which a byte holds two lie in the order of the sum, whichever half is read.

// CHECK-LABEL: @halves
// CHECK:         kernel.read %{{.*}}[%n floordiv 2, %t, %k floordiv 2, %n mod 2] : tensor<2x2x2x2xi8>
func.func @halves(%x: tensor<5x2x4xf32>) -> tensor<5x4xf32> {
  %q = dnn.constant dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[1, 3], [5, 7]], [[2, 4], [6, 8]]]> : tensor<4x2x2xi8> : tensor<4x2x2xi8>
  %0 = kernel.compute (%m = 5, %n = 4) -> tensor<5x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%t = 2, %k = 4) from %zero : f32 {
      %a = kernel.read %x[%m, %t, %k] : tensor<5x2x4xf32>
      %i = kernel.read %q[%n, %k floordiv 2, %t] : tensor<4x2x2xi8>
      %b = arith.sitofp %i : i32 to f32
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<5x4xf32>
}

// -----

// Scales of blocks lie in the panels of their columns, also where a target wants the halves of pairs side by side.

// PAIRS-LABEL: @scales
// PAIRS:         kernel.read %{{.*}}[0, %k floordiv 2, %n] : tensor<1x2x4xf32>
func.func @scales(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = dnn.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32> : tensor<2x4xf32>
  %0 = kernel.compute (%n = 4) -> tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %sum = kernel.reduce add (%k = 4) from %zero : f32 {
      %a = kernel.read %x[%k] : tensor<4xf32>
      %b = kernel.read %s[%k floordiv 2, %n] : tensor<2x4xf32>
      %ab = arith.mulf %a, %b : f32
      kernel.yield %ab : f32
    }
    kernel.yield %sum : f32
  }
  func.return %0 : tensor<4xf32>
}
