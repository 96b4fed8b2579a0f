// RUN: webdnn-opt %s --verify-each | webdnn-opt --verify-each | filecheck %s

// A step knows its number, what the one before gave, and what it captures; it hands on a value and a row.

// CHECK-LABEL: @sums
// CHECK:         %last, %rows = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<9x4xf32>) stacked tensor<9x4xf32> {
// CHECK-NEXT:      %row = dnn.gather %u, %t {axis = 0 : i64} : (tensor<9x4xf32>, tensor<i64>) -> tensor<4xf32>
// CHECK-NEXT:      %next = dnn.add %h, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:      dnn.yield %next, %next : tensor<4xf32>, tensor<4xf32>
// CHECK-NEXT:    }
func.func @sums(%x: tensor<9x4xf32>, %zero: tensor<4xf32>) -> (tensor<4xf32>, tensor<9x4xf32>) {
  %last, %rows = dnn.loop (%t = 9) carried (%h = %zero : tensor<4xf32>) captured (%u = %x : tensor<9x4xf32>)
                          stacked tensor<9x4xf32> {
    %row = dnn.gather %u, %t {axis = 0 : i64} : (tensor<9x4xf32>, tensor<i64>) -> tensor<4xf32>
    %next = dnn.add %h, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dnn.yield %next, %next : tensor<4xf32>, tensor<4xf32>
  }
  func.return %last, %rows : tensor<4xf32>, tensor<9x4xf32>
}

// Nothing needs to be carried, captured or stacked.

// CHECK-LABEL: @numbers
// CHECK:         dnn.loop (%t = 3) stacked tensor<3xi64> {
// CHECK-LABEL: @doubled
// CHECK:         dnn.loop (%t = 5) carried (%h = %x : tensor<f32>) {
func.func @numbers() -> tensor<3xi64> {
  %rows = dnn.loop (%t = 3) stacked tensor<3xi64> {
    dnn.yield %t : tensor<i64>
  }
  func.return %rows : tensor<3xi64>
}
func.func @doubled(%x: tensor<f32>) -> tensor<f32> {
  %last = dnn.loop (%t = 5) carried (%h = %x : tensor<f32>) {
    %next = dnn.add %h, %h : (tensor<f32>, tensor<f32>) -> tensor<f32>
    dnn.yield %next : tensor<f32>
  }
  func.return %last : tensor<f32>
}
