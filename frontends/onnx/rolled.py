"""Loops that stay loops: the body is imported once, on values that differ from step to step.

What a step computes of numbers alone is computed here (`step_numbers.py`), and read from a table inside of the loop. If
the condition to go on is such a number, that of the steps is known too. Where it is not, there are as many steps as
there can be, and those behind the last change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr, TensorType, i1
from xdsl.ir import Block, Region, SSAValue

from webdnn.dialects.dnn.base import DnnOp, integer, plain
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp, YieldOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.frontends.onnx.choice import ranked_like
from webdnn.frontends.onnx.node import Lost, Node
from webdnn.frontends.onnx.step_numbers import Body
from webdnn.frontends.onnx.term import Term
from webdnn.support.diagnostic import DiagnosticError

FEW_OPERATORS = 256
"""A loop whose steps have no more operators in all is written out, so that each is fused with what is around it."""


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
    if (most is not None and most * operators <= FEW_OPERATORS) or any(not is_fixed(node, s) for s in states):
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
    found = Rolling(node, Body(block), step, states).run(most, begins)
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
    body: Body
    step: Step
    states: Sequence[SSAValue]
    numbers: Sequence[int] = ()
    """The states that are known at every step"""

    def run(self, most: int | None, begins: SSAValue | None) -> Rolled | None:
        """The loop; None where nothing says how many steps there can be."""
        condition = self.step.condition
        self.numbers = self.body.numbers(self.states, self.step.nexts)
        open_ended = begins is not None or not self.body.computes([condition] if condition else [], self.numbers)
        if open_ended:
            self.keep_states(begins)
        if most is None and self.step.condition is None:
            return None
        inits = {i: array for i in self.numbers if (array := known(self.states[i])) is not None}
        found = self.body.evaluated(inits, self.step.nexts, self.step.condition, most)
        if found is None:
            return None
        tables = {i: as_array(np.stack([numbers[i] for numbers in found])) for i in self.numbers}
        kept = self.reduce(tables)
        captured = self.capture()
        if not all(is_fixed(self.node, value) for value in captured):
            return None
        loop = LoopOp(len(found) - 1, [self.states[i] for i in kept], captured, Region(self.body.block))
        results = self.node.add_all(loop)
        last, stacks = dict(zip(kept, results, strict=False)), results[len(kept) :]
        taken = Term(self.node, stacks.pop()).sum(0) if open_ended else None
        last |= {i: self.final(table, taken) for i, table in tables.items()}
        states = [last.get(i, s) for i, s in enumerate(self.states)]
        return Rolled(states[:-1] if open_ended else states, stacks, taken and taken.value)

    def final(self, table: Array, taken: Term | None) -> SSAValue:
        """A number behind the last step that is taken."""
        if taken is None:
            return self.node.constant_value(as_array(np.array(table[-1], order="C")))
        return Term.known(self.node, table).gathered(taken, 0).value

    def keep_states(self, begins: SSAValue | None) -> None:
        """Carry whether steps are taken still: one that is not changes nothing. A row more tells it.

        Numbers go on as if it were, so that they are known in each step.
        """
        node, step, block = self.node, self.step, self.body.block
        live = Term(node, block.insert_arg(TensorType(i1, []), len(block.args)))

        def kept(i: int, next: SSAValue) -> SSAValue:
            if i in self.numbers or self.stays(i):
                return next
            return live.where(Term(node, next), Term(node, self.body.state(i))).value

        with node.into(block):
            nexts = [kept(i, next) for i, next in enumerate(step.nexts)]
            goes_on = live if step.condition is None else live & Term(node, step.condition).reshaped()
            row = live.cast("i32").value
        self.states = [*self.states, begins or node.constant_value(as_array(np.array(np.bool_(True))))]
        self.step = Step(None, [*nexts, goes_on.value], [*step.rows, row])

    def stays(self, i: int) -> bool:
        """Is a state what it was before the loop?"""
        return self.step.nexts[i] in (self.body.state(i), self.states[i])

    def reduce(self, tables: Mapping[int, Array]) -> list[int]:
        """End the body in what it hands on, without numbers and what stays; the states that are left."""
        block, states = self.body.block, range(len(self.states))
        end = YieldOp([*self.step.nexts, *self.step.rows])
        block.add_op(end)
        kept = [i for i in states if i not in tables and not self.stays(i)]
        for i in states:
            if i in tables:
                self.tabulate(self.body.state(i), as_array(tables[i][:-1]))
            elif i not in kept:
                self.body.state(i).replace_all_uses_with(self.states[i])
        end.operands = [end.values[i] for i in (*kept, *range(len(self.states), len(end.values)))]
        for op in reversed(list(block.ops)):
            if op is not end and all(result.first_use is None for result in op.results):
                block.erase_op(op)
        for i in reversed(states):
            if i not in kept:
                block.erase_arg(self.body.state(i))
        return kept

    def tabulate(self, argument: SSAValue, table: Array) -> None:
        """Read a number from a table of what it is at each step, or as a constant."""
        if argument.first_use is None:
            return
        if bool((table == table[:1]).all()):
            argument.replace_all_uses_with(self.node.constant_value(as_array(np.array(table[0], order="C"))))
            return
        op = GatherOp.of(self.node.constant_value(table), self.body.step, axis=integer(0))
        self.insert(op)
        argument.replace_all_uses_with(op.output)

    def insert(self, op: DnnOp) -> None:
        """Put an operator in front of all others."""
        op.location = NameLoc(StringAttr(self.node.name), NoneAttr())
        block = self.body.block
        assert block.first_op is not None, "the body ends in an operator"
        block.insert_op_before(op, block.first_op)

    def capture(self) -> list[SSAValue]:
        """Give the body constants of its own, and an argument for each other value that it sees."""
        captured, inside, block = list[SSAValue](), dict[SSAValue, SSAValue](), self.body.block
        for op in list(block.ops):
            for at, value in enumerate(op.operands):
                if value.owner is block or self.body.gives(value):
                    continue
                if value not in inside and isinstance(value.owner, ConstantOp):
                    constant = value.owner.clone()
                    self.insert(constant)
                    inside[value] = constant.output
                elif value not in inside:
                    captured.append(value)
                    inside[value] = block.insert_arg(plain(tensor_type(value)), len(block.args))
                    inside[value].name_hint = value.name_hint
                op.operands[at] = inside[value]
        return captured
