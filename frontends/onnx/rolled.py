"""Loops that stay loops: the body is imported once, on values that differ from step to step.

What a step computes of numbers alone (a counter that is carried, the condition to go on) is computed here, for every
step, and read from a table inside of the loop: so the number of steps is known too. Where it is not, there are as many
steps as there can be, and those behind the last change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr, TensorType, i1
from xdsl.ir import Block, BlockArgument, OpResult, Region, SSAValue

from webdnn.dialects.dnn.base import DnnOp, integer, plain
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp, YieldOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import array_of, grouped_operands, known
from webdnn.dialects.dnn.reference.registry import evaluate
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.frontends.onnx.choice import ranked_like
from webdnn.frontends.onnx.node import Lost, Node
from webdnn.frontends.onnx.term import Term
from webdnn.support.diagnostic import DiagnosticError

FEW_OPERATORS = 256
"""A loop whose steps have no more operators in all is written out, so that each is fused with what is around it."""

FEW_ELEMENTS = 16
"""A carried value of more elements is no number."""

MOST_STEPS = 1 << 16
"""Loops of more steps are refused, like those that nothing seems to end."""


@dataclass
class Step:
    """A step of a loop: whether there is another one (always, where that is None), the next states, and a row each."""

    condition: SSAValue | None
    nexts: list[SSAValue]
    rows: list[SSAValue]


Emit = Callable[[SSAValue, Sequence[SSAValue]], Step]
"""(number of the step, states) -> the step, its operators added to the node"""


@dataclass(frozen=True)
class Rolled:
    """What a loop gives."""

    states: list[SSAValue]
    stacks: list[SSAValue]
    taken: SSAValue | None = None
    """How many steps were taken (i32), where that is known at run time alone"""


def rolled(
    node: Node,
    operators: int,
    most: int | None,
    states: Sequence[SSAValue],
    emit: Emit,
    begins: SSAValue | None = None,
) -> Rolled | None:
    """A loop of at most so many steps, if `begins` holds; None where it had better be written out, or must be.

    That is so where it is short, and where a step needs to know at compile time what differs between steps, or gives
    values of other sizes than it takes.
    """
    if (most is not None and not 1 <= most * operators <= 1 << 40) or any(not is_fixed(node, s) for s in states):
        return None
    if most is not None and most * operators <= FEW_OPERATORS:
        return None
    block = LoopOp.block_for(states)
    try:
        with node.into(block) as refused:
            step = emit(block.args[0], block.args[1:])
            step.nexts = [
                ranked_like(Term(node, s), Term(node, n)).value for s, n in zip(states, step.nexts, strict=True)
            ]
    except (DiagnosticError, Lost):
        return abandoned(block)
    if refused.problems or not has_fixed_types(node, step, states):
        return abandoned(block)
    found = Rolling(node, block, step, states).run(most, begins)
    return abandoned(block) if found is None else found


def is_fixed(node: Node, value: SSAValue) -> bool:
    """Is it a tensor of one size and of an element type of its own?"""
    emitter = node.emitter
    counted, special = emitter.counting.of(value), value in emitter.sequences or value in emitter.formats
    return not counted and not special and 0 not in shape_of(value)


def has_fixed_types(node: Node, step: Step, states: Sequence[SSAValue]) -> bool:
    same = [plain(tensor_type(v)) for v in step.nexts] == [plain(tensor_type(v)) for v in states]
    return same and all(is_fixed(node, value) for value in (*step.nexts, *step.rows))


def abandoned(block: Block) -> None:
    """Forget operators that have been imported."""
    for op in reversed(list(block.ops)):
        op.detach()
        op.drop_all_references()


@dataclass
class Rolling:
    """A body that has been imported, becoming a loop."""

    node: Node
    block: Block
    step: Step
    states: Sequence[SSAValue]
    numbers: list[int] = field(default_factory=list[int])
    """The states that are computed here"""

    def run(self, most: int | None, begins: SSAValue | None) -> Rolled | None:
        """The loop; None where nothing says how many steps there can be."""
        self.numbers = self.independent()
        condition = self.step.condition
        open_ended = begins is not None or not self.is_computable([condition] if condition else [], self.numbers)
        if open_ended:
            self.keep_states(begins)
        steps = self.evaluated(most)
        if steps is None:
            return None
        tables, finals = steps
        count = len(tables)
        end = YieldOp([*self.step.nexts, *self.step.rows])
        self.block.add_op(end)
        kept = [i for i in range(len(self.states)) if i not in self.numbers and not self.stays(i)]
        for i, state in enumerate(self.states):
            if i in self.numbers:
                self.tabulate(self.argument(i), as_array(np.stack([row[i] for row in tables])))
            elif i not in kept:
                self.argument(i).replace_all_uses_with(state)
        end.operands = [end.values[i] for i in (*kept, *range(len(self.states), len(end.values)))]
        for op in reversed(list(self.block.ops)):
            if op is not end and all(result.first_use is None for result in op.results):
                self.block.erase_op(op)
        for i in reversed(range(len(self.states))):
            if i not in kept:
                self.block.erase_arg(self.argument(i))
        captured = self.capture()
        if not all(is_fixed(self.node, value) for value in captured):
            return None
        loop = LoopOp(count, [self.states[i] for i in kept], captured, Region(self.block))
        results = self.node.add_all(loop)
        last, stacks = dict(zip(kept, results, strict=False)), results[len(kept) :]
        taken = Term(self.node, stacks.pop()).sum(0) if open_ended else None
        for i in self.numbers:
            last[i] = self.final(as_array(np.stack([row[i] for row in (*tables, finals)])), taken)
        states = [last.get(i, s) for i, s in enumerate(self.states)]
        return Rolled(states[:-1] if open_ended else states, stacks, taken and taken.value)

    def final(self, values: Array, taken: Term | None) -> SSAValue:
        """A number behind the last step, of those before each step and behind all."""
        if taken is None:
            return self.node.constant_value(as_array(np.array(values[-1], order="C")))
        return Term.known(self.node, values).gathered(taken, 0).value

    def keep_states(self, begins: SSAValue | None) -> None:
        """Carry whether steps are taken still: one that is not changes nothing. A row more tells it.

        Numbers go on as if it were, so that they are known in each step.
        """
        node, step = self.node, self.step
        live = Term(node, self.block.insert_arg(TensorType(i1, []), len(self.block.args)))
        with node.into(self.block):
            nexts = [
                next
                if i in self.numbers or self.stays(i)
                else live.where(Term(node, next), Term(node, self.argument(i))).value
                for i, next in enumerate(step.nexts)
            ]
            goes_on = live if step.condition is None else live & Term(node, step.condition).reshaped()
            row = live.cast("i32").value
        self.states = [*self.states, begins or node.constant_value(as_array(np.array(np.bool_(True))))]
        self.step = Step(None, [*nexts, goes_on.value], [*step.rows, row])

    def argument(self, i: int) -> BlockArgument:
        """A state inside of the body."""
        return self.block.args[1 + i]

    def stays(self, i: int) -> bool:
        return self.step.nexts[i] in (self.argument(i), self.states[i])

    # What is computed of numbers alone.

    def is_computed(self, value: SSAValue) -> TypeGuard[OpResult]:
        """Does an operator of the body give it?"""
        return isinstance(value, OpResult) and value.op.parent is self.block

    def needs(self, values: Iterable[SSAValue]) -> set[SSAValue]:
        """All that values are computed from: arguments of the body, constants, and values around the loop."""
        pending, met = list(values), set[SSAValue]()
        while pending:
            value = pending.pop()
            if value not in met:
                met.add(value)
                pending += value.op.operands if self.is_computed(value) else ()
        return met

    def is_computable(self, values: Iterable[SSAValue], numbers: Sequence[int]) -> bool:
        """Do values depend on the step, on these states and on constants alone?"""
        given = {self.block.args[0], *(self.argument(i) for i in numbers)}
        return all(v in given or self.is_computed(v) or known(v) is not None for v in self.needs(values))

    def independent(self) -> list[int]:
        """The states that begin as numbers that are known, and go on so."""
        found = [i for i, s in enumerate(self.states) if known(s) is not None and np.prod(shape_of(s)) <= FEW_ELEMENTS]
        while wrong := [i for i in found if not self.is_computable([self.step.nexts[i]], found)]:
            found = [i for i in found if i not in wrong]
        return found

    def evaluated(self, most: int | None) -> tuple[list[dict[int, Array]], dict[int, Array]] | None:
        """The numbers at each step, and behind the last one; None where it is not known which one that is."""
        condition = self.step.condition
        if most is None and condition is None:
            return None
        wanted = [*(self.step.nexts[i] for i in self.numbers), *([condition] if condition else [])]
        needed = self.needs(wanted)
        order = [op for op in self.block.ops if isinstance(op, DnnOp) and not needed.isdisjoint(op.results)]
        now = {i: found for i in self.numbers if (found := known(self.states[i])) is not None}
        tables: list[dict[int, Array]] = []
        while most is None or len(tables) < most:
            if len(tables) == MOST_STEPS:
                return None
            values: dict[SSAValue, Array] = {self.argument(i): array for i, array in now.items()}
            values[self.block.args[0]] = as_array(np.array(len(tables), np.int64))
            for op in order:
                operands = [None if o is None else looked_up(o, values) for o in grouped_operands(op)]
                values |= zip(op.results, evaluate(op, operands), strict=True)
            tables.append(now)
            now = {i: looked_up(self.step.nexts[i], values) for i in self.numbers}
            if condition is not None and not looked_up(condition, values).all():
                break
        return tables, now

    def tabulate(self, argument: SSAValue, table: Array) -> None:
        """Read a number from a table of what it is at each step, or as a constant."""
        if argument.first_use is None:
            return
        if bool((table == table[:1]).all()):
            argument.replace_all_uses_with(self.node.constant_value(as_array(np.array(table[0], order="C"))))
            return
        op = GatherOp.of(self.node.constant_value(table), self.block.args[0], axis=integer(0))
        self.insert(op)
        argument.replace_all_uses_with(op.output)

    # What the body takes from around the loop.

    def insert(self, op: DnnOp) -> None:
        """Put an operator in front of all others."""
        op.location = NameLoc(StringAttr(self.node.name), NoneAttr())
        first = self.block.first_op
        if first is None:
            self.block.add_op(op)
        else:
            self.block.insert_op_before(op, first)

    def capture(self) -> list[SSAValue]:
        """Give the body constants of its own, and an argument for each other value that it sees."""
        captured, inside = list[SSAValue](), dict[SSAValue, SSAValue]()
        for op in list(self.block.ops):
            for at, value in enumerate(op.operands):
                if value.owner is self.block or self.is_computed(value):
                    continue
                if value not in inside and isinstance(value.owner, ConstantOp):
                    constant = value.owner.clone()
                    self.insert(constant)
                    inside[value] = constant.output
                elif value not in inside:
                    captured.append(value)
                    inside[value] = self.block.insert_arg(plain(tensor_type(value)), len(self.block.args))
                    inside[value].name_hint = value.name_hint
                op.operands[at] = inside[value]
        return captured


def looked_up(value: SSAValue, values: dict[SSAValue, Array]) -> Array:
    """A value that has been computed, or is a constant."""
    if value in values:
        return values[value]
    assert isinstance(value.owner, ConstantOp)
    return array_of(value.owner)
