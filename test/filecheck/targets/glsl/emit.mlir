// RUN: webdnn-opt %s --pass-pipeline='kernel-map-points{texels=true layers=true},kernel-lower-blocks,kernel-merge-lanes{every=true},kernel-lower-accesses{texels=true},glsl-legalize' -t webdnn-glsl | filecheck %s
// RUN: webdnn-opt %s --pass-pipeline='kernel-map-points{texels=true},kernel-lower-blocks,kernel-merge-lanes{every=true},kernel-lower-accesses{texels=true},glsl-legalize{version=100}' -t webdnn-glsl100 | filecheck %s --check-prefix=OLD

// The fragment is the texel that is written; rows of seven need lanes that are known at run time only. What is read is read before it is
// chosen, whatever the choice.

// CHECK:      #version 300 es
// CHECK:      uniform sampler2D b0;
// CHECK-NEXT: out vec4 color;
// CHECK-NEXT: vec4 texel(sampler2D s, int q, int bits, vec2 scale) {
// CHECK-NEXT:   return texture(s, (vec2(q & (1 << bits) - 1, q >> bits) + 0.5) * scale);
// CHECK-NEXT: }
// CHECK-NEXT: float lane(vec4 v, int i) { return mix(mix(v.x, v.y, i > 0), mix(v.z, v.w, i > 2), i > 1); }
// CHECK-NEXT: void main() {
// CHECK-NEXT:   int v0 = int(gl_FragCoord.y) * 4 + int(gl_FragCoord.x);
// CHECK:        float [[READ:v[0-9]+]] = lane(texel(b0, {{.*}}, 1, vec2(0.5, 1.0)),
// CHECK:        color = vec4(
// CHECK-SAME:   ? [[READ]] : 0.0

// OLD:      precision highp float;
// OLD:      uniform highp sampler2D b0;
// OLD-NEXT: vec4 texel(highp sampler2D s, int q, vec2 size) {
// OLD:      int quotient(int a, int b) {
// OLD:      void main() {
// OLD:        quotient(
// OLD:        float [[READ:v[0-9]+]] = lane(texel(b0, {{.*}}, vec2(2.0, 1.0)),
// OLD:        gl_FragColor = vec4(
// OLD-SAME:   ? [[READ]] : 0.0
kernel.func @shifted(%x: memref<7xf32>, %y: memref<21xf32>) {
  kernel.compute (%m = 3, %n = 7) {
    %zero = arith.constant 0.0 : f32
    %in = kernel.inside [%n + -1] of [7]
    %v = kernel.read %x[%n + -1] : memref<7xf32>
    %s = arith.select %in, %v, %zero : f32
    kernel.write %s, %y[%m * 7 + %n] : memref<21xf32>
  }
}

// What a loop around calls counts is a number that each launch is given.

// CHECK:      uniform sampler2D b0;
// CHECK:      uniform int n0;
// CHECK:      color = texel(b0, {{.*}}n0
// OLD:        uniform int n0;
kernel.func @step(%x: memref<40xf32>, %y: memref<8xf32>, %n: index) {
  %t = kernel.index [%n] of 5
  kernel.compute (%i = 8) {
    %v = kernel.read %x[%t * 8 + %i] : memref<40xf32>
    kernel.write %v, %y[%i] : memref<8xf32>
  }
}

// A fragment writes a texel of each layer, and finds the layer of what it reads. ES 1.00 has one texture.

// CHECK:      precision highp sampler2DArray;
// CHECK:      uniform sampler2DArray b0;
// CHECK-NEXT: layout(location = 0) out vec4 color0;
// CHECK-NEXT: layout(location = 1) out vec4 color1;
// CHECK:      vec4 layered(sampler2DArray s, int q, int bits, vec2 scale, int size) {
// CHECK:        int v0 = int(gl_FragCoord.y) * 2 + int(gl_FragCoord.x);
// CHECK:        color0 = layered(b0, v0, 1, vec2(0.5, 1.0), 2);
// CHECK:        color1 = layered(b0, {{.*}}, 1, vec2(0.5, 1.0), 2);
// OLD:        gl_FragColor = texel(b0, {{.*}}, vec2(2.0, 2.0));
kernel.func @copied(%x: memref<16xf32, #kernel.layers<8>>, %y: memref<16xf32, #kernel.layers<12>>) {
  kernel.compute (%m = 4, %n = 4) {
    %v = kernel.read %x[%m * 4 + %n] : memref<16xf32, #kernel.layers<8>>
    kernel.write %v, %y[%m * 4 + %n] : memref<16xf32, #kernel.layers<12>>
  }
}
