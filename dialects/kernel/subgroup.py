"""What the invocations of a subgroup hand to one another: those of a workgroup that a GPU computes in step."""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType, IntAttr, f32, i32
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import element_of
from webdnn.dialects.kernel.attributes import ReduceKind, ReduceKindAttr
from webdnn.dialects.kernel.structure import FuncOp, IdOp

SUBGROUP = "subgroup"
"""The level of `kernel.id` that tells the number of an invocation in its subgroup."""

LARGEST = 128
"""Invocations of the largest subgroup that WebGPU allows."""


class SubgroupOp(IRDLOperation):
    """What the operations here share: all invocations of a workgroup come here, or none, each with a value."""

    value = operand_def()
    result = result_def()

    def check(self) -> None:
        """Numbers of 32 bits, or vectors of them."""
        if element_of(self.value.type) not in (f32, i32, IndexType()) or self.result.type != self.value.type:
            found = f"{self.value.type} that become {self.result.type}"
            raise VerifyException(f"found {found}, expected f32, i32 or index, or vectors, that stay so")


@irdl_op_definition
class SubgroupReduceOp(SubgroupOp):
    """What the invocations of a subgroup have, combined, for each of them: `%s = kernel.subgroup_reduce add %v : f32`.

    How many invocations of a workgroup are one subgroup, and which, is the device's choice: up to 128, and perhaps not
    neighbours.
    """

    name = "kernel.subgroup_reduce"
    kind = prop_def(ReduceKindAttr)

    def __init__(self, kind: ReduceKind, value: SSAValue):
        super().__init__(operands=[value], result_types=[value.type], properties={"kind": ReduceKindAttr(kind)})

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data.value} ")
        printer.print_operand(self.value)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)

    @classmethod
    def parse(cls, parser: Parser) -> SubgroupReduceOp:
        kind = parser.parse_str_enum(ReduceKind)
        return cls(kind, parse_value(parser))

    def verify_(self) -> None:
        self.check()
        if element_of(self.value.type) == f32 and self.kind.data in (ReduceKind.AND, ReduceKind.OR):
            raise VerifyException(f"found '{self.kind.data.value}' of {self.value.type}, expected integers")


@irdl_op_definition
class SubgroupShuffleOp(SubgroupOp):
    """What the invocation has whose number in the subgroup differs in these bits; any number if there is none.

    `%o = kernel.subgroup_shuffle xor 4 %v : f32`
    """

    name = "kernel.subgroup_shuffle"
    mask = prop_def(IntAttr)

    def __init__(self, mask: int, value: SSAValue):
        super().__init__(operands=[value], result_types=[value.type], properties={"mask": IntAttr(mask)})

    def print(self, printer: Printer) -> None:
        printer.print_string(f" xor {self.mask.data} ")
        printer.print_operand(self.value)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)

    @classmethod
    def parse(cls, parser: Parser) -> SubgroupShuffleOp:
        parser.parse_keyword("xor")
        mask = parser.parse_integer()
        return cls(mask, parse_value(parser))

    def verify_(self) -> None:
        self.check()
        if not 0 < self.mask.data < LARGEST:
            raise VerifyException(f"found bits {self.mask.data}, expected 1 to {LARGEST - 1}")


def parse_value(parser: Parser) -> SSAValue:
    """`%v : f32`"""
    unresolved = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    return parser.resolve_operand(unresolved, parser.parse_type())


def uses_subgroups(function: FuncOp) -> bool:
    """Does a kernel need a device that has subgroups?"""
    ops = list(function.walk())
    return any(isinstance(op, SubgroupOp) or (isinstance(op, IdOp) and op.level.data == SUBGROUP) for op in ops)
