"""Comparisons, choices and casts lane by lane, which xDSL's `arith` has of scalars alone.

Each is a subclass of the operation of `arith` that it applies to every lane, so that what matches the one matches the
other: `kernel.cmpf %a, %b {predicate = 4 : i64, …} : (vector<4xf32>, vector<4xf32>) -> vector<4xi1>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from xdsl.dialects import arith
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import is_vector


class Lanewise(IRDLOperation):
    """What the operations here share: their syntax, and a check that all vectors have as many lanes."""

    def print(self, printer: Printer) -> None:
        """Operands, properties, and a functional type."""
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_operand)
        if self.properties:
            printer.print_string(" ")
            printer.print_attr_dict(self.properties)
        printer.print_string(" : ")
        printer.print_function_type([o.type for o in self.operands], [r.type for r in self.results])

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Read what `print` writes."""
        operands = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_unresolved_operand)
        properties = parser.parse_optional_attr_dict()
        at = parser.pos
        parser.parse_punctuation(":")
        inputs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        parser.parse_punctuation("->")
        result = parser.parse_type()
        return cls.create(
            operands=parser.resolve_operands(operands, inputs, at), result_types=[result], properties=properties
        )

    def verify_(self) -> None:
        """Vectors of one length; what the lanes are is the business of the operation on scalars."""
        types = [v.type for v in (*self.operands, *self.results)]
        lanes = {t.get_shape() for t in types if is_vector(t)}
        if len(lanes) != 1 or not is_vector(self.results[0].type):
            raise VerifyException(f"found types {', '.join(map(str, types))}, expected vectors of one length")


class CmpfOp(Lanewise, arith.CmpfOp):
    """`arith.cmpf` in every lane."""

    name = "kernel.cmpf"


class CmpiOp(Lanewise, arith.CmpiOp):
    """`arith.cmpi` in every lane."""

    name = "kernel.cmpi"


class SelectOp(Lanewise, arith.SelectOp):
    """`arith.select` by the bool of every lane."""

    name = "kernel.select"


class SIToFPOp(Lanewise, arith.SIToFPOp):
    """`arith.sitofp` in every lane."""

    name = "kernel.sitofp"


class UIToFPOp(Lanewise, arith.UIToFPOp):
    """`arith.uitofp` in every lane."""

    name = "kernel.uitofp"


class FPToSIOp(Lanewise, arith.FPToSIOp):
    """`arith.fptosi` in every lane."""

    name = "kernel.fptosi"


class FPToUIOp(Lanewise, arith.FPToUIOp):
    """`arith.fptoui` in every lane."""

    name = "kernel.fptoui"


class ExtSIOp(Lanewise, arith.ExtSIOp):
    """`arith.extsi` in every lane."""

    name = "kernel.extsi"


class ExtUIOp(Lanewise, arith.ExtUIOp):
    """`arith.extui` in every lane."""

    name = "kernel.extui"


class TruncIOp(Lanewise, arith.TruncIOp):
    """`arith.trunci` in every lane."""

    name = "kernel.trunci"


class IndexCastOp(Lanewise, arith.IndexCastOp):
    """`arith.index_cast` in every lane."""

    name = "kernel.index_cast"


OPERATIONS: tuple[type[Lanewise], ...] = (
    *(CmpfOp, CmpiOp, SelectOp, SIToFPOp, UIToFPOp, FPToSIOp, FPToUIOp),
    *(ExtSIOp, ExtUIOp, TruncIOp, IndexCastOp),
)
ON_SCALARS: Mapping[type[Operation], type[Operation]] = {kind: kind.__mro__[2] for kind in OPERATIONS}
ON_LANES: Mapping[type[Operation], type[Operation]] = {scalar: kind for kind, scalar in ON_SCALARS.items()}


def applied(op: Operation, operands: Sequence[SSAValue], result: Attribute) -> Operation:
    """The operation on other operands: that of `arith` on scalars, that of `kernel` where vectors need it."""
    kind = ON_SCALARS.get(type(op), type(op))
    condition = operands[0].type if issubclass(kind, arith.SelectOp) else result
    if is_vector(condition):
        kind = ON_LANES.get(kind, kind)
    return kind.create(operands=operands, result_types=[result], properties=dict(op.properties))
