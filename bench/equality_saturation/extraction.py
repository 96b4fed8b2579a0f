"""What is cheapest of an e-graph: an operator for each class that is needed, with what is shared counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.equality_saturation.cost import cost_of
from bench.equality_saturation.graph import EGraph, is_given
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.constants import byte_size

Chosen = dict[SSAValue, DnnOp]
"""The operator that computes each class"""


@dataclass(frozen=True)
class Choice:
    """An operator, and what it and all that it needs cost, by their classes."""

    op: DnnOp
    parts: Mapping[SSAValue, int]
    total: int


@dataclass(frozen=True)
class Extraction:
    """A search for what all roots need together: choices that are best one by one, of which then some are exchanged.

    It is no exact one, which would be an integer program; it never leaves what costs more than was given.
    """

    graph: EGraph
    roots: Sequence[SSAValue]
    own: dict[DnnOp, int] = field(default_factory=dict[DnnOp, int])
    constants: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    read: dict[DnnOp, Sequence[SSAValue]] = field(default_factory=dict[DnnOp, Sequence[SSAValue]])

    def __post_init__(self) -> None:
        for op in self.graph.result:
            self.own[op] = cost_of(op).total
            known = [value for value in op.operands if isinstance(value.owner, ConstantOp)]
            self.constants.update({value: byte_size(value) for value in known})
            self.read[op] = [value for value in op.operands if value in self.constants or not is_given(value)]

    def run(self, given: Chosen) -> Chosen:
        """The cheaper of two ends: one begins with what is best for each class alone, one with what was given."""
        alone = self.choices({}, {})
        starts = [start for start in (alone, {**alone, **given}) if self.order_of(start) is not None]
        return min(map(self.improved, starts), key=self.total)

    def total(self, chosen: Chosen) -> int:
        return sum((self.order_of(chosen) or {}).values())

    def choices(self, chosen: Chosen, paid: Mapping[SSAValue, int]) -> Chosen:
        """The cheapest operator for each class, where what is chosen and paid costs nothing more."""
        found: dict[SSAValue, Choice] = {}
        pending = dict.fromkeys(self.graph.result)
        while pending:
            op = next(iter(pending))
            del pending[op]
            value = self.graph.find(self.graph.result[op])
            parts = self.needed(op, found, paid)
            if parts is None or value in parts or is_given(value):
                continue
            parts[value] = 0 if value in paid and chosen[value] is op else self.own[op]
            total = sum(parts.values())
            if value not in found or total < found[value].total:
                found[value] = Choice(op, parts, total)
                readers = (use.operation for use in value.uses)
                pending.update({reader: None for reader in readers if isinstance(reader, DnnOp) and reader in self.own})
        return {value: choice.op for value, choice in found.items()}

    def needed(
        self, op: DnnOp, found: Mapping[SSAValue, Choice], paid: Mapping[SSAValue, int]
    ) -> dict[SSAValue, int] | None:
        """What the operands of an operator cost, by classes; None where one of them has no choice yet."""
        parts: dict[SSAValue, int] = {}
        for value in self.read[op]:
            if value in self.constants:
                parts[value] = 0 if value in paid else self.constants[value]
            elif value in found:
                parts.update(found[value].parts)
            else:
                return None
        return parts

    def improved(self, start: Chosen) -> Chosen:
        """Single choices exchanged for as long as all that the roots need gets cheaper."""
        chosen, costs, before = dict(start), self.order_of(start) or {}, 0
        while sum(costs.values()) != before:
            before = sum(costs.values())
            chosen.update({value: op for value, op in self.choices(chosen, costs).items() if value not in costs})
            for value in list(costs):
                for op in self.graph.nodes(value) if value in chosen else ():
                    changed = {**chosen, value: op}
                    new = self.order_of(changed)
                    if new is not None and sum(new.values()) < sum(costs.values()):
                        chosen, costs = changed, new
        return chosen

    def order_of(self, chosen: Chosen) -> dict[SSAValue, int] | None:
        """All that the roots need with its own cost, operands first; None where there is no such order."""
        costs: dict[SSAValue, int] = {}
        begun: set[SSAValue] = set()
        pending = [(root, False) for root in self.roots]
        while pending:
            value, ready = pending.pop()
            if ready:
                costs[value] = self.own[chosen[value]]
            elif value in costs:
                continue
            elif value in self.constants:
                costs[value] = self.constants[value]
            elif value in begun or value not in chosen:
                return None
            else:
                begun.add(value)
                pending.append((value, True))
                pending += [(operand, False) for operand in self.read[chosen[value]]]
        return costs
