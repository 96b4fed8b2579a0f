"""Operations and bytes of kernels, counted by hand."""

import pytest
from xdsl.parser import Parser

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.tools.bench.cost import Cost, cost_of
from webdnn.tools.context import new_context

PRODUCT = """
kernel.func @sum(%a: memref<6xf32>, %b: memref<12xf32>, %c: memref<8xf32>) {
  kernel.compute (%m = 2, %n = 4) {
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 3) from %zero : f32 {
      %x = kernel.read %a[%m * 3 + %k] : memref<6xf32>
      %y = kernel.read %b[%k * 4 + %n] : memref<12xf32>
      %p = arith.mulf %x, %y : f32
      kernel.yield %p : f32
    }
    %r = arith.maximumf %s, %zero : f32
    kernel.write %r, %c[%m * 4 + %n] : memref<8xf32>
  }
}"""

PART = """
kernel.func @move(%a: memref<100xi8>, %b: memref<100xf32>) {
  kernel.compute (%i = 10) {
    %x = kernel.read %a[%i * 2] : memref<100xi8>
    %y = arith.sitofp %x : i32 to f32
    kernel.write %y, %b[%i] : memref<100xf32>
  }
}"""

IN_PLACE = """
kernel.func @map(%a: memref<8xf32>) {
  kernel.compute (%i = 8) {
    %x = kernel.read %a[%i] : memref<8xf32>
    %n = arith.constant 1 : index
    %j = kernel.index [%i * 2]
    %k = arith.addi %j, %n : index
    %e = math.exp %x : f32
    kernel.write %e, %a[%i] : memref<8xf32>
  }
}"""


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        # 24 multiply-adds are two operations each; the maximum is one for every point.
        pytest.param(PRODUCT, Cost(24 * 2 + 8, (6 + 12 + 8) * 4, "2x4 over 3"), id="each operand is read once"),
        pytest.param(PART, Cost(0, 10 * 1 + 10 * 4, "10"), id="a part of the buffers, and a conversion"),
        pytest.param(IN_PLACE, Cost(8, 8 * 4 * 2, "8"), id="in place, and arithmetic of indices"),
    ],
)
def test_costs(text: str, cost: Cost) -> None:
    (function,) = Parser(new_context(), text).parse_module().body.block.ops
    assert isinstance(function, FuncOp)
    function.verify()
    assert cost_of(function) == cost
