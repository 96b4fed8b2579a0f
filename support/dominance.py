"""SSA dominance: every value is defined before it is used, and where the use can see it.

xDSL's verifier does not check this. A definition is visible to a use when it stands earlier in the block of
the use, in a block that dominates it, or so placed with respect to an operation that encloses the use.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, OpResult, Region, SSAValue
from xdsl.irdl.dominance import DominanceInfo

from webdnn.support.diagnostic import DiagnosticError, Problem, problem_of

_HINT = "define the value earlier; where a pass wrote this IR, that pass has a bug"


def verify_dominance(module: ModuleOp) -> None:
    """Raise a diagnostic for the first use, in the order of the text, that its definition does not dominate."""
    if (problem := next(dominance_problems(module), None)) is not None:
        raise DiagnosticError(problem.what, hint=problem.hint, where=problem.where)


def dominance_problems(module: ModuleOp) -> Iterator[Problem]:
    """Every use that its definition does not dominate."""
    uses = _Uses({op: position for position, op in enumerate(module.walk())})
    for op in uses.order:
        for position, operand in enumerate(op.operands):
            if (problem := uses.problem(operand, op)) is not None:
                yield problem_of(op, f"uses operand {position}{_name(operand)} {problem}", hint=_HINT)


@dataclass(frozen=True)
class _Uses:
    """Judges single uses; remembers the order of the text and the dominance of the blocks it has met."""

    order: dict[Operation, int]
    blocks: dict[Region, DominanceInfo] = field(default_factory=dict[Region, DominanceInfo])

    def problem(self, value: SSAValue, user: Operation) -> str | None:
        """What is wrong with this use, as the end of a sentence, or None where it is right."""
        block = _defining_block(value)
        if block is None or (region := block.parent) is None:
            return "whose definition is no longer in the module"
        if (ancestor := _ancestor_in(region, user)) is None:
            return "from a region that does not enclose it"
        user_block = ancestor.parent
        assert user_block is not None
        if block is not user_block:
            return None if self._dominates(block, user_block) else "from a block that does not dominate it"
        if isinstance(value, OpResult) and self.order[value.op] >= self.order[ancestor]:
            return (
                "inside the operation that defines it" if value.op is ancestor is not user else "before its definition"
            )
        return None

    def _dominates(self, block: Block, other: Block) -> bool:
        region = block.parent
        assert region is not None
        if region not in self.blocks:
            self.blocks[region] = DominanceInfo(region)
        return self.blocks[region].dominates(block, other)


def _ancestor_in(region: Region, op: Operation) -> Operation | None:
    """The operation of `region` that is or encloses `op`."""
    at: Operation | None = op
    while at is not None and at.parent_region() is not region:
        at = at.parent_op()
    return at


def _defining_block(value: SSAValue) -> Block | None:
    match value:
        case OpResult(op=op):
            return op.parent
        case BlockArgument(block=block):
            return block
        case _:
            return None


def _name(value: SSAValue) -> str:
    return "" if value.name_hint is None else f" (%{value.name_hint})"
