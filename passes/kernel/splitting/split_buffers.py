"""`kernel-split-buffers`: buffers larger than a device binds become several, and so do the kernels that write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.signature import entries
from webdnn.dialects.signature import written as attributes_of
from webdnn.passes.kernel.splitting.kernel_pieces import HINT, KernelPiece, pieces_of
from webdnn.passes.kernel.splitting.split_outputs import KernelSplitOutputsPass, written
from webdnn.support.diagnostic import DiagnosticError, fail
from webdnn.support.spans import GRAIN, Span, cut
from webdnn.support.weights import STORE

LEAST = 8 * GRAIN
"""Bytes of the smallest piece, of elements of any type."""

PIECE = "kernel.piece"
"""Which piece of a tensor an argument or a result of the program is; those that are whole do not say."""

Pieces = Mapping[SSAValue, Sequence[SSAValue]]
"""By the buffer that is cut."""


def is_continued(attributes: Mapping[str, Attribute]) -> bool:
    """Does an argument or a result go on with the tensor of the one before it?"""
    number = attributes.get(PIECE)
    return isinstance(number, IntegerAttr) and number.value.data > 0


def attributes_in_pieces(
    given: ArrayAttr[DictionaryAttr] | None, values: Sequence[SSAValue], pieces: Pieces
) -> ArrayAttr[DictionaryAttr] | None:
    """The attributes of arguments or results, when some of them have become several."""
    if not any(value in pieces for value in values):
        return given
    found: list[Mapping[str, Attribute]] = []
    for attributes, value in zip(entries(given, len(values)), values, strict=True):
        parts = pieces.get(value)
        if parts is None:
            found.append(attributes)
        else:
            found += [{**attributes, PIECE: IntegerAttr(number, i64)} for number in range(len(parts))]
    return attributes_of(found)


def weight_piece(op: WeightOp, span: Span) -> WeightOp:
    """Some of a constant's elements as a constant of their own."""
    type = op.value.type
    content = STORE.get(op.value.key.data, element_type(type), type.get_shape()).reshape(-1)
    key = STORE.put(np.ascontiguousarray(content[span.start : span.stop]))
    value = WeightAttr(StringAttr(key), TensorType(type.element_type, [span.size]))
    return WeightOp(value, MemRefType(buffer_type(op.result).element_type, [span.size]))


