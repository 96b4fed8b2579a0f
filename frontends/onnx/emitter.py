"""Where imported operators go: a block, constants shared by content, and folding of what is known already."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr, TensorType, i1
from xdsl.ir import Attribute, Block, Operation, SSAValue

from webdnn.dialects.dnn.base import DnnOp, ints
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import constant_of, folded, known
from webdnn.dialects.dnn.shape import ReshapeOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.counts import Counting
from webdnn.support.diagnostic import DiagnosticError


@dataclass
class Emitter:
    """Appends operators to a block. Equal constants are one operator.

    `settling` says of each argument which option of the compiler settles what it is; `home` is the block that the
    arguments and all constants are in, while operators go to one inside a loop.
    """

    block: Block = field(default_factory=Block)
    settling: Sequence[str] = ()
    constants: dict[tuple[Attribute, int], SSAValue] = field(default_factory=dict[tuple[Attribute, int], SSAValue])
    formats: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """The ONNX type of values whose elements have fewer bits in the model than here"""
    counting: Counting = field(default_factory=Counting)
    sequences: dict[SSAValue, Sequence[SSAValue]] = field(default_factory=dict[SSAValue, Sequence[SSAValue]])
    """The tensors of each sequence, which is a value of no operator"""

    def __post_init__(self) -> None:
        self.home = self.block

    @contextmanager
    def into(self, block: Block) -> Generator[None]:
        """Append operators to another block."""
        around, self.block = self.block, block
        try:
            yield
        finally:
            self.block = around

    def add(self, op: DnnOp, where: str) -> list[SSAValue]:
        """The results of an operator: constants, where all of its operands are, or where they have no elements."""
        arrays = folded(op)
        if arrays is not None:
            op.drop_all_references()
            return [self.constant(array, where) for array in arrays]
        empty = [known(result) for result in op.results]
        if any(array is not None for array in empty):
            op.drop_all_references()
            return [self.constant(array, where) for array in empty if array is not None]
        if any(operand in self.sequences for operand in op.operands):
            hint = "take tensors out of it by SequenceAt, or join them by ConcatFromSequence"
            raise DiagnosticError(f"'{op.name}' takes a sequence of tensors", where=where, hint=hint)
        if self.counting.clashes(op.operands):
            hint = "export the model with a fixed number of them, or compute on all places and select afterwards"
            raise DiagnosticError(f"'{op.name}' takes what is found at run time", where=where, hint=hint)
        if any(0 in shape_of(operand) for operand in op.operands):
            hint = "leave out the operand or what computes on it"
            raise DiagnosticError(f"'{op.name}' has an operand without elements", where=where, hint=hint)
        op.location = NameLoc(StringAttr(where), NoneAttr())
        self.block.add_op(op)
        decided = self.counting.decided(op)
        if decided is not None:
            op.detach()
            op.erase()
            return [self.constant(decided, where)]
        return list(op.results)

    def constant(self, array: Array, where: str, format: int = 0) -> SSAValue:
        """A value that holds these elements, perhaps in the format of an ONNX type."""
        op = constant_of(array)
        key = op.value, format
        if key not in self.constants:
            op.location = NameLoc(StringAttr(where), NoneAttr())
            self.home.add_op(op)
            self.constants[key] = op.output
            if format:
                self.formats[op.output] = format
        return self.constants[key]

    def sequence(self, tensors: Sequence[SSAValue]) -> SSAValue:
        """A value that stands for a sequence of tensors."""
        value = Block(arg_types=[TensorType(i1, [])]).args[0]
        self.sequences[value] = tensors
        return value

    def renamed(self, value: SSAValue, where: str) -> SSAValue:
        """Another value with the same elements, even of a constant: what is known of the one is not of the other."""
        op = ReshapeOp.of(value, shape=ints(shape_of(value)))
        op.location = NameLoc(StringAttr(where), NoneAttr())
        self.block.add_op(op)
        return op.results[0]

    def marked(self, value: SSAValue, format: int, where: str) -> SSAValue:
        """The value, known to be in the format of an ONNX type."""
        array = known(value)
        if array is not None:
            return self.constant(array, where, format)
        self.formats[value] = format
        return value

    def settled_by(self, value: SSAValue) -> list[str]:
        """The options of the compiler that settle the arguments that a value is computed from."""
        pending, seen = [value], {value}
        while pending:
            owner = pending.pop().owner
            if isinstance(owner, Operation):
                fresh = [o for o in owner.operands if o not in seen]
                seen.update(fresh)
                pending.extend(fresh)
        return [option for option, a in zip(self.settling, self.home.args, strict=False) if a in seen]
