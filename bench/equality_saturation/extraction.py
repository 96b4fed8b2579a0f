"""What is cheapest of an e-graph: an operator for each class that is needed, with what is shared counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.equality_saturation.cost import cost_of
from bench.equality_saturation.graph import EGraph
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

    def __post_init__(self) -> None:
        self.own.update({op: cost_of(op).total for op in self.graph.result})

    def run(self, given: Chosen) -> Chosen:
        """The cheaper of two ends: one begins with what is best for each class alone, one with what was given."""
        alone = self.choices({}, {})
        return min(({**alone}, {**alone, **given}), key=self.improved)

    def choices(self, chosen: Chosen, paid: Mapping[SSAValue, int]) -> Chosen:
        """The cheapest operator for each class, where what is chosen and paid costs nothing more."""
        found: dict[SSAValue, Choice] = {}
        pending = dict.fromkeys(self.graph.result)
        while pending:
            op = next(iter(pending))
            del pending[op]
            value = self.graph.find(self.graph.result[op])
            parts = self.needed(op, found, paid)
            if parts is None or value in parts or isinstance(value.owner, ConstantOp):
                continue
            parts[value] = 0 if value in paid and chosen[value] is op else self.own[op]
            total = sum(parts.values())
            if value not in found or total < found[value].total:
                found[value] = Choice(op, parts, total)
                pending.update({use.operation: None for use in value.uses if use.operation in self.own})
        return {value: choice.op for value, choice in found.items()}

    def needed(
        self, op: DnnOp, found: Mapping[SSAValue, Choice], paid: Mapping[SSAValue, int]
    ) -> dict[SSAValue, int] | None:
        """What the operands of an operator cost, by classes; None where one of them has no choice yet."""
        parts: dict[SSAValue, int] = {}
        for value in op.operands:
            if isinstance(value.owner, ConstantOp):
                parts[value] = 0 if value in paid else byte_size(value)
            elif value in found:
                parts.update(found[value].parts)
            elif value in self.graph.members:
                return None
        return parts

    def improved(self, chosen: Chosen) -> int:
        """Exchange single choices for as long as all that the roots need gets cheaper; what it costs then."""
        gained = True
        while gained:
            order = self.order_of(chosen)
            assert order is not None, "a value needs itself"
            chosen.update({v: op for v, op in self.choices(chosen, order).items() if v not in order})
            best, gained = sum(order.values()), False
            for value in order:
                for op in self.graph.nodes(value) if value in chosen else ():
                    kept, chosen[value] = chosen[value], op
                    new = self.order_of(chosen)
                    if new is not None and sum(new.values()) < best:
                        best, gained = sum(new.values()), True
                    else:
                        chosen[value] = kept
        return best

    def order_of(self, chosen: Chosen) -> dict[SSAValue, int] | None:
        """All that the roots need with its own cost, operands first; None where a value needs itself."""
        costs: dict[SSAValue, int] = {}
        begun: set[SSAValue] = set()
        pending = [(root, False) for root in self.roots]
        while pending:
            value, ready = pending.pop()
            if ready:
                costs[value] = self.own[chosen[value]]
            elif value in costs:
                continue
            elif value in begun:
                return None
            elif isinstance(value.owner, ConstantOp):
                costs[value] = byte_size(value)
            elif value in chosen:
                begun.add(value)
                pending.append((value, True))
                pending += [(operand, False) for operand in chosen[value].operands]
            else:
                assert value not in self.graph.members
        return costs
