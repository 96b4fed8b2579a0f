"""Locals for SSA values: a value gives its local back after its last use, and results take over dying operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue

from webdnn.targets.wasm.dialect import InstructionOp
from webdnn.targets.wasm.spelling import value_type


@dataclass
class Locals:
    """Names of values in one function; parameters come first."""

    names: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    types: list[str] = field(default_factory=list[str])
    free: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    pinned: set[int] = field(default_factory=set[int])

    def fresh(self, type: str) -> int:
        if self.free.get(type):
            return self.free[type].pop()
        self.types.append(type)
        return len(self.types) - 1

    def release(self, local: int) -> None:
        if local not in self.pinned:
            self.free.setdefault(self.types[local], []).append(local)


def place_of(user: Operation, block: Block) -> Operation:
    """The operation of the block in which a user stands."""
    while user.parent is not block:
        parent = user.parent_op()
        assert parent is not None
        user = parent
    return user


def last_users(block: Block) -> dict[SSAValue, Operation]:
    """For every value that is used in a function, the operation that uses it last in the order of the text."""
    last: dict[SSAValue, Operation] = {}
    for op in block.walk():
        for operand in op.operands:
            last[operand] = op
    return last


def preferred(op: Operation) -> Sequence[SSAValue]:
    """Operands whose local the result would best take over: a running sum keeps one."""
    if isinstance(op, InstructionOp) and op.instruction.data == "f32x4.relaxed_madd":
        return op.operands[2:]
    return op.operands


@dataclass
class Allocation:
    """One function's values being given locals, in program order."""

    locals: Locals
    last: dict[SSAValue, Operation] = field(default_factory=dict[SSAValue, Operation])

    def run(self, block: Block) -> None:
        self.last = last_users(block)
        for argument in block.args:
            self.locals.names[argument] = len(self.locals.types)
            self.locals.types.append(value_type(argument.type))
        self.block(block)

    def dying(self, block: Block) -> dict[Operation, list[SSAValue]]:
        """For each operation of a block, the values of this block that are used there for the last time."""
        found: dict[Operation, list[SSAValue]] = {}
        constants = arith.ConstantOp
        for value in (*block.args, *(r for op in block.ops if not isinstance(op, constants) for r in op.results)):
            if (user := self.last.get(value)) is not None:
                found.setdefault(place_of(user, block), []).append(value)
        return found

    def block(self, block: Block) -> None:
        dying, names = self.dying(block), self.locals.names
        for op in block.ops:
            if isinstance(op, arith.ConstantOp):
                continue
            ends = dying.get(op, ())
            if isinstance(op, scf.ForOp):
                self.loop(op, ends)
            elif isinstance(op, scf.IfOp):
                self.block(op.true_region.block)
                self.release(ends)
            elif op.results:
                self.result(op, ends)
            elif not isinstance(op, scf.YieldOp):
                self.release(ends)
            for result in op.results:
                if result.first_use is None:
                    self.locals.release(names[result])

    def release(self, values: Sequence[SSAValue]) -> None:
        for value in values:
            self.locals.release(self.locals.names[value])

    def result(self, op: Operation, ends: Sequence[SSAValue]) -> None:
        (result,) = op.results
        type, names = value_type(result.type), self.locals.names
        heir = next((v for v in preferred(op) if v in ends and self.locals.types[names[v]] == type), None)
        if heir is not None and names[heir] not in self.locals.pinned:
            names[result] = names[heir]
            self.release([v for v in ends if v is not heir])
        else:
            self.release(ends)
            names[result] = self.locals.fresh(type)

    def loop(self, op: scf.ForOp, ends: Sequence[SSAValue]) -> None:
        """Carried values keep one local around the loop; it is that of their start where the start dies here."""
        block, names, types = op.body.block, self.locals.names, self.locals.types
        inherited: set[SSAValue] = set()
        for argument, start in zip(block.args, [op.lb, *op.iter_args], strict=True):
            type = value_type(argument.type)
            if start in ends and self.may_inherit(start, op) and types[names[start]] == type:
                inherited.add(start)
                names[argument] = names[start]
            else:
                names[argument] = self.locals.fresh(type)
        for result, argument in zip(op.results, block.args[1:], strict=True):
            names[result] = names[argument]
        before, self.locals.pinned = self.locals.pinned, self.locals.pinned | {names[block.args[0]]}
        self.block(block)
        self.locals.pinned = before
        self.close(op, names)
        self.release([v for v in ends if v not in inherited])
        self.locals.release(names[block.args[0]])

    def may_inherit(self, start: SSAValue, op: scf.ForOp) -> bool:
        """Is a value that dies at the loop used by it only once, as a start?"""
        assert op.parent is not None
        uses = sum(place_of(use.operation, op.parent) is op for use in start.uses)
        return uses == 1 and self.locals.names[start] not in self.locals.pinned

    def close(self, op: scf.ForOp, names: dict[SSAValue, int]) -> None:
        """After the body, the carried locals hold the results, whatever the body did with them; the rest is free."""
        block = op.body.block
        carried = {names[a] for a in block.args}
        for pool in self.locals.free.values():
            pool[:] = [local for local in pool if local not in carried]
        end = block.last_op
        assert isinstance(end, scf.YieldOp)
        own = {v for v in end.operands if not isinstance(v.owner, Block) and v.owner.parent is block and v in names}
        for local in sorted({names[v] for v in own} - carried):
            self.locals.release(local)
