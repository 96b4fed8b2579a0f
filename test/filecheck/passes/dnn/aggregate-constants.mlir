// RUN: webdnn-opt %s --pass-pipeline=dnn-aggregate-constants --split-input-file --verify-each | filecheck %s

// A convolution that nobody else reads takes the scale into its weights, and gains a bias.
// CHECK-LABEL: func.func @conv
// CHECK-NOT: dnn.batch_norm
// CHECK: %0 = dnn.constant dense<{{\[\[\[}}4.000000e+00]], {{\[\[}}1.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK: %1 = dnn.constant dense<[-3.000000e+00, 2.500000e+00]> : tensor<2xf32>
// CHECK: %y = dnn.conv %x, %0, %1 {strides = array<i64: 1>
// CHECK-NEXT: func.return %y
func.func @conv(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = dnn.constant dense<[[[2.0]], [[1.0]]]> : tensor<2x1x1xf32> : tensor<2x1x1xf32>
  %scale = dnn.constant dense<[2.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %bias = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %mean = dnn.constant dense<[2.0, -0.5]> : tensor<2xf32> : tensor<2xf32>
  %variance = dnn.constant dense<[1.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %y = dnn.batch_norm %c, %scale, %bias, %mean, %variance {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// -----

// The bias of a transposed convolution is scaled too.
// CHECK-LABEL: func.func @conv_transpose
// CHECK-NOT: dnn.batch_norm
// CHECK: dnn.constant dense<[3.500000e+00, 8.500000e+00]> : tensor<2xf32>
// CHECK: %y = dnn.conv_transpose %x
// CHECK-NEXT: func.return %y
func.func @conv_transpose(%x: tensor<1x1x4xf32>) -> tensor<1x2x8xf32> {
  %w = dnn.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32> : tensor<2x1x2xf32>
  %b = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %s = dnn.constant dense<[3.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %half = dnn.constant dense<0.5> : tensor<2xf32> : tensor<2xf32>
  %zero = dnn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv_transpose %x, %w, %b {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>,
                                      output_padding = array<i64: 0>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x2xf32>, tensor<2xf32>) -> tensor<1x2x8xf32>
  %y = dnn.batch_norm %c, %s, %half, %zero, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x8xf32>
  func.return %y : tensor<1x2x8xf32>
}

// -----

// A product of matrices takes the scale into its columns; a bias that was added between them is scaled.
// CHECK-LABEL: func.func @linear
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[P:.*]] = dnn.matmul %x, %[[W]]
// CHECK: %[[B:.*]] = dnn.constant dense<[3.000000e+00, 7.000000e+00]> : tensor<2xf32>
// CHECK: %[[S:.*]] = dnn.add %[[P]], %[[B]]
// CHECK-NEXT: func.return %[[S]]
func.func @linear(%x: tensor<4x1xf32>) -> tensor<4x2xf32> {
  %w = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %s = dnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %zero = dnn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %p = dnn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %c = dnn.add %p, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %y = dnn.batch_norm %c, %s, %one, %zero, %one {epsilon = 0.0 : f64}
     : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// -----

// Where the convolution is read elsewhere, and where there is none, a scale and a bias remain.
// CHECK-LABEL: func.func @shared
// CHECK: %c = dnn.conv %x, %w {
// CHECK: %[[P:.*]] = dnn.mul %c, %{{.*}} : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
// CHECK: %y = dnn.add %[[P]], %{{.*}} : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
// CHECK-NEXT: %z = dnn.add %c, %y
func.func @shared(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = dnn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32> : tensor<2x1x1xf32>
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %two = dnn.constant dense<2.0> : tensor<2xf32> : tensor<2xf32>
  %c = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %y = dnn.batch_norm %c, %two, %one, %one, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %z = dnn.add %c, %y : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  func.return %z : tensor<1x2x4xf32>
}

// -----

// Parameters that are computed are left alone.
// CHECK-LABEL: func.func @computed
// CHECK: dnn.batch_norm
func.func @computed(%x: tensor<1x2x4xf32>, %s: tensor<2xf32>) -> tensor<1x2x4xf32> {
  %one = dnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %y = dnn.batch_norm %x, %s, %one, %one, %one {epsilon = 0.0 : f64}
     : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// -----

// (x * 2 + 3) * 4 - 5 is one scale and one bias.
// CHECK-LABEL: func.func @chain
// CHECK-DAG: %[[S:.*]] = dnn.constant dense<8.000000e+00> : tensor<f32>
// CHECK-DAG: %[[B:.*]] = dnn.constant dense<[7.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK: %[[P:.*]] = dnn.mul %x, %[[S]]
// CHECK-NEXT: %y = dnn.add %[[P]], %[[B]]
// CHECK-NEXT: func.return %y
func.func @chain(%x: tensor<9x2xf32>) -> tensor<9x2xf32> {
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %three = dnn.constant dense<3.0> : tensor<1xf32> : tensor<1xf32>
  %four = dnn.constant dense<4.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %five = dnn.constant dense<[5.0, 6.0]> : tensor<2xf32> : tensor<2xf32>
  %a = dnn.mul %two, %x : (tensor<f32>, tensor<9x2xf32>) -> tensor<9x2xf32>
  %b = dnn.add %a, %three : (tensor<9x2xf32>, tensor<1xf32>) -> tensor<9x2xf32>
  %c = dnn.mul %b, %four : (tensor<9x2xf32>, tensor<1x1xf32>) -> tensor<9x2xf32>
  %y = dnn.sub %c, %five : (tensor<9x2xf32>, tensor<2xf32>) -> tensor<9x2xf32>
  func.return %y : tensor<9x2xf32>
}

// -----

// 5 - (x + 2) is 3 - x; -(x / 2) is a product; x + 2 - 2 is x.
// CHECK-LABEL: func.func @order
// CHECK: %[[C:.*]] = dnn.constant dense<3.000000e+00> : tensor<f32>
// CHECK: %b = dnn.sub %[[C]], %x
// CHECK: %[[M:.*]] = dnn.constant dense<-5.000000e-01> : tensor<f32>
// CHECK: %d = dnn.mul %x, %[[M]]
// CHECK-NEXT: func.return %b, %d, %x
func.func @order(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>, tensor<9xf32>) {
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %five = dnn.constant dense<5.0> : tensor<f32> : tensor<f32>
  %a = dnn.add %x, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %b = dnn.sub %five, %a : (tensor<f32>, tensor<9xf32>) -> tensor<9xf32>
  %c = dnn.div %x, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %d = dnn.neg %c : (tensor<9xf32>) -> tensor<9xf32>
  %e = dnn.add %x, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %f = dnn.sub %e, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  func.return %b, %d, %f : tensor<9xf32>, tensor<9xf32>, tensor<9xf32>
}

// -----

// A quotient by x is no scale of it; a constant that makes x larger or gives it axes, and a sum that something else reads, stay.
// CHECK-LABEL: func.func @kept
// CHECK: %a = dnn.add %x, %c
// CHECK: %b = dnn.div %c, %a
// CHECK: %d = dnn.add %a, %c
// CHECK: %e = dnn.mul %x, %wide
// CHECK: %f = dnn.add %e, %c
// CHECK: %g = dnn.mul %y, %axes
// CHECK: %h = dnn.sub %g, %c
func.func @kept(%x: tensor<3xf32>, %y: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<1x3xf32>) {
  %c = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %wide = dnn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %a = dnn.add %x, %c : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %b = dnn.div %c, %a : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
  %d = dnn.add %a, %c : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %e = dnn.mul %x, %wide : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %f = dnn.add %e, %c : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %axes = dnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %g = dnn.mul %y, %axes : (tensor<3xf32>, tensor<1x1xf32>) -> tensor<1x3xf32>
  %h = dnn.sub %g, %c : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>
  func.return %a, %b, %d, %f, %h : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<1x3xf32>
}

// -----

// Sums and products of integers wrap, and so do their constants: 100 + 100 is -56 in i8. Quotients round.
// CHECK-LABEL: func.func @integers
// CHECK: %[[C:.*]] = dnn.constant dense<-56> : tensor<i8>
// CHECK: %b = dnn.add %x, %[[C]]
// CHECK: %c = dnn.div %b, %two
// CHECK: %d = dnn.mul %c, %two
func.func @integers(%x: tensor<9xi8>) -> tensor<9xi8> {
  %hundred = dnn.constant dense<100> : tensor<i8> : tensor<i8>
  %two = dnn.constant dense<2> : tensor<i8> : tensor<i8>
  %a = dnn.add %x, %hundred : (tensor<9xi8>, tensor<i8>) -> tensor<9xi8>
  %b = dnn.add %a, %hundred : (tensor<9xi8>, tensor<i8>) -> tensor<9xi8>
  %c = dnn.div %b, %two : (tensor<9xi8>, tensor<i8>) -> tensor<9xi8>
  %d = dnn.mul %c, %two : (tensor<9xi8>, tensor<i8>) -> tensor<9xi8>
  func.return %d : tensor<9xi8>
}

// -----

// Products that overflow or underflow are not made, nor are sums that round on purpose.
// CHECK-LABEL: func.func @limits
// CHECK: %a = dnn.mul %x, %large
// CHECK: %b = dnn.mul %a, %large
// CHECK: %c = dnn.mul %x, %small
// CHECK: %d = dnn.mul %c, %small
// CHECK: %e = dnn.add %x, %magic
// CHECK: %f = dnn.sub %e, %magic
func.func @limits(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>, tensor<9xf32>) {
  %large = dnn.constant dense<1.0e30> : tensor<f32> : tensor<f32>
  %small = dnn.constant dense<1.0e-30> : tensor<f32> : tensor<f32>
  %magic = dnn.constant dense<12582912.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %large : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %b = dnn.mul %a, %large : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %c = dnn.mul %x, %small : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %d = dnn.mul %c, %small : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %e = dnn.add %x, %magic : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %f = dnn.sub %e, %magic : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  func.return %b, %d, %f : tensor<9xf32>, tensor<9xf32>, tensor<9xf32>
}

// -----

// Constants of a tree of sums are one, and so are those of other associative operators.
// CHECK-LABEL: func.func @trees
// CHECK: %[[C:.*]] = dnn.constant dense<-1.000000e+00> : tensor<f32>
// CHECK: %[[S:.*]] = dnn.add %x, %y
// CHECK-NEXT: %c = dnn.add %[[S]], %[[C]]
// CHECK: %[[M:.*]] = dnn.max %x, %y
// CHECK-NEXT: %f = dnn.max %[[M]], %{{.*}}
// CHECK-NEXT: func.return
func.func @trees(%x: tensor<9xf32>, %y: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %three = dnn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %a = dnn.add %x, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %b = dnn.sub %y, %three : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %c = dnn.add %a, %b : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %d = dnn.max %x, %two : (tensor<9xf32>, tensor<f32>) -> tensor<9xf32>
  %e = dnn.max %three, %y : (tensor<f32>, tensor<9xf32>) -> tensor<9xf32>
  %f = dnn.max %d, %e : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  func.return %c, %f : tensor<9xf32>, tensor<9xf32>
}

// -----

// Through a sum, a reshape and a transpose the scale of columns reaches the weights.
// CHECK-LABEL: func.func @through
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[}}3.000000e+00, 8.000000e+00]]> : tensor<1x2xf32>
// CHECK: dnn.matmul %x, %[[W]]
// CHECK: %[[B:.*]] = dnn.constant dense<[1.500000e+01, 2.400000e+01]> : tensor<2xf32>
// CHECK: dnn.add %{{.*}}, %[[B]]
// CHECK-NOT: dnn.mul
// CHECK: func.return
func.func @through(%x: tensor<4x1xf32>) -> tensor<2x2x2xf32> {
  %w = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b = dnn.constant dense<[5.0, 6.0]> : tensor<2xf32> : tensor<2xf32>
  %s = dnn.constant dense<[[[3.0]], [[4.0]]]> : tensor<2x1x1xf32> : tensor<2x1x1xf32>
  %p = dnn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %q = dnn.add %p, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %r = dnn.reshape %q {shape = array<i64: 2, 2, 2>} : (tensor<4x2xf32>) -> tensor<2x2x2xf32>
  %t = dnn.transpose %r {permutation = array<i64: 2, 0, 1>} : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %y = dnn.mul %t, %s : (tensor<2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<2x2x2xf32>
  func.return %y : tensor<2x2x2xf32>
}

// -----

// A scale of a part of what a product gives is one of some columns, where others take the rest; of both parts it is not.
// CHECK-LABEL: func.func @split
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[}}3.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[P:.*]] = dnn.matmul %x, %[[W]]
// CHECK-NEXT: %a = dnn.slice %[[P]]
// CHECK-NEXT: %b = dnn.slice %[[P]]
// CHECK-NEXT: func.return %a, %b
func.func @split(%x: tensor<4x1xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %w = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %s = dnn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %p = dnn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %a = dnn.slice %p {starts = array<i64: 0, 0>, sizes = array<i64: 4, 1>, steps = array<i64: 1, 1>}
     : (tensor<4x2xf32>) -> tensor<4x1xf32>
  %b = dnn.slice %p {starts = array<i64: 0, 1>, sizes = array<i64: 4, 1>, steps = array<i64: 1, 1>}
     : (tensor<4x2xf32>) -> tensor<4x1xf32>
  %y = dnn.mul %a, %s : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  func.return %y, %b : tensor<4x1xf32>, tensor<4x1xf32>
}

// -----

// Both parts of a concatenation take what scales it; not where one of them is an input.
// CHECK-LABEL: func.func @concat
// CHECK-DAG: dnn.constant dense<2.000000e+00> : tensor<1x1xf32>
// CHECK-DAG: dnn.constant dense<6.000000e+00> : tensor<1x1xf32>
// CHECK: dnn.concat
// CHECK: %d = dnn.concat %x
// CHECK-NEXT: %z = dnn.mul %d
func.func @concat(%x: tensor<4x1xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %w = dnn.constant dense<[[1.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %v = dnn.constant dense<[[2.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %u = dnn.constant dense<[[4.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %s = dnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %a = dnn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %b = dnn.matmul %x, %v : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %c = dnn.concat %a, %b {axis = 1 : i64} : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
  %y = dnn.mul %c, %s : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %e = dnn.matmul %x, %u : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %d = dnn.concat %x, %e {axis = 1 : i64} : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
  %z = dnn.mul %d, %s : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// What normalizes an image goes into a convolution that pads nothing.
// CHECK-LABEL: func.func @input
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[\[}}1.500000e+00, 2.000000e+00]]]> : tensor<1x1x2xf32>
// CHECK: %[[B:.*]] = dnn.constant dense<-7.000000e+00> : tensor<1xf32>
// CHECK: %y = dnn.conv %x, %[[W]], %[[B]]
func.func @input(%x: tensor<1x1x9xf32>) -> tensor<1x1x8xf32> {
  %w = dnn.constant dense<[[[3.0, 4.0]]]> : tensor<1x1x2xf32> : tensor<1x1x2xf32>
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %a = dnn.div %x, %two : (tensor<1x1x9xf32>, tensor<f32>) -> tensor<1x1x9xf32>
  %b = dnn.sub %a, %one : (tensor<1x1x9xf32>, tensor<f32>) -> tensor<1x1x9xf32>
  %y = dnn.conv %b, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x9xf32>, tensor<1x1x2xf32>) -> tensor<1x1x8xf32>
  func.return %y : tensor<1x1x8xf32>
}

// -----

// One that pads with zeros takes the scale alone, and what is shifted is shifted before: x / 2 - 1 = (x - 2) / 2.
// CHECK-LABEL: func.func @padded
// CHECK: %[[B:.*]] = dnn.constant dense<-2.000000e+00> : tensor<f32>
// CHECK: %[[A:.*]] = dnn.add %x, %[[B]]
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[\[}}1.500000e+00, 2.000000e+00]]]> : tensor<1x1x2xf32>
// CHECK: %y = dnn.conv %[[A]], %[[W]] {
func.func @padded(%x: tensor<1x1x9xf32>) -> tensor<1x1x9xf32> {
  %w = dnn.constant dense<[[[3.0, 4.0]]]> : tensor<1x1x2xf32> : tensor<1x1x2xf32>
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %one = dnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %a = dnn.div %x, %two : (tensor<1x1x9xf32>, tensor<f32>) -> tensor<1x1x9xf32>
  %b = dnn.sub %a, %one : (tensor<1x1x9xf32>, tensor<f32>) -> tensor<1x1x9xf32>
  %y = dnn.conv %b, %w {strides = array<i64: 1>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : (tensor<1x1x9xf32>, tensor<1x1x2xf32>) -> tensor<1x1x9xf32>
  func.return %y : tensor<1x1x9xf32>
}

// -----

// A positive scale passes a relu on its way to a product, a negative one does not; nor does it pass a tanh.
// CHECK-LABEL: func.func @relu
// CHECK: %[[R:.*]] = dnn.relu %x
// CHECK: %[[W:.*]] = dnn.constant dense<6.000000e+00> : tensor<1x1xf32>
// CHECK: dnn.matmul %[[R]], %[[W]]
// CHECK: %d = dnn.neg %x
// CHECK-NEXT: dnn.relu %d
// CHECK: %g = dnn.mul %x
// CHECK-NEXT: dnn.tanh %g
func.func @relu(%x: tensor<4x1xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  %w = dnn.constant dense<[[3.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %v = dnn.constant dense<[[5.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %u = dnn.constant dense<[[7.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %two : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %b = dnn.relu %a : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %c = dnn.matmul %b, %w : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %d = dnn.neg %x : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %e = dnn.relu %d : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %f = dnn.matmul %e, %v : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %g = dnn.mul %x, %two : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %h = dnn.tanh %g : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %i = dnn.matmul %h, %u : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  func.return %c, %f, %i : tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}

// -----

// All that read a scaled value have to take the scale; the result of the function cannot.
// CHECK-LABEL: func.func @readers
// CHECK: dnn.matmul %x
// CHECK: dnn.matmul %x
// CHECK: %c = dnn.mul %x
// CHECK: dnn.matmul %c
// CHECK: func.return %{{.*}}, %{{.*}}, %{{.*}}, %c
func.func @readers(%x: tensor<4x1xf32>)
    -> (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  %w = dnn.constant dense<[[3.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %v = dnn.constant dense<[[5.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %u = dnn.constant dense<[[7.0]]> : tensor<1x1xf32> : tensor<1x1xf32>
  %two = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %a = dnn.mul %x, %two : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %p = dnn.matmul %a, %w : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %q = dnn.matmul %a, %v : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  %c = dnn.mul %x, %two : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %r = dnn.matmul %c, %u : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  func.return %p, %q, %r, %c : tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}

// -----

// Weights that others read are not doubled for a few elements.
// CHECK-LABEL: func.func @shared_weights
// CHECK: %p = dnn.matmul %x, %w
// CHECK: %y = dnn.mul %p
// CHECK: %q = dnn.matmul %z, %w
func.func @shared_weights(%x: tensor<1x4xf32>, %z: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %w = dnn.constant dense<1.5> : tensor<4x4xf32> : tensor<4x4xf32>
  %s = dnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %p = dnn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %y = dnn.mul %p, %s : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %q = dnn.matmul %z, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  func.return %y, %q : tensor<1x4xf32>, tensor<1x4xf32>
}

// -----

// Rows of a table are scaled in the table.
// CHECK-LABEL: func.func @embedding
// CHECK: %[[T:.*]] = dnn.constant dense<{{\[\[}}2.000000e+00, 3.000000e+00], [6.000000e+00, 6.000000e+00]]>
// CHECK: %[[Y:.*]] = dnn.gather %[[T]], %i
// CHECK-NEXT: func.return %[[Y]]
func.func @embedding(%i: tensor<9xi64>) -> tensor<9x2xf32> {
  %t = dnn.constant dense<[[1.0, 1.0], [3.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %s = dnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %g = dnn.gather %t, %i {axis = 0 : i64} : (tensor<2x2xf32>, tensor<9xi64>) -> tensor<9x2xf32>
  %y = dnn.mul %g, %s : (tensor<9x2xf32>, tensor<2xf32>) -> tensor<9x2xf32>
  func.return %y : tensor<9x2xf32>
}

// -----

// What a normalization scales and shifts by goes into the product behind it.
// CHECK-LABEL: func.func @norm
// CHECK: %[[ONE:.*]] = dnn.constant dense<1.000000e+00> : tensor<f32>
// CHECK: %[[N:.*]] = dnn.layer_norm %x, %[[ONE]] {
// CHECK: %[[W:.*]] = dnn.constant dense<{{\[\[}}1.000000e+00], [4.000000e+00]]> : tensor<2x1xf32>
// CHECK: %[[P:.*]] = dnn.matmul %[[N]], %[[W]]
// CHECK: dnn.add %[[P]], %{{.*}} : (tensor<9x1xf32>, tensor<f32>)
func.func @norm(%x: tensor<9x2xf32>) -> tensor<9x1xf32> {
  %s = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  %b = dnn.constant dense<[3.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %w = dnn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %n = dnn.layer_norm %x, %s, %b {axis = 1 : i64, epsilon = 1.0e-5 : f64}
     : (tensor<9x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<9x2xf32>
  %y = dnn.matmul %n, %w : (tensor<9x2xf32>, tensor<2x1xf32>) -> tensor<9x1xf32>
  func.return %y : tensor<9x1xf32>
}

// -----

// A product that makes more columns of few, and one that takes them again, are one; a bottleneck stays.
// CHECK-LABEL: func.func @products
// CHECK: %[[W:.*]] = dnn.constant dense<1.100000e+01> : tensor<1x1xf32>
// CHECK: dnn.matmul %x, %[[W]]
// CHECK: %c = dnn.matmul %z, %w
// CHECK: dnn.matmul %c, %v
func.func @products(%x: tensor<9x1xf32>, %z: tensor<9x2xf32>) -> (tensor<9x1xf32>, tensor<9x2xf32>) {
  %a = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b = dnn.constant dense<[[3.0], [4.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %w = dnn.constant dense<[[3.0], [4.0]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %v = dnn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %p = dnn.matmul %x, %a : (tensor<9x1xf32>, tensor<1x2xf32>) -> tensor<9x2xf32>
  %q = dnn.matmul %p, %b : (tensor<9x2xf32>, tensor<2x1xf32>) -> tensor<9x1xf32>
  %c = dnn.matmul %z, %w : (tensor<9x2xf32>, tensor<2x1xf32>) -> tensor<9x1xf32>
  %d = dnn.matmul %c, %v : (tensor<9x1xf32>, tensor<1x2xf32>) -> tensor<9x2xf32>
  func.return %q, %d : tensor<9x1xf32>, tensor<9x2xf32>
}
