"""`dnn-merge-siblings`: products with constants that read the same become one, whose results are its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, constant_of, grouped_operands, known
from webdnn.dialects.dnn.shape import ConcatOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.dnn.traits import Elementwise
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.passes.dnn.rewriting import bodies, erase_dead, fused_location
from webdnn.support.device import LAUNCH_TRAFFIC

Kind = tuple[object, ...]
"""What operators must have in common to be one: everything but the elements of constants, and how many results."""


@dataclass(frozen=True)
class Branch:
    """A product and the element-wise work with constants that follows it, in order; each has one result."""

    ops: Sequence[DnnOp]
    kind: Kind

    @property
    def axis(self) -> int:
        """The axis of the results that the columns of the constant make."""
        return 1 if isinstance(self.ops[0], ConvOp) else len(shape_of(self.ops[0].results[0])) - 1

    @property
    def size(self) -> int:
        return shape_of(self.ops[0].results[0])[self.axis]

    def is_read_elsewhere(self, place: int) -> bool:
        """Do others than the branch read a result?"""
        return any(use.operation not in self.ops for use in self.ops[place].results[0].uses)

    def gain(self, places: bool) -> int:
        """Bytes that this branch spares as a part of another's kernel: a launch and an input, less those of copies."""
        spared = LAUNCH_TRAFFIC + byte_size(self.ops[0].operands[0])
        copied = [op.results[0] for i, op in enumerate(self.ops) if self.is_read_elsewhere(i)]
        return spared - sum(LAUNCH_TRAFFIC + 2 * byte_size(value) for value in copied if is_copied(value, places))


def is_copied(value: SSAValue, places: bool) -> bool:
    """Does somebody want the elements at a place of their own: the caller, or a concatenation, where it has places?"""
    for use in value.uses:
        reader = use.operation
        if isinstance(reader, ReshapeOp | TransposeOp):
            if is_copied(reader.output, places):
                return True
        elif not isinstance(reader, DnnOp) or (places and isinstance(reader, ConcatOp)):
            return True
    return False


def is_own(value: SSAValue) -> bool:
    """Is this a constant that nobody else reads, under this name or another? Its elements may then move."""
    constant = value.owner
    if not isinstance(constant, ConstantOp) or not value.has_one_use() or constant.parent is None:
        return False
    others = (o for o in constant.parent.ops if isinstance(o, ConstantOp) and o is not constant)
    return not isinstance(constant.value, WeightAttr) or all(other.value != constant.value for other in others)


def kind_of(op: Operation) -> Kind | None:
    """That of a product whose columns could be some of a larger one's; None for all other operators."""
    if isinstance(op, MatmulOp):
        *batch, depth, _ = shape_of(op.rhs)
        return (MatmulOp, op.lhs, *batch, depth) if is_own(op.rhs) and set(batch) <= {1} else None
    if isinstance(op, ConvOp) and op.groups.value.data == 1 and op.winograd is None:
        own = is_own(op.weight) and all(isinstance(o.owner, ConstantOp) for o in op.operands[1:])
        settings = sorted(op.properties.items())
        return (ConvOp, op.input, len(op.operands), *shape_of(op.weight)[1:], *settings) if own else None
    return None


def branch_of(product: DnnOp, kind: Kind) -> Branch | None:
    """A product and what follows it; None if a part of that needs what differs from branch to branch."""
    shape, axis, ops, kinds = shape_of(product.results[0]), Branch([product], kind).axis, [product], list(kind)
    op: Operation | None = product
    while (op := op.next_op) is not None:
        mine = [o for o in op.operands if o.owner in ops]
        if not mine or not isinstance(op, DnnOp) or not op.has_trait(Elementwise) or shape_of(op.results[0]) != shape:
            continue
        if not all(o in mine or isinstance(o.owner, ConstantOp) for o in op.operands):
            return None
        kinds += [type(op), *sorted(op.properties.items())]
        kinds += [place_of(o, ops) if o in mine else pattern(o, len(shape), axis) for o in op.operands]
        ops.append(op)
    return Branch(ops, tuple(kinds))


def place_of(value: SSAValue, ops: Sequence[DnnOp]) -> int:
    """Which of the operators gives a value."""
    return next(i for i, op in enumerate(ops) if op is value.owner)


def widened(extents: Sequence[int], rank: int) -> list[int]:
    """A shape that broadcasts to one of so many axes, with all of them."""
    return [1] * (rank - len(extents)) + [*extents]


def pattern(constant: SSAValue, rank: int, axis: int) -> Kind:
    """The element type and the extents of an operand, but for that along an axis of the result."""
    extents = widened(shape_of(constant), rank)
    return (tensor_type(constant).element_type, *extents[:axis], *extents[axis + 1 :])


