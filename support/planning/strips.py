"""Strips: consecutive tasks run piece by piece along rows, so that what lies between them is never whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import add, itemgetter
from typing import NamedTuple

from webdnn.support.planning.row_program import Program, Rows, Task

COUNTS = (2, 4, 8, 16, 32, 64)
"""About how many strips a segment may have."""

GRAIN = 4
"""Strips are tried with a multiple of so many rows too, so that tiles of results are not computed twice."""

LONGEST = 40
"""Tasks in a segment."""


CALL = 100_000
"""Multiply-adds that take as long as one more call of a kernel, which threads meet at, with its edges."""

FALL = 0.02
"""Plans that cost time are tried with peaks that are lower by this part each."""

WORTH = 25
"""A part of the memory of a run is worth so many times less of its time."""

LEAST_FALL = 0.2
"""A lower peak is worth more code only from this part on."""

Costs = tuple[int, ...]
"""What makes a plan worse, the worst first."""


class Segment(NamedTuple):
    """Tasks first <= t < last in strips of `height` rows of the last one's result (0: whole, in the given order).

    `peak` is how many bytes live while it runs, `extra` the multiply-adds that are done again, `again` the bytes of
    weights that are read again. Where its result may be written over rows of a dying value, that is `over`; it then
    lies below that value, or above it if strips run `upside_down`, the last rows first.
    """

    first: int
    last: int
    height: int
    strips: int
    peak: int
    extra: int
    over: int | None = None
    upside_down: bool = False
    again: int = 0

    @property
    def costs(self) -> Costs:
        """Multiply-adds that are done again, results over operands, and pieces."""
        return self.extra, int(self.over is not None), self.strips * (self.last - self.first)

    @property
    def time(self) -> int:
        """What strips take longer, in multiply-adds: each byte of a weight that is read again takes one."""
        return self.extra + self.again + CALL * (self.strips - 1) * (self.last - self.first)


@dataclass(frozen=True)
class Plan:
    """A partition of the program into segments."""

    segments: tuple[Segment, ...]

    @property
    def peak(self) -> int:
        """Bytes live at the worst time."""
        return max((segment.peak for segment in self.segments), default=0)

    @property
    def extra(self) -> int:
        """Multiply-adds that are done again."""
        return sum(segment.extra for segment in self.segments)

    @property
    def time(self) -> int:
        """What strips take longer, in multiply-adds."""
        return sum(segment.time for segment in self.segments)

    @property
    def worst(self) -> Segment:
        """The segment at the peak."""
        return max(self.segments, key=lambda segment: segment.peak)


def own_rows(program: Program, value: int, last: int, height: int, strip: int) -> Rows:
    """The rows of a segment's output that a strip leaves: its share of the points, and of the border what is beside."""
    task = program.tasks[program.born[value]]
    reference = program.tasks[last - 1].points
    low, high = (min(task.points, s * height * task.points // reference) for s in (strip, strip + 1))
    above = 0 if low == 0 else task.inset + low
    return above, program.values[value].rows if (strip + 1) * height >= reference else task.inset + high


@dataclass
class _Strip:
    """One strip of a segment that grows backwards: the rows that it needs of each value, and the bytes that live.

    `begins` is the first task that needs the memory of what is joined, `until` the last that reads a value.
    """

    need: dict[int, Rows] = field(default_factory=dict[int, Rows])
    live: dict[int, int] = field(default_factory=dict[int, int])
    begins: dict[int, int] = field(default_factory=dict[int, int])
    until: dict[int, int] = field(default_factory=dict[int, int])
    peak: int = 0

    def add_need(self, value: int, rows: Rows) -> None:
        known = self.need.get(value)
        self.need[value] = (min(rows[0], known[0]), max(rows[1], known[1])) if known else rows

    def add_bytes(self, first: int, last: int, count: int) -> None:
        for t in range(first, last):
            self.live[t] = self.live.get(t, 0) + count
            self.peak = max(self.peak, self.live[t])


@dataclass
class _Growing:
    """A segment that ends at `last` and grows backwards, task by task. `homes` is where what it leaves lies."""

    program: Program
    last: int
    height: int
    strips: list[_Strip]
    outputs: list[int] = field(default_factory=list[int])
    homes: dict[int, int] = field(default_factory=dict[int, int])
    joined: list[int] = field(default_factory=list[int])
    extra: int = 0
    again: int = 0

    @classmethod
    def before(cls, program: Program, last: int, height: int) -> _Growing:
        """A segment of nothing that ends at `last`."""
        return cls(program, last, height, [_Strip() for _ in range(-(-program.tasks[last - 1].points // height))])

    def add(self, t: int) -> bool:
        """Let the segment begin at task t; False where it cannot."""
        program, task = self.program, self.program.tasks[t]
        if task.joins:
            self.joined += [read.value for read in task.reads]
        leaving = [v for v in task.makes if program.end[v] > self.last or t == self.last - 1]
        if any(program.values[v].held for v in leaving):
            return False
        self.outputs += leaving
        self.homes |= {home: program.lives[home][0] for home in map(program.home, leaving)}
        computed = 0
        for number, strip in enumerate(self.strips):
            if not all(self.leave(v, number, strip) for v in leaving):
                return False
            rows = self.rows(task, strip)
            if rows is None:
                continue
            points = task.point_rows(rows)
            if points[0] >= points[1] or not self.read(t, strip, rows, points):
                return False
            computed += points[1] - points[0]
            for v in task.makes:
                if v not in leaving:
                    self.hold(v, t, strip)
        self.extra += max(0, task.macs * (computed - task.points) // task.points)
        self.again += task.weights * (len(self.strips) - 1)
        return True

    def leave(self, value: int, number: int, strip: _Strip) -> bool:
        """Let a strip make its own rows of a value that is needed elsewhere; False where it needs more of them."""
        own = own_rows(self.program, value, self.last, self.height, number)
        needed = strip.need.get(value, own)
        strip.need[value] = own
        return own[0] < own[1] and own[0] <= needed[0] <= needed[1] <= own[1]

    def hold(self, value: int, t: int, strip: _Strip) -> None:
        """Count the bytes of a piece from task t on; a part of what is joined lies in the piece of that."""
        home = self.program.values[value].home
        if home is None:
            strip.add_bytes(t, strip.until.get(value, t) + 1, self.piece(value, strip.need[value]))
            strip.begins[value] = t
        elif home in strip.begins:
            strip.add_bytes(t, strip.begins[home], self.piece(home, strip.need[home]))
            strip.begins[home] = min(strip.begins[home], t)

    def rows(self, task: Task, strip: _Strip) -> Rows | None:
        """The rows of its results that a strip needs; all are made alike."""
        needs = [strip.need[v] for v in task.makes if v in strip.need]
        if not needs:
            return None
        rows = min(n[0] for n in needs), max(n[1] for n in needs)
        strip.need |= dict.fromkeys(task.makes, rows)
        return rows

    def read(self, t: int, strip: _Strip, rows: Rows, points: Rows) -> bool:
        """Note what a strip of task t reads, and until when; False where operands would have other rows than joined."""
        program, task = self.program, self.program.tasks[t]
        for v, reach in ((read.value, read.reach) for read in task.reads):
            value = program.values[v]
            low, high = rows if task.joins else reach.rows(*points) if reach else (0, value.rows)
            low, high = max(0, min(low, value.rows - 1)), max(1, min(high, value.rows))
            if task.joins and strip.need.get(v, (low, high)) != (low, high):
                return False
            strip.add_need(v, (low, high))
            strip.until[v] = max(strip.until.get(v, t), t)
        return True

    def piece(self, value: int, rows: Rows) -> int:
        known = self.program.values[value]
        return min(known.row_bytes * (rows[1] - rows[0]), known.bytes)

    def parts_loop(self, first: int) -> bool:
        """Would the segment begin amid tasks that run in a loop?"""
        program = self.program
        return any(program.values[v].held and program.born[v] < first for strip in self.strips for v in strip.need)

    def segment(self, first: int) -> Segment:
        """The segment as it is, from a task on."""
        program = self.program
        own = max(strip.peak for strip in self.strips)
        copies = max(self.copied(first, strip) for strip in self.strips)
        left = sum(program.values[home].bytes for home, born in self.homes.items() if born >= first)
        saved, over = self.overlaid(first) if program.overlay else (0, None)
        peak = program.across[first] + left + own + copies - saved
        return Segment(first, self.last, self.height, len(self.strips), peak, self.extra, over, again=self.again)

    def copied(self, first: int, strip: _Strip) -> int:
        """Bytes of what is joined in strips although it is made before: its rows are copied."""
        before = [v for v in self.joined if self.program.born[v] < first and v in strip.need]
        return sum(self.piece(v, strip.need[v]) for v in before)

    def overlaid(self, first: int) -> tuple[int, int | None]:
        """Bytes saved by writing the output over rows of a dying operand that no later strip reads, and that operand.

        In whichever direction strips run, what is written never passes what is still to be read.
        """
        if len(self.outputs) != 1:
            return 0, None
        program, (out,) = self.program, self.outputs
        written = program.values[out]
        if written.home is not None or written.planes > 1:
            return 0, None
        saved: list[tuple[int, int]] = [(0, -1)]
        for v in self.strips[-1].need:
            home = program.lives.get(v)
            if home is not None and home[0] < first and home[1] <= self.last:
                apart = max(self.apart(v, out), self.apart(v, out, upside_down=True))
                saved.append((program.values[v].bytes + written.bytes - apart, v))
        most, over = max(saved)
        return (most, over) if most > 0 else (0, None)

    def apart(self, value: int, out: int, *, upside_down: bool = False) -> int:
        """The bytes of a value and of the output together, where the one is written over rows of the other.

        The output begins below the value, upside down it ends above it, as far as the strips need it to.
        """
        program = self.program
        writing = program.tasks[program.lives[out][0] : self.last]
        still_reads = any(read.value == value for task in writing for read in task.reads)
        of, to = program.values[value], program.values[out]
        row, lag, kept = of.row_bytes // of.planes, 0, of.rows
        for strip in self.strips if upside_down else reversed(self.strips):
            low, high = strip.need.get(value, (of.rows, 0))
            before, kept = kept, min(kept, of.rows - high if upside_down else low)
            written = to.rows - strip.need[out][0] if upside_down else strip.need[out][1]
            lag = max(lag, written * to.row_bytes - (kept if still_reads else before) * row)
        return max(lag + of.bytes, to.bytes)


@dataclass(frozen=True)
class Planner:
    """Costs of segments, and the best partition of a program into segments.

    At most a part `work` of all multiply-adds may be done again. With `timed`, that is a part of the time of a run, and
    of plans within a budget that of the least time is the best.
    """

    program: Program
    work: float = 1.0
    timed: bool = False

    @cached_property
    def segments(self) -> list[list[Segment]]:
        """For each task, the segments that may end with it."""
        count = len(self.program.tasks)
        return [[self.one(t), *self.cut(t + 1)] for t in range(count)]

    def whole(self) -> Plan:
        """The program as it is."""
        return Plan(tuple(map(self.one, range(len(self.program.tasks)))))

    def one(self, t: int) -> Segment:
        """One task in the ordinary way."""
        program, task = self.program, self.program.tasks[t]
        made = [v for v in map(program.home, task.makes) if program.lives[v][0] == t]
        live = program.across[t] + sum(program.values[v].bytes for v in made)
        dead = [program.values[v].bytes for v in task.in_place if program.lives.get(v, (0, 0))[1] == t + 1]
        return Segment(t, t + 1, 0, 1, live - max(dead, default=0), 0)

    def cut(self, last: int) -> Iterator[Segment]:
        """The segments in strips that end before task `last`."""
        task = self.program.tasks[last - 1]
        if not task.cuttable:
            return
        for height in heights(task.points):
            growing = _Growing.before(self.program, last, height)
            for first in range(last - 1, max(-1, last - 1 - LONGEST), -1):
                if not self.program.tasks[first].cuttable or not growing.add(first):
                    break
                segment = growing.segment(first)
                if (segment.time if self.timed else segment.extra) > self.work * self.program.macs:
                    break
                if (first < last - 1 or segment.over is not None) and not growing.parts_loop(first):
                    yield segment

    def plan(self, budget: int) -> Plan | None:
        """The plan within a budget with the least work done twice, then the fewest pieces; None if there is none.

        Results over operands come in between: two that have to lie at a distance leave gaps beside them.
        """
        best: list[tuple[Costs, Segment | None] | None] = [((0, 0, 0, 0), None)]
        for options in self.segments:
            reached = [
                (tuple(map(add, before[0], (segment.time * self.timed, *segment.costs))), segment)
                for segment in options
                if segment.peak <= budget and (before := best[segment.first]) is not None
            ]
            best.append(min(reached, key=itemgetter(0), default=None))
        if best[-1] is None:
            return None
        found: list[Segment] = []
        at = len(best) - 1
        while (step := best[at]) is not None and step[1] is not None:
            found.append(step[1])
            at = step[1].first
        return Plan(tuple(self.turned(reversed(found))))

    def turned(self, segments: Iterable[Segment]) -> Iterator[Segment]:
        """The segments, every other one upside down where each is written over the result of the one before it.

        So their results lie now above and now below one another, and not further down each time.
        """
        below: set[int] = set()
        for segment in segments:
            turn = segment.over in below
            if segment.over is not None and not turn:
                below.update(self.program.tasks[segment.last - 1].makes)
            yield segment._replace(upside_down=turn)

    def curve(self, budget: int) -> Iterator[Plan]:
        """Plans of ever lower peaks, from a budget down to the least."""
        while budget >= 0 and (plan := self.plan(budget)) is not None:
            yield plan
            budget = plan.peak - 1

    def nearly_free(self) -> Plan:
        """The plan whose peak is worth its time, within the part of all work; the program as it is if there is none."""
        whole = self.whole()
        peak, found = whole.peak, [whole]
        while peak and (plan := self.plan(min(peak - 1, round(peak * (1 - FALL))))) is not None:
            if plan.time > self.work * self.program.macs:
                break
            peak = plan.peak
            if peak <= (1 - LEAST_FALL) * whole.peak:
                found.append(plan)
        return min(found, key=lambda plan: plan.peak * (1 + WORTH * plan.time / max(1, self.program.macs)))


def heights(points: int) -> Sequence[int]:
    """How many rows a strip may have."""
    found = [-(-points // count) for count in COUNTS]
    found += [-(-height // GRAIN) * GRAIN for height in found]
    return sorted({height for height in found if 1 < height < points}, reverse=True)


def rows_of_strips(program: Program, segment: Segment) -> list[dict[int, Rows]]:
    """For each strip of a segment, the rows that it needs of each value."""
    growing = _Growing.before(program, segment.last, segment.height)
    for t in reversed(range(segment.first, segment.last)):
        growing.add(t)
    return [strip.need for strip in growing.strips]
