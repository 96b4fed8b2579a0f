"""The launches of a program as bundles of GPU backends list them: flat, with the ranges that loops repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from webdnn.support.index import Index
from webdnn.targets.bundle.sections import Counter, Repeat
from webdnn.targets.program import Call, Loop


@dataclass
class Launches:
    """Calls in order, each once; `counters` are those of each call, and `loops` stand before those inside them."""

    calls: list[Call] = field(default_factory=list[Call])
    counters: list[tuple[Counter, ...]] = field(default_factory=list[tuple[Counter, ...]])
    loops: list[Repeat] = field(default_factory=list[Repeat])

    @classmethod
    def of(cls, launches: Sequence[Call | Loop]) -> Launches:
        found = cls()
        found.add(launches, [])
        return found

    def add(self, launches: Sequence[Call | Loop], around: Sequence[SSAValue]) -> None:
        for launch in launches:
            if isinstance(launch, Call):
                self.calls.append(launch)
                self.counters.append(tuple(counter(index, around) for index in launch.counters))
                continue
            place, first = len(self.loops), len(self.calls)
            self.loops.append(Repeat(first, 1, launch.trips))
            self.add(launch.launches, [*around, launch.counter])
            self.loops[place] = Repeat(first, len(self.calls) - first, launch.trips)


def counter(index: Index, around: Sequence[SSAValue]) -> Counter:
    """A sum over what the loops around count, outermost first."""
    assert index.symbols <= set(around), "a counter is a sum over the loops around its call"
    return Counter(index.constant, tuple(index.coefficient(loop) or 0 for loop in around))
