"""Programs whose tasks may be run row by row: what each row reads, and when each value lives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

Rows = tuple[int, int]
"""The first row, and the one behind the last."""


@dataclass(frozen=True)
class Reach:
    """What row y of a result reads: rows (scale · y + low) // divisor … (scale · y + high) // divisor, included."""

    scale: int
    low: int
    high: int
    divisor: int = 1

    def rows(self, first: int, last: int) -> Rows:
        """The rows that rows first … last - 1 of the result read."""
        ends = self.scale * first, self.scale * (last - 1)
        return (min(ends) + self.low) // self.divisor, (max(ends) + self.high) // self.divisor + 1


@dataclass(frozen=True)
class Value:
    """Bytes in memory, as rows of equal size; what has no rows to be cut at is one row.

    The caller owns what is `given` (live from the start) and reads what is `kept` (live to the end). A value with a
    `home` lies inside of that one, which is there as long as either is needed. Each row lies in so many
    `planes`, one behind another, as where channels are outermost. If `held` is not 0, the tasks that make and read the
    value run in a loop that holds so many bytes of it at a time, and all of them have to stay together.
    """

    name: str
    rows: int
    row_bytes: int
    given: bool = False
    kept: bool = False
    home: int | None = None
    planes: int = 1
    held: int = 0

    @property
    def bytes(self) -> int:
        """The bytes of the value that are there at a time, without padding."""
        return self.held or self.rows * self.row_bytes


@dataclass(frozen=True)
class Read:
    """A value that a task reads; without a reach, each row of the result may need all of its rows."""

    value: int
    reach: Reach | None = None


@dataclass(frozen=True)
class Task:
    """A step of the program. Its results have `points` rows that are computed, behind `inset` rows of border.

    `macs` are its multiply-adds, `weights` the bytes of constants that it reads, `in_place` the operands whose memory
    its result may take. A task that `joins` has operands side by side in each row of its result, which is the home of
    those that are made there.
    """

    reads: tuple[Read, ...]
    makes: tuple[int, ...]
    points: int = 1
    inset: int = 0
    macs: int = 0
    weights: int = 0
    in_place: tuple[int, ...] = ()
    cuttable: bool = False
    joins: bool = False

    def point_rows(self, rows: Rows) -> Rows:
        """The rows to compute for some rows of the result, its border included."""
        return max(0, rows[0] - self.inset), min(self.points, rows[1] - self.inset)


@dataclass(frozen=True)
class Program:
    """Tasks in order, and the values that they read and make; a ValueError says which value is read before it is made.

    With `overlay`, a result may be written over rows of an operand that nobody needs any more.
    """

    values: tuple[Value, ...]
    tasks: tuple[Task, ...]
    overlay: bool = True

    def __post_init__(self) -> None:
        """Check the order."""
        for t, task in enumerate(self.tasks):
            early = [read.value for read in task.reads if self.born[read.value] >= t]
            if early:
                raise ValueError(f"task {t} reads value {early[0]} before it is made")

    @cached_property
    def born(self) -> list[int]:
        """The task that makes each value; -1 for those that are there from the start."""
        born = [-1] * len(self.values)
        for t, task in enumerate(self.tasks):
            for value in task.makes:
                born[value] = t
        return born

    @cached_property
    def readers(self) -> list[list[int]]:
        """The tasks that read each value."""
        readers: list[list[int]] = [[] for _ in self.values]
        for t, task in enumerate(self.tasks):
            for value in dict.fromkeys(read.value for read in task.reads):
                readers[value].append(t)
        return readers

    @cached_property
    def end(self) -> list[int]:
        """The time after the last task that reads each value."""
        count = len(self.tasks)
        return [
            count + 1 if value.kept else max(readers, default=born) + 1
            for value, readers, born in zip(self.values, self.readers, self.born, strict=True)
        ]

    def home(self, value: int) -> int:
        """Where a value lies: itself, or what it is inside of."""
        while (outer := self.values[value].home) is not None:
            value = outer
        return value

    @cached_property
    def lives(self) -> dict[int, tuple[int, int]]:
        """For each value with memory of its own: the task that first writes there, the time after its last reader."""
        lives: dict[int, tuple[int, int]] = {}
        for v, (born, end) in enumerate(zip(self.born, self.end, strict=True)):
            known = lives.get(home := self.home(v), (born, end))
            lives[home] = min(born, known[0]), max(end, known[1])
        return {home: self.around_loops(*life) for home, life in lives.items()}

    def around_loops(self, born: int, end: int) -> tuple[int, int]:
        """A life that lasts as long as the loops do that write or read the value."""
        for first, last in self.loops:
            if first <= born < last:
                born, end = first, max(end, last)
            elif born < first < end:
                end = max(end, last)
        return born, end

    @cached_property
    def loops(self) -> list[tuple[int, int]]:
        """The tasks that run in each loop."""
        found: list[tuple[int, int]] = []
        for first, last in sorted((self.born[v], self.end[v]) for v, value in enumerate(self.values) if value.held):
            if found and first < found[-1][1]:
                found[-1] = found[-1][0], max(last, found[-1][1])
            else:
                found.append((first, last))
        return found

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of all tasks, each done once."""
        return sum(task.macs for task in self.tasks)

    @cached_property
    def across(self) -> list[int]:
        """Bytes made before each task and needed from then on."""
        change = [0] * (len(self.tasks) + 3)
        for v, (born, end) in self.lives.items():
            change[born + 1] += self.values[v].bytes
            change[max(end, born + 1)] -= self.values[v].bytes
        return list(accumulate(change))

    def live(self, first: int, last: int) -> list[int]:
        """The values in memory while tasks first … last - 1 run: what they find and need, and what they leave."""
        return [
            v
            for v, (born, end) in self.lives.items()
            if born < first < end or (first <= born < last and (end > last or last == first + 1))
        ]
