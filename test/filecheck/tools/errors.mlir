// RUN: not webdnn-opt %s --verify-each --split-input-file 2>&1 | filecheck %s
// RUN: not webdnn-opt %s -p dce{fast=true} 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not webdnn-opt %s -p scf-for-loop-unroll,,dce 2>&1 | filecheck %s --check-prefix=PIPELINE
// RUN: not webdnn-opt %s -t wgls 2>&1 | filecheck %s --check-prefix=TARGET

// OPTION: webdnn-opt: error: 'dce' has no option 'fast'
// PIPELINE: webdnn-opt: error: pass-pipeline:1:{{[0-9]+}}: Expected pass name here
// TARGET: webdnn-opt: error: unknown target 'wgls'
// TARGET-NEXT: hint: did you mean 'wgsl'?

// A value that is used before its definition is an error, which xDSL alone would not see.

// CHECK: errors.mlir:{{[0-9]+}}:3: 'arith.addi' uses operand 0 before its definition (in the input)
func.func @early(%x: i32) -> i32 {
  %0 = arith.addi %1, %x : i32
  %1 = arith.addi %x, %x : i32
  func.return %0 : i32
}

// -----

// The other cases are still processed; an error of the verifier names the operation, and prints no module.

// CHECK: errors.mlir:{{[0-9]+}}:3: 'func.return' does not verify: Expected arguments to have the same types
// CHECK-NOT: func.func
func.func @wrong_type(%x: i32) -> i64 {
  func.return %x : i32
}

// -----

// A syntax error is a single line with its place in the file.

// CHECK: errors.mlir:{{[0-9]+}}:{{[0-9]+}}: Operation unknown.op is not registered
"unknown.op"() : () -> ()
