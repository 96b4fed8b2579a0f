"""What operators cost, for rewritings of graphs that have to gain: one number for arithmetic and for weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Multiply-adds of sums, elements that element-wise operators compute, and bytes of weights.

    Each counts one. An element is read and written once for its one operation, which takes longer than a multiply-add
    in a register; but most elements never leave the kernel that made them. A byte is downloaded once and an element
    is computed in each run: at 10 MB/s and 1 ns they are even after a hundred runs.
    """

    multiply_adds: int = 0
    elements: int = 0
    weight_bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.multiply_adds + other.multiply_adds,
            self.elements + other.elements,
            self.weight_bytes + other.weight_bytes,
        )

    def __neg__(self) -> Cost:
        return Cost(-self.multiply_adds, -self.elements, -self.weight_bytes)

    def __sub__(self, other: Cost) -> Cost:
        return self + -other

    @property
    def total(self) -> int:
        return self.multiply_adds + self.elements + self.weight_bytes


FREE = Cost()
