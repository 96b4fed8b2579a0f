// RUN: webdnn-opt %s --pass-pipeline='builtin.module(cse, dce)' | filecheck %s
// RUN: webdnn-opt --pass-pipeline=cse,dce < %s | filecheck %s
// RUN: webdnn-opt %s -p cse,dce -o %t && filecheck %s --input-file %t
// RUN: webdnn-opt %s -p cse --print-ir-after-all 2>&1 >%t.stdout | filecheck %s --check-prefix=DUMP
// RUN: not webdnn-opt %s --pass-pipeline=csee 2>&1 | filecheck %s --check-prefix=UNKNOWN

// The executable reads a file or its standard input, and accepts both spellings of a pipeline.

// CHECK:      func.func @f(%x: i32) -> i32 {
// CHECK-NEXT:   %[[SUM:.*]] = arith.addi %x, %x : i32
// CHECK-NEXT:   %[[PRODUCT:.*]] = arith.muli %[[SUM]], %[[SUM]] : i32
// CHECK-NEXT:   func.return %[[PRODUCT]] : i32

// DUMP:      // -----// IR Dump After cse //----- //
// DUMP-NEXT: builtin.module {

// UNKNOWN:      webdnn-opt: error: unknown pass 'csee'
// UNKNOWN-NEXT: hint: did you mean 'cse'?
func.func @f(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  %1 = arith.addi %x, %x : i32
  %2 = arith.muli %0, %1 : i32
  func.return %2 : i32
}