@dataclass(frozen=True)
class KernelSplitBuffersPass(ModulePass):
    """Cut buffers of more than `bytes` along their outermost axis, wherever they stand: in the program, in kernels.

    Inputs, outputs, constants and what lies between become several buffers of about one size. A kernel that writes a
    cut buffer becomes one for each piece. It reads those pieces of its operands that the ranges of its indices reach,
    mostly one or two, and chooses where there are several; an index that depends on data chooses among all. With 0
    bytes nothing is cut. A kernel that needs more than `bindings` buffers is refused.

    Before:

        kernel.func @k(%x: memref<16xf32>, %y: memref<16xf32>) { compute (%i = 16) { … %x[%i] … %y[%i] } }
        kernel.call @k(%0, %1)

    After, with 32 bytes:

        kernel.func @k_piece0(%x: memref<8xf32>, %y: memref<8xf32>) { compute (%i = 8) { … %x[%i] … %y[%i] } }
        kernel.func @k_piece1(%x: memref<8xf32>, %y: memref<8xf32>) { compute (%i = 8) { … %x[%i] … %y[%i] } }
        kernel.call @k_piece0(%0, %1)
        kernel.call @k_piece1(%2, %3)

    Leaves alone: buffers that fit, and kernels on nothing else. A kernel must fill a cut buffer whole: run
    `kernel-expand-concat` and `kernel-expand-stacks` on the graph. Run after `kernel-narrow-elements`, which settles
    how large elements are, and before `kernel-assign-offsets` and `kernel-map-points`.
    """

    name = "kernel-split-buffers"
    bytes: int = 0
    bindings: int = 8

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not self.bytes:
            return
        if self.bytes < LEAST:
            raise DiagnosticError(f"buffers of {self.bytes} bytes hold no vector", hint=f"give at least {LEAST}")
        if any(len(written(kernel)) > 1 for kernel in self.large(op)):
            KernelSplitOutputsPass().apply(ctx, op)
        large = self.large(op)
        parts = {kernel.sym_name.data: self.parts(kernel) for kernel in large}
        for program in [f for f in op.body.block.ops if isinstance(f, func.FuncOp) and not f.is_declaration]:
            self.split_program(program, parts)
        for kernel in large:
            found = [part.kernel for part in parts[kernel.sym_name.data]]
            Rewriter.insert_op(found, InsertPoint.before(kernel))
            Rewriter.erase_op(kernel)

    def large(self, module: ModuleOp) -> list[FuncOp]:
        """The kernels that touch a buffer which is too large."""
        kernels = [op for op in module.body.block.ops if isinstance(op, FuncOp)]
        return [kernel for kernel in kernels if any(map(self.spans, kernel.buffers))]

    def spans(self, value: SSAValue) -> Sequence[Span] | None:
        """The pieces of a buffer that is too large."""
        count, size = prod(buffer_type(value).get_shape()), element_type(buffer_type(value)).bytes
        return cut(count, self.bytes // size) if count * size > self.bytes else None

    def parts(self, kernel: FuncOp) -> list[KernelPiece]:
        found = pieces_of(kernel, self.spans)
        most = max(len(part.taken) for part in found)
        if most > self.bindings:
            fail(
                kernel,
                f"needs {most} buffers of at most {self.bytes} bytes at a time, and {self.bindings} can be bound",
                hint=HINT,
            )
        return found

    def split_program(self, program: func.FuncOp, parts: Mapping[str, Sequence[KernelPiece]]) -> None:
        block = program.body.block
        end = block.last_op
        assert isinstance(end, func.ReturnOp)
        arguments, pieces = list(block.args), dict[SSAValue, list[SSAValue]]()
        for argument in arguments:
            self.split_argument(argument, pieces)
        cut_ops = [op for op in block.ops if isinstance(op, AllocOp | WeightOp) and self.spans(op.result)]
        for op in cut_ops:
            self.split_place(op, pieces)
        for call in [op for op in program.walk() if isinstance(op, CallOp)]:
            if (kernels := parts.get(call.callee.root_reference.data)) is not None:
                Rewriter.replace_op(call, [call_of(part, call, pieces) for part in kernels], [])
        results = [value for old in end.operands for value in pieces.get(old, [old])]
        program.arg_attrs = attributes_in_pieces(program.arg_attrs, arguments, pieces)
        program.res_attrs = attributes_in_pieces(program.res_attrs, list(end.operands), pieces)
        Rewriter.replace_op(end, func.ReturnOp(*results))
        for op in cut_ops:
            Rewriter.erase_op(op)
        for argument in arguments:
            if argument in pieces:
                block.erase_arg(argument)
        program.function_type = FunctionType.from_lists([a.type for a in block.args], [v.type for v in results])

    def split_argument(self, argument: BlockArgument, pieces: dict[SSAValue, list[SSAValue]]) -> None:
        element = buffer_type(argument).element_type
        for span in self.spans(argument) or ():
            piece = argument.block.insert_arg(MemRefType(element, [span.size]), argument.index)
            piece.name_hint = argument.name_hint
            pieces.setdefault(argument, []).append(piece)

    def split_place(self, op: AllocOp | WeightOp, pieces: dict[SSAValue, list[SSAValue]]) -> None:
        element, made = buffer_type(op.result).element_type, list[Operation]()
        for span in self.spans(op.result) or ():
            is_weight = isinstance(op, WeightOp)
            made.append(weight_piece(op, span) if is_weight else AllocOp(MemRefType(element, [span.size])))
            made[-1].location = op.location
            made[-1].results[0].name_hint = op.result.name_hint
        Rewriter.insert_op(made, InsertPoint.before(op))
        pieces[op.result] = [new.results[0] for new in made]


def call_of(part: KernelPiece, call: CallOp, pieces: Pieces) -> CallOp:
    """The call of one of the kernels that another has become."""
    buffers = [
        call.buffers[position] if number is None else pieces[call.buffers[position]][number]
        for position, number in part.taken
    ]
    new = CallOp(part.kernel.sym_name.data, buffers, call.counters, once=call.once)
    new.location = call.location
    return new
