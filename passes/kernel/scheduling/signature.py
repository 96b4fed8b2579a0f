"""The signature of a kernel: what it computes on which shapes, whatever its values are called and its schedule is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from webdnn.dialects.kernel.access import AccessOp
from webdnn.dialects.kernel.affine import CountedOp, is_value
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.passes.kernel.forming.form_kernels import kind
from webdnn.passes.kernel.scheduling.reach import inputs, operations
from webdnn.support.index import FloorDiv, Index

DIGITS = 12
"""Of the digest, in hexadecimal: enough that no two kernels of all models ever tuned share them."""

UNSIGNED = frozenset({"map", "operandSegmentSizes", "schedule", "unroll"})
"""Attributes that are no part of a signature: schedules, and what index expressions say better."""


def signature(compute: ComputeOp) -> str:
    """`sum 14x14x384 over 96 #5f0c21a9b3de`: what it is like, and a digest of all that it is."""
    digest = sha256("\n".join(Spelling(compute).lines()).encode()).hexdigest()
    return f"{kind(compute)} {spell_sizes(compute)} #{digest[:DIGITS]}"


def spell_sizes(compute: ComputeOp) -> str:
    """`14x14x384 over 96`"""
    ops = [compute, *(op for op in operations(compute) if isinstance(op, ReduceOp))]
    return " over ".join("x".join(map(str, op.shape)) or "1" for op in ops)


@dataclass
class Spelling:
    """The text of a compute, whose values are called by the place in which they are met from the writes backwards."""

    compute: ComputeOp
    names: dict[Hashable, str] = field(default_factory=dict[Hashable, str])

    def lines(self) -> Iterator[str]:
        """A line for each operation."""
        self.name_axes(self.compute, "c")
        found = operations(self.compute)
        for op in found:
            for i, result in enumerate(op.results):
                self.names[result] = f"v{len(self.names)}.{i}"
            if isinstance(op, ReduceOp):
                self.name_axes(op, f"r{len(self.names)}.")
        yield str(self.compute.sizes)
        for op in found:
            yield f"{op.name} {self.attributes(op)} {' '.join(self.operands(op))}"

    def name_axes(self, op: ComputeOp | ReduceOp, prefix: str) -> None:
        self.names |= {axis: f"{prefix}{i}" for i, axis in enumerate(op.axes)}

    def attributes(self, op: Operation) -> str:
        both = {**op.attributes, **op.properties}
        return " ".join(f"{name}={both[name]}" for name in sorted(both.keys() - UNSIGNED))

    def operands(self, op: Operation) -> Iterator[str]:
        indices = list(op.index_operands) if isinstance(op, AccessOp) else []
        for value in inputs(op):
            if value not in indices:
                yield self.name(value)
        if isinstance(op, AccessOp):
            yield from map(self.index, op.exprs)

    def name(self, value: SSAValue) -> str:
        if value not in self.names:
            self.names[value] = f"a{len(self.names)}:{value.type}{self.count(value)}"
        return self.names[value]

    @staticmethod
    def count(value: SSAValue) -> str:
        """How far a counter of the loops around goes."""
        owner = value.owner
        if isinstance(value, BlockArgument) or isinstance(owner, Block):
            return ""
        return f" of {owner.index_count}" if isinstance(owner, CountedOp) else ""

    def index(self, expr: Index) -> str:
        """A sum in the order of its spelled terms."""
        terms = sorted(f"{coefficient}*{self.atom(atom)}" for atom, coefficient in expr.terms.items())
        return "[" + "+".join([*terms, str(expr.constant)]) + "]"

    def atom(self, atom: Hashable) -> str:
        if isinstance(atom, FloorDiv):
            return f"({self.index(atom.numerator)}/{atom.divisor})"
        assert is_value(atom)
        return self.name(atom)
