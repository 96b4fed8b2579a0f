"""A kernel on cut buffers: one kernel for each piece that is written, which reads the pieces that it may need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.arith import SelectOp
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.clone import clone_compute
from webdnn.dialects.kernel.indexing import InsideOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.mapping.map_points import storage_order
from webdnn.passes.kernel.splitting.split_outputs import written
from webdnn.support.diagnostic import fail
from webdnn.support.index import Index, delinearize, symbol
from webdnn.support.spans import Span, touched

Cutting = Callable[[SSAValue], Sequence[Span] | None]
"""How a buffer is cut, or None for one that stays whole."""

HINT = "give a higher --limit (texture=… for webgl, binding=… for webgpu), or leave the target out of --targets"


@dataclass(frozen=True)
class KernelPiece:
    """A kernel, and what it takes: the position of a buffer in calls of the kernel before, and which piece of it."""

    kernel: FuncOp
    taken: Sequence[tuple[int, int | None]]


def pieces_of(function: FuncOp, cutting: Cutting) -> list[KernelPiece]:
    """f(x, y) -> f_0(x0, x1, y0), f_1(x1, y1), …; a kernel that writes a whole buffer stays one."""
    (output,) = written(function)
    spans = cutting(function.buffers[output])
    if spans is None:
        return [with_pieces(copied(function), cutting)]
    found: list[KernelPiece] = []
    for number, span in enumerate(spans):
        part = copied(function, f"_piece{number}")
        for compute in [op for op in part.body.block.ops if isinstance(op, ComputeOp)]:
            restrict(compute, part.body.block.args[output], span)
        found.append(with_pieces(part, cutting))
    return found


def copied(function: FuncOp, suffix: str = "") -> FuncOp:
    clone = function.clone()
    clone.location = function.location
    clone.sym_name = replace(function.sym_name, data=function.sym_name.data + suffix)
    return clone


def restrict(compute: ComputeOp, target: SSAValue, span: Span) -> None:
    """compute (a, b, …) -> compute (t) with a, b, … the digits of t + start, the position in the result."""
    (index,) = [op.exprs[0] for op in compute.walk() if isinstance(op, WriteOp) and op.target is target]
    (count,) = buffer_type(target).get_shape()
    order = storage_order(compute, index)
    if order is None or prod(compute.shape) != count:
        fail(compute, f"writes {prod(compute.shape)} of the {count} elements of a buffer in pieces", hint=HINT)
    old, extents = compute.axes, [compute.shape[i] for i in order]

    def to_index(axes: Sequence[SSAValue]) -> dict[SSAValue, Index]:
        digits = delinearize(symbol(axes[0]) + span.start, extents, range_of)
        return {old[axis]: digit for axis, digit in zip(order, digits, strict=True)}

    Rewriter.replace_op(compute, clone_compute(compute, [span.size], to_index))


def with_pieces(function: FuncOp, cutting: Cutting) -> KernelPiece:
    """The kernel with an argument for each piece that it may read or write."""
    block, taken = function.body.block, list[tuple[int, int | None]]()
    for position, argument in enumerate(block.args[: len(function.buffers)]):
        spans = cutting(argument)
        if spans is None:
            taken.append((position, None))
        else:
            taken += [(position, number) for number in replace_argument(block, argument, spans)]
    return KernelPiece(function, taken)


def replace_argument(block: Block, argument: BlockArgument, spans: Sequence[Span]) -> list[int]:
    """The numbers of the pieces that stand in the place of an argument from now on."""
    accesses = [use.operation for use in argument.uses]
    needed = {access: numbers_of(access, spans) for access in accesses}
    numbers = sorted({number for found in needed.values() for number in found})
    element = buffer_type(argument).element_type
    pieces = dict[int, SSAValue]()
    for at, number in enumerate(numbers, argument.index):
        pieces[number] = block.insert_arg(MemRefType(element, [spans[number].size]), at)
        pieces[number].name_hint = argument.name_hint
    for access, found in needed.items():
        if isinstance(access, WriteOp):
            (number,) = found
            moved = [access.exprs[0] - spans[number].start]
            Rewriter.replace_op(access, WriteOp(access.value, pieces[number], moved))
        else:
            assert isinstance(access, ReadOp)
            read_pieces(access, [(pieces[number], spans[number]) for number in found])
    block.erase_arg(argument)
    return numbers


def numbers_of(access: Operation, spans: Sequence[Span]) -> range:
    """The pieces that an access may touch, as far as the ranges of its index tell."""
    assert isinstance(access, ReadOp | WriteOp), "buffers are read and written"
    low, high = access.exprs[0].bounds(range_of) or (0, spans[-1].stop)
    return touched(spans, low, high)


def read_pieces(read: ReadOp, pieces: Sequence[tuple[SSAValue, Span]]) -> None:
    """read(x, e) -> select(e inside x0, read(x0, e), select(e - n inside x1, read(x1, e - n), …))"""
    (index,) = read.exprs
    made: list[Operation] = []
    value: SSAValue | None = None
    for piece, span in reversed(pieces):
        part = ReadOp(piece, [index - span.start], None, read.result.type)
        made.append(part)
        if value is None:
            value = part.result
            continue
        guard = InsideOp([index - span.start], [span.size])
        choice = SelectOp(guard.result, part.result, value)
        made += [guard, choice]
        value = choice.result
    Rewriter.replace_op(read, made, [value])
