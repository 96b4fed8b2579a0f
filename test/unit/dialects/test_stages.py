"""What may stand at each stage of the kernel level."""

from __future__ import annotations

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, builtin, func
from xdsl.parser import Parser

from webdnn.dialects import stages
from webdnn.dialects.kernel import KERNEL
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.legality import Stage, illegal_operations, verify_stage

ON_TENSORS = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.compute (%i = 4) -> tensor<4xf32> {
    %v = kernel.read %x[%i] : tensor<4xf32>
    kernel.yield %v : f32
  }
  func.return %0 : tensor<4xf32>
}"""
ON_BUFFERS = """
func.func @main(%x: memref<2x2xf32>, %y: memref<2x2xf32>) {
  kernel.compute (%i = 2, %j = 2) {
    %v = kernel.read %x[%i, %j] : memref<2x2xf32>
    kernel.write %v, %y[%i, %j] : memref<2x2xf32>
  }
  func.return
}"""
IN_KERNELS = """
kernel.func @k(%x: memref<2x2xf32>, %y: memref<2x2xf32>) {
  kernel.compute (%i = 2, %j = 2) {
    %v = kernel.read %x[%i, %j] : memref<2x2xf32>
    kernel.write %v, %y[%i, %j] : memref<2x2xf32>
  }
}"""
FLAT = """
kernel.func @k(%x: memref<4xf32>, %y: memref<4xf32>) {
  kernel.compute (%i = 4) {
    %v = kernel.read %x[%i] : memref<4xf32>
    kernel.write %v, %y[%i] : memref<4xf32>
  }
}"""
GUARDED = """
kernel.func @k(%x: memref<4xf32>, %y: memref<4xf32>) {
  kernel.compute (%i = 4) {
    %zero = arith.constant 0.0 : f32
    %v = kernel.read %x[%i + 1] outside %zero : memref<4xf32>
    kernel.write %v, %y[%i] : memref<4xf32>
  }
}"""
LOWERED = """
kernel.func @k(%x: memref<4xf32>, %y: memref<4xf32>) {
  %v = kernel.read %x[0] : memref<4xf32>, vector<4xf32>
  kernel.write %v, %y[0] : memref<4xf32>, vector<4xf32>
}"""


def legal(text: str) -> set[str]:
    """The stages at which a module may be."""
    context = Context()
    for dialect in (builtin.Builtin, func.Func, arith.Arith, KERNEL):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    known = [value for value in vars(stages).values() if isinstance(value, Stage)]
    return {stage.name for stage in known if not list(illegal_operations(module, stage))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ON_TENSORS, {"kernel"}),
        (ON_BUFFERS, {"buffers"}),
        (IN_KERNELS, {"buffers", "kernels"}),
        (FLAT, {"buffers", "kernels", "flat", "blocks"}),
        (GUARDED, {"buffers", "kernels"}),
        (LOWERED, {"buffers", "kernels", "flat", "blocks", "loops"}),
    ],
    ids=["tensors", "buffers", "kernels", "flat", "guarded", "lowered"],
)
def test_stages_of_modules(text: str, expected: set[str]) -> None:
    assert legal(text) == expected


def test_an_operation_out_of_place_is_named_with_the_pass_that_is_missing() -> None:
    context = Context()
    for dialect in (builtin.Builtin, func.Func, KERNEL):
        context.load_dialect(dialect)
    module = Parser(context, ON_TENSORS).parse_module()
    with pytest.raises(DiagnosticError, match=r"kernel\.compute.*'buffers'") as error:
        verify_stage(module, stages.BUFFERED)
    assert error.value.hint == "run 'kernel-assign-buffers' first"
