"""Products of pairs: an i32 that holds two integers of 16 bits, the first in its low half, and sums of their products.

As four lanes these are the dot products of CPUs, `i32x4.dot_i16x8_s` of WebAssembly. Vectors of lanes have vectors.
"""

from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import element_of

PAIR = 2


def check_words(*values: SSAValue) -> None:
    """Raise where values are no i32, or differ in their lanes."""
    types = [v.type for v in values]
    if element_of(types[0]) != i32 or any(t != types[0] for t in types):
        raise VerifyException(f"found {', '.join(map(str, types))}, expected i32 or vectors of it, all alike")


@irdl_op_definition
class DotPairsOp(IRDLOperation):
    """`low(a) * low(b) + high(a) * high(b)` of signed halves: `%p = kernel.dot_pairs %a, %b : (i32, i32) -> i32`."""

    name = "kernel.dot_pairs"
    lhs = operand_def()
    rhs = operand_def()
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue):
        super().__init__(operands=[lhs, rhs], result_types=[lhs.type])

    def verify_(self) -> None:
        check_words(self.lhs, self.rhs, self.result)


@irdl_op_definition
class SpreadBytesOp(IRDLOperation):
    """The low two bytes as a pair, each with its sign: `%p = kernel.spread_bytes %w : (i32) -> i32`."""

    name = "kernel.spread_bytes"
    input = operand_def()
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue):
        super().__init__(operands=[input], result_types=[input.type])

    def verify_(self) -> None:
        check_words(self.input, self.result)