def families(block: Block, places: bool) -> list[list[Branch]]:
    """The branches of a block that become one, in the order of their products."""
    products: dict[Kind, list[DnnOp]] = {}
    for op in block.ops:
        if isinstance(op, DnnOp) and (kind := kind_of(op)):
            products.setdefault(kind, []).append(op)
    found: dict[Kind, list[Branch]] = {}
    for kind, ops in products.items():
        for op in ops if len(ops) > 1 else ():
            if (branch := branch_of(op, kind)) and branch.gain(places) > 0:
                found.setdefault(branch.kind, []).append(branch)
    return [branches for branches in found.values() if len(branches) > 1]


def spread(values: Sequence[SSAValue], branches: Sequence[Branch]) -> Array:
    """An addend or a factor of each branch as one of the whole; what is the same for all stays as small as it is."""
    rank, axis = len(shape_of(branches[0].ops[0].results[0])), branches[0].axis
    arrays = [array.reshape(widened(array.shape, rank)) for array in map(elements, values)]
    if arrays[0].shape[axis] == 1 and all(np.array_equal(array, arrays[0]) for array in arrays):
        return elements(values[0])
    shapes = [[*a.shape[:axis], b.size, *a.shape[axis + 1 :]] for a, b in zip(arrays, branches, strict=True)]
    return joined([as_array(np.broadcast_to(a, shape)) for a, shape in zip(arrays, shapes, strict=True)], axis)


def elements(value: SSAValue) -> Array:
    array = known(value)
    assert array is not None, "branches differ in constants alone"
    return array


def joined(arrays: Sequence[Array], axis: int) -> Array:
    return as_array(np.concatenate(arrays, axis))


def constant_of_whole(values: Sequence[SSAValue], branches: Sequence[Branch], is_weight: bool) -> ConstantOp:
    """What stands for the same constant operand of every branch."""
    weight_axis = -1 if isinstance(branches[0].ops[0], MatmulOp) else 0
    constant = constant_of(joined([*map(elements, values)], weight_axis) if is_weight else spread(values, branches))
    constant.location = fused_location(*[v.owner for v in values if isinstance(v.owner, Operation)])
    return constant


def merge(branches: Sequence[Branch]) -> None:
    """f(x, a), f(x, b), … -> y = f(x, concat(a, b, …)); slice(y), slice(y), …, f with its element-wise work."""
    first, made = branches[0], list[DnnOp]()
    at = InsertPoint.before(first.ops[0])
    for i, model in enumerate(first.ops):
        alike, operands = [branch.ops[i] for branch in branches], list[SSAValue | None]()
        for values in zip(*map(grouped_operands, alike), strict=True):
            value, given = values[0], [value for value in values if value is not None]
            if value is None or value is first.ops[0].operands[0]:
                operands.append(value)
            elif value.owner in first.ops:
                operands.append(made[place_of(value, first.ops)].results[0])
            else:
                constant = constant_of_whole(given, branches, is_weight=i == 0)
                Rewriter.insert_op(constant, at)
                operands.append(constant.output)
        made.append(type(model).of(*operands, **model.properties))
        made[-1].location = fused_location(*alike)
        made[-1].results[0].name_hint = model.results[0].name_hint
        Rewriter.insert_op(made[-1], at)
    hand_out(branches, made, at)


def hand_out(branches: Sequence[Branch], made: Sequence[DnnOp], at: InsertPoint) -> None:
    """Give the readers of each branch a slice of what the whole makes."""
    start, axis = 0, branches[0].axis
    for branch in branches:
        for op, whole in zip(branch.ops, made, strict=True):
            part = SliceOp.along(whole.results[0], axis, range(start, start + branch.size))
            part.location, part.output.name_hint = op.location, op.results[0].name_hint
            Rewriter.insert_op(part, at)
            op.results[0].replace_uses_with_if(part.output, lambda use, ops=branch.ops: use.operation not in ops)
            erase_dead(part)
        start += branch.size
    for op in [op for branch in branches for op in reversed(branch.ops)]:
        erase_dead(op)


@dataclass(frozen=True)
class DnnMergeSiblingsPass(ModulePass):
    """Make products that read the same input, such as queries, keys and values of attention, one product.

    Before:

        %a = dnn.matmul %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
        %b = dnn.matmul %x, %v : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>

    After:

        %y = dnn.matmul %x, %wv : (tensor<8x16xf32>, tensor<16x32xf32>) -> tensor<8x32xf32>
        %a = dnn.slice %y {starts = array<i64: 0, 0>, sizes = array<i64: 8, 16>, …}
        %b = dnn.slice %y {starts = array<i64: 0, 16>, sizes = array<i64: 8, 16>, …}

    Products of matrices merge, and convolutions of equal windows, strides, pads and dilations in one group; biases and
    all element-wise work with constants that every branch does alike merges with them. A launch counts as much as
    the traffic of a mebibyte; a branch whose result has to be copied out, to the caller or, with `places`, into a
    concatenation, merges only where that costs less.
    Leaves alone: weights that are computed, as compressed ones are, or that others read too; branches whose
    element-wise work differs or needs other values. Run after `dnn-elide-identities`, before `dnn-select-algorithms`.
    """

    name = "dnn-merge-siblings"
    places: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for branches in families(block, self.places):
                merge(branches)
