"""What the passes of the `dnn` level rewrite with: fused locations, values in another's place, dead operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, FusedLoc, LocationAttr, ModuleOp, NoneAttr, UnknownLoc
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import is_side_effect_free

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.registry import MEANINGS


def bodies(module: ModuleOp) -> Iterator[Block]:
    """The block of each function that has one, and then those of the loops in it."""
    for function in module.body.block.ops:
        if isinstance(function, func.FuncOp) and not function.is_declaration:
            yield function.body.block
            yield from [op.body.block for op in function.walk() if isinstance(op, LoopOp)]


def fused_location(*ops: Operation) -> LocationAttr:
    """Where all of these come from, each origin once."""
    origins = list(dict.fromkeys(origin for op in ops for origin in origins_of(op.location)))
    return origins[0] if len(origins) == 1 else FusedLoc(ArrayAttr(origins), NoneAttr()) if origins else UnknownLoc()


def origins_of(location: Attribute) -> Iterator[LocationAttr]:
    """The locations that a fused one holds."""
    match location:
        case FusedLoc(locations=ArrayAttr(data=parts)):
            for part in parts:
                yield from origins_of(part)
        case UnknownLoc():
            return
        case _:
            assert is_location(location), f"{location} is no location"
            yield location


def is_location(attribute: Attribute) -> TypeGuard[LocationAttr]:
    return isinstance(attribute, LocationAttr)


def replace(op: Operation, made: Sequence[Operation], *merged: Operation) -> None:
    """Put `made` in the place of an operator; its last operator's result stands for that of `op`.

    All of them come from where `op` and the `merged` operators come from; what is dead then goes.
    """
    location = fused_location(*merged, op)
    for new in made:
        new.location = location
    made[-1].results[0].name_hint = op.results[0].name_hint
    Rewriter.insert_op(made, InsertPoint.before(op))
    op.results[0].replace_all_uses_with(made[-1].results[0])
    erase_dead(op)


def forward(op: Operation, value: SSAValue) -> None:
    """Let a value that is there already stand for the result of an operator."""
    producer = value.owner
    if isinstance(producer, DnnOp) and not isinstance(producer, ConstantOp):
        producer.location = fused_location(producer, op)
    op.results[0].replace_all_uses_with(value)
    erase_dead(op)


def erase_dead(op: Operation) -> None:
    """Erase an operator that nothing uses, and then those of its operands."""
    pending = [op]
    while pending:
        dead = pending.pop()
        if dead.parent is None or any(result.first_use for result in dead.results) or not is_side_effect_free(dead):
            continue
        pending += [o.owner for o in dead.operands if isinstance(o.owner, DnnOp)]
        Rewriter.erase_op(dead)


def is_read_once(value: SSAValue) -> bool:
    """Does nothing but one operand read this value?"""
    return value.has_one_use()


def as_moved(op: DnnOp, array: Array) -> Array:
    """What an operator of one operand that moves elements makes of an array of any type."""
    return as_array(MEANINGS[type(op)](op, array))
