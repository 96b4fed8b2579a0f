"""Which values a C-like printer writes where they are used, instead of giving them names."""

from __future__ import annotations

from xdsl.dialects import arith, memref, scf, vector
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.workgroup import BarrierOp

MOST = 12
"""The most operations in one expression: parsers recurse, and so do readers."""


def reads_memory(op: Operation) -> bool:
    return isinstance(op, ReadOp | memref.LoadOp)


def disturbs(op: Operation) -> bool:
    """May a read not be moved past this?"""
    return isinstance(op, WriteOp | memref.StoreOp | scf.ForOp | scf.IfOp | BarrierOp)


def only_user(op: Operation) -> Operation | None:
    """The one operation of the same block that uses the one result, once."""
    if len(op.results) != 1 or op.regions or isinstance(op, memref.AllocaOp):
        return None
    uses = list(op.results[0].uses)
    if len(uses) != 1 or uses[0].operation.parent is not op.parent:
        return None
    return uses[0].operation


def is_arithmetic(op: Operation) -> bool:
    """Is it spelled without a call, or is its call one that engines know to have no effect?"""
    return op.name.startswith("arith.") or (isinstance(op, vector.ExtractOp) and not op.dynamic_position)


def is_chosen(op: Operation) -> bool:
    """Is the one result what a choice takes or leaves?"""
    (use,) = op.results[0].uses
    return isinstance(use.operation, arith.SelectOp) and use.index > 0


def inlined(block: Block, *, eager: bool = False) -> set[Operation]:
    """The operations of a block and of those inside it that have one user, which comes before memory changes.

    With `eager`, both values of a choice are computed, whatever is chosen: they are arithmetic on values with names.
    """
    found: set[Operation] = set()
    chosen: set[Operation] = set()
    ops = list(block.ops)
    place = {op: i for i, op in enumerate(ops)}
    disturbed = [0]
    for op in ops:
        disturbed.append(disturbed[-1] + disturbs(op))
    effective: dict[Operation, int] = {}
    for op in reversed(ops):
        user = only_user(op)
        at = effective[user] if user is not None else place[op]
        inside = user is not None and (is_chosen(op) or user in chosen)
        late = reads_memory(op) and disturbed[at] != disturbed[place[op]]
        if user is None or late or (eager and inside and not is_arithmetic(op)):
            effective[op] = place[op]
        else:
            effective[op] = at
            found.add(op)
            if inside:
                chosen.add(op)
        for region in op.regions:
            for inner in region.blocks:
                found |= inlined(inner, eager=eager)
    limit(ops, found)
    return found


def limit(ops: list[Operation], found: set[Operation]) -> None:
    """Give a name to what would make an expression too long."""
    size: dict[Operation, int] = {}
    for op in ops:
        total = 1
        for operand in op.operands:
            owner = operand.owner
            if isinstance(owner, Operation) and owner in found and owner in size:
                total += size[owner]
        size[op] = total
        if total > MOST:
            found.discard(op)
            size[op] = 1


def leaves(value: SSAValue, found: set[Operation]) -> set[SSAValue]:
    """The named values that the expression of a value is made of."""
    owner = value.owner
    if not isinstance(owner, Operation) or isinstance(owner, arith.ConstantOp) or owner not in found:
        return {value}
    return {leaf for operand in owner.operands for leaf in leaves(operand, found)}
