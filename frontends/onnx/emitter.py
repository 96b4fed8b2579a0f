"""Where imported operators go: a block, constants shared by content, and folding of what is known already."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr
from xdsl.ir import Attribute, Block, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.constants import constant_of, folded
from webdnn.dialects.dnn.reference.registry import Array
from webdnn.dialects.element import shape_of
from webdnn.support.diagnostic import DiagnosticError


@dataclass
class Emitter:
    """Appends operators to a block. Equal constants are one operator."""

    block: Block = field(default_factory=Block)
    constants: dict[Attribute, SSAValue] = field(default_factory=dict[Attribute, SSAValue])

    def add(self, op: DnnOp, where: str) -> list[SSAValue]:
        """The results of an operator: constants, where all of its operands are."""
        arrays = folded(op)
        if arrays is not None:
            op.drop_all_references()
            return [self.constant(array, where) for array in arrays]
        if any(0 in shape_of(result) for result in op.results):
            raise DiagnosticError(
                f"'{op.name}' has a result without elements, {', '.join(str(r.type) for r in op.results)}",
                where=where,
                hint="tensors without elements are not supported unless they are known at compile time",
            )
        op.location = NameLoc(StringAttr(where), NoneAttr())
        self.block.add_op(op)
        return list(op.results)

    def constant(self, array: Array, where: str) -> SSAValue:
        """A value that holds these elements."""
        op = constant_of(array)
        if op.value not in self.constants:
            op.location = NameLoc(StringAttr(where), NoneAttr())
            self.block.add_op(op)
            self.constants[op.value] = op.output
        return self.constants[op.value]
