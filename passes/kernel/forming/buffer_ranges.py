"""What the integers in a program's buffers can be: what constants hold, inputs are checked for, and kernels write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from xdsl.dialects import func
from xdsl.ir import SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import WriteOp, buffer_type
from webdnn.dialects.kernel.program import CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.signature import entries
from webdnn.passes.kernel.forming.input_ranges import Magnitudes, given_range
from webdnn.passes.kernel.forming.integer_ranges import (
    INT32,
    Machine,
    OverflowRisk,
    Ranges,
    integer_limits,
    joined,
    within,
)
from webdnn.support.element_type import Kind
from webdnn.support.index import Range
from webdnn.support.weights import STORE

ROUNDS = 3
"""How often ranges may grow before they become what the memory can hold: loops count on from trip to trip."""


def holds_integers(value: SSAValue) -> bool:
    return element_type(buffer_type(value)).kind in (Kind.SIGNED, Kind.UNSIGNED)


@dataclass
class BufferRanges:
    """The intervals of the integers in the buffers of programs, and in those that kernels are given.

    A kernel that several calls share is given what any of them gives. A buffer that nobody has written yet holds 0.
    """

    machine: Machine
    kernels: Mapping[str, FuncOp]
    of: dict[SSAValue, Range] = field(default_factory=dict[SSAValue, Range])
    rounds: int = 0

    @classmethod
    def find(
        cls,
        machine: Machine,
        programs: Iterable[func.FuncOp],
        kernels: Mapping[str, FuncOp],
        magnitudes: Magnitudes = MappingProxyType({}),
    ) -> BufferRanges:
        """The least intervals that hold after every call, of inputs of these magnitudes."""
        ranges = cls(machine, kernels)
        calls: list[CallOp] = []
        for program in programs:
            arguments = program.body.block.args
            for value, attributes in zip(arguments, entries(program.arg_attrs, len(arguments)), strict=True):
                ranges.start(value, given_range(attributes, magnitudes.get(value)))
            for op in program.walk():
                if isinstance(op, WeightOp):
                    ranges.start(op.result, ranges.content(op))
                elif isinstance(op, CallOp):
                    calls.append(op)
        while any([ranges.call(op) for op in calls]):
            ranges.rounds += 1
        return ranges

    def start(self, value: SSAValue, content: Range | None) -> None:
        if holds_integers(value):
            stored = self.machine.stored(element_type(buffer_type(value)))
            self.of[value] = (max(content[0], stored[0]), min(content[1], stored[1])) if content else stored

    def content(self, op: WeightOp) -> Range | None:
        """The least and the greatest element of a constant; None where it has none, or as words some are negative."""
        if not holds_integers(op.result):
            return None
        element = element_type(op.value.type)
        array = STORE.get(op.value.key.data, element, op.value.type.get_shape())
        if not array.size or (element.kind is Kind.UNSIGNED and int(array.max()) > INT32[1]):
            return None
        return int(array.min()), int(array.max())

    def call(self, op: CallOp) -> bool:
        """Pass on what is known before a call to what is known after it. Did anything become known?"""
        kernel = self.kernels[op.callee.root_reference.data]
        pairs = [(a, v) for a, v in zip(kernel.buffers, op.buffers, strict=True) if holds_integers(a)]
        grown = [self.grow(argument, self.of.get(value, (0, 0))) for argument, value in pairs]
        if not any(grown) and all(value in self.of for _, value in pairs):
            return False
        written = self.written(kernel)
        return any([self.grow(value, written.get(argument, (0, 0))) for argument, value in pairs]) or any(grown)

    def written(self, kernel: FuncOp) -> dict[SSAValue, Range]:
        """What a kernel writes into its buffers, given what they hold."""
        found: dict[SSAValue, Range] = {}
        ranges = Ranges(self.machine, self.of)
        for op in kernel.walk():
            if isinstance(op, WriteOp) and holds_integers(op.target):
                element = element_type(buffer_type(op.target))
                span = stored = self.machine.stored(element)
                try:
                    span = ranges.of(op.value)
                except OverflowRisk:
                    pass  # it is refused elsewhere
                fits = within(span, integer_limits(element)) and within(span, stored)
                found[op.target] = joined(found.get(op.target, (0, 0)), span if fits else stored)
        return found

    def grow(self, value: SSAValue, span: Range) -> bool:
        """Let a buffer hold these too. Is that new?"""
        before = self.of.get(value)
        after = span if before is None else joined(before, span)
        if after != before and self.rounds >= ROUNDS:
            after = joined(after, self.machine.stored(element_type(buffer_type(value))))
        self.of[value] = after
        return after != before
