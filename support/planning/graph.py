"""The graph that the planners of fusion, order and storage look at: operators, values and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from math import prod
from typing import Literal

Role = Literal["", "in", "out"]


class Kind(Enum):
    """How an operator touches its operands; all that planning needs to know of what it computes."""

    ELEMENTWISE = auto()
    """Each result point reads the same point of every operand (or of its broadcast)."""
    PERMUTE = auto()
    """A transpose: each operand point is read once, and written elsewhere."""
    GATHER = auto()
    """Slice, pad, upsampling, gather: one read of each operand per result point."""
    WINDOW = auto()
    """Convolution, matmul, pooling: an operand's element is read for many result points."""
    ROWWISE = auto()
    """Softmax, normalisation: a row is read once or twice, and then written where it stood."""
    SWEEP = auto()
    """Reduction, recurrence: each element is read once or twice, the result lies elsewhere."""
    CONCAT = auto()
    """Operands side by side: a place rather than work, where the operands can be written there directly."""

    @property
    def is_anchor(self) -> bool:
        """Whether the operator determines a kernel's loops; a kernel has at most one such."""
        return self in {Kind.WINDOW, Kind.ROWWISE, Kind.SWEEP}

    @property
    def is_injective(self) -> bool:
        """Whether a result point reads at most one point of each operand, so that it can be computed at its reads."""
        return self in {Kind.ELEMENTWISE, Kind.PERMUTE, Kind.GATHER}

    @property
    def is_pointwise(self) -> bool:
        """Whether what is read at a point (or row) is not needed any more once that point (or row) is written."""
        return self in {Kind.ELEMENTWISE, Kind.ROWWISE}

    @property
    def reads_once(self) -> bool:
        """Whether an anchor reads each element so rarely that any work may be repeated at its reads."""
        return self in {Kind.ROWWISE, Kind.SWEEP}


@dataclass(frozen=True)
class Value:
    """A tensor that lives in memory; constants are not values.

    `shape` is in storage order, outermost axis first. The caller owns values of role "in" (live from the start)
    and reads those of role "out" (live to the end).
    """

    name: str
    shape: tuple[int, ...]
    element_bytes: int = 4
    role: Role = ""

    @cached_property
    def extent(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """The size of the value, in bytes, without padding."""
        return self.extent * self.element_bytes


@dataclass(frozen=True)
class Op:
    """An operator, or a kernel made of several."""

    kind: Kind
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: int = 0
    """How many constants it binds."""
    cheap: bool = True
    """Whether it may be computed again at each of many reads (a transcendental function may not)."""
    axis: int = 0
    """Of a concatenation: the axis, in storage order."""
    in_place: tuple[int, ...] = ()
    """Operands read only at the very point (or row) of the first output that is written."""


@dataclass(frozen=True)
class Graph:
    """Operators in a valid order: each value is produced at most once, and before it is read.

    Raises a ValueError where that does not hold.
    """

    values: tuple[Value, ...]
    ops: tuple[Op, ...]

    def __post_init__(self) -> None:
        """Check the order."""
        owned = {v for v, value in enumerate(self.values) if value.role == "in"}
        made = {v for op in self.ops for v in op.outputs}
        seen: set[int] = set()
        for t, op in enumerate(self.ops):
            early = [v for v in op.inputs if v in made and v not in seen]
            twice = [v for v in op.outputs if v in seen or v in owned]
            if early or twice:
                problem = f"reads value {early[0]} before" if early else f"produces value {twice[0]} after"
                raise ValueError(f"operator {t} {problem} it is produced")
            seen.update(op.outputs)

    @cached_property
    def producer(self) -> dict[int, int]:
        """The operator that makes each value; the caller's inputs have none."""
        return {v: t for t, op in enumerate(self.ops) for v in op.outputs}

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """The operators that read each value, in order, each once."""
        found: list[dict[int, None]] = [{} for _ in self.values]
        for t, op in enumerate(self.ops):
            for v in op.inputs:
                found[v][t] = None
        return tuple(map(tuple, found))

    def reordered(self, order: Sequence[int]) -> Graph:
        """The same graph with its operators in another (valid) order."""
        return replace(self, ops=tuple(self.ops[t] for t in order))
