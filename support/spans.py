"""How a row of elements is cut into spans of at most so many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GRAIN = 4
"""Elements that stay together: a texel, or a vec4f."""


@dataclass(frozen=True)
class Span:
    """The elements from `start` on, `size` of them."""

    start: int
    size: int

    @property
    def stop(self) -> int:
        return self.start + self.size


def cut(elements: int, most: int) -> list[Span]:
    """As few spans as `most` elements allow, all of one size but the last, each from a multiple of `GRAIN` on."""
    assert most >= GRAIN, "a span holds at least one grain"
    fewest = -(-elements // (most // GRAIN * GRAIN))
    size = -(-elements // (fewest * GRAIN)) * GRAIN
    return [Span(start, min(size, elements - start)) for start in range(0, elements, size)]


def touched(spans: Sequence[Span], low: int, high: int) -> range:
    """The numbers of the spans that hold elements from `low` to `high`, both included; at least one."""
    size = spans[0].size
    first, last = (max(0, min(at // size, len(spans) - 1)) for at in (low, high))
    return range(first, last + 1)
