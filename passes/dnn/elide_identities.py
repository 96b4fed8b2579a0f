"""`dnn-elide-identities`: operators that give back their operand disappear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.arithmetic import CastOp, PowOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, SubOp
from webdnn.dialects.dnn.pooling import AveragePoolOp, MaxPoolOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMeanOp, ReduceMinOp, ReduceProdOp, ReduceSumOp
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ConcatOp, ExpandOp, PadOp, ReshapeOp, SliceOp, TileOp, TransposeOp
from webdnn.passes.dnn.rewriting import bodies, forward

Rule = Callable[[Operation], SSAValue | None]
"""(operator) -> an operand, or a value before it, that has the elements of the result"""


def is_all(value: SSAValue, number: int) -> bool:
    """Is this a constant, every element of which is `number`?"""
    array = known(value)
    return array is not None and bool((array == number).all())


def right_unit(number: int) -> Rule:
    """x ∘ number -> x; not number ∘ x."""

    def rule(op: Operation) -> SSAValue | None:
        return op.operands[0] if is_all(op.operands[1], number) else None

    return rule


def either_unit(number: int) -> Rule:
    """x ∘ number -> x, and number ∘ x -> x."""

    def rule(op: Operation) -> SSAValue | None:
        a, b = op.operands
        return a if is_all(b, number) else b if is_all(a, number) else None

    return rule


def same_type(op: Operation) -> SSAValue | None:
    """f(x) -> x, where the type alone says that f does nothing (`elided` compares the types)."""
    return op.operands[0]


def reshape(op: Operation) -> SSAValue | None:
    """reshape(…reshape(x)…) -> x, to the shape that x has; also without inner ones."""
    source = op.operands[0]
    while source.type != op.results[0].type and isinstance(source.owner, ReshapeOp):
        source = source.owner.input
    return source


def transpose(op: Operation) -> SSAValue | None:
    """transpose(transpose(x, p), q) -> x, where q undoes p; transpose(x, identity) -> x."""
    assert isinstance(op, TransposeOp)
    permutation, identity = list(op.permutation.get_values()), list(range(len(op.permutation)))
    if permutation == identity:
        return op.input
    inner = op.input.owner
    if isinstance(inner, TransposeOp):
        first = inner.permutation.get_values()
        return inner.input if [first[axis] for axis in permutation] == identity else None
    return None


def slice_of_all(op: Operation) -> SSAValue | None:
    """slice(x) -> x, where it starts at the first element and goes forwards (and `elided` finds the extents equal)."""
    assert isinstance(op, SliceOp)
    forwards = all(
        step == 1 or size == 1 for step, size in zip(op.steps.get_values(), op.sizes.get_values(), strict=True)
    )
    return op.input if forwards and not any(op.starts.get_values()) else None


def pad_by_nothing(op: Operation) -> SSAValue | None:
    """pad(x, 0) -> x"""
    assert isinstance(op, PadOp)
    return None if any(op.pads.get_values()) else op.input


def concat_of_one(op: Operation) -> SSAValue | None:
    """concat(x) -> x"""
    return op.operands[0] if len(op.operands) == 1 else None


def pool_of_one(op: Operation) -> SSAValue | None:
    """pool(x) -> x, with a window of one element at every place."""
    assert isinstance(op, MaxPoolOp | AveragePoolOp)
    alone = set(op.kernel.get_values()) | set(op.strides.get_values()) == {1} and not any(op.pads.get_values())
    return op.input if alone else None


RULES: dict[type[Operation], Rule] = {
    AddOp: either_unit(0),
    SubOp: right_unit(0),
    MulOp: either_unit(1),
    DivOp: right_unit(1),
    PowOp: right_unit(1),
    ReshapeOp: reshape,
    TransposeOp: transpose,
    SliceOp: slice_of_all,
    PadOp: pad_by_nothing,
    ConcatOp: concat_of_one,
    CastOp: same_type,
    ExpandOp: same_type,
    TileOp: same_type,
    MaxPoolOp: pool_of_one,
    AveragePoolOp: pool_of_one,
    ReduceSumOp: same_type,
    ReduceMeanOp: same_type,
    ReduceProdOp: same_type,
    ReduceMaxOp: same_type,
    ReduceMinOp: same_type,
}


def elided(op: Operation) -> SSAValue | None:
    """The value that an operator gives back unchanged: of the same shape, so that nothing is broadcast."""
    rule = RULES.get(type(op))
    value = rule(op) if rule else None
    return value if value is not None and value.type == op.results[0].type else None


@dataclass(frozen=True)
class DnnElideIdentitiesPass(ModulePass):
    """Remove operators whose result is an operand: x + 0, x * 1, x - 0, x / 1, x ** 1, and moves that move nothing.

    Moves are: a reshape to the same shape, a transpose by the identity or of a transpose that it undoes, a slice of
    everything, a pad by nothing, a concat of one operand, a cast to the same type, an expand to the same shape, and
    windows and reductions of single elements.

    Before:

        %a = dnn.mul %x, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
        %y = dnn.relu %a : (tensor<2x3xf32>) -> tensor<2x3xf32>

    After:

        %y = dnn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>

    Leaves alone: 0 - x, 1 / x and 1 ** x, which are not x; x * 1 where the 1 has more elements and broadcasts x;
    x * 0, which is NaN for an infinite x. The sign of a zero may change: -0.0 + 0.0 is 0.0. Run after
    `dnn-fold-constants`.
    """

    name = "dnn-elide-identities"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for operator in list(block.ops):
                if operator.parent is not None and (value := elided(operator)) is not None:
                    forward(operator, value)
