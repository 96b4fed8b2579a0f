"""Strips: rows and bytes against small programs that are run row by row, and plans against every partition."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.row_program import Program, Reach, Read, Rows, Task, Value
from webdnn.support.planning.strips import LEAST_FALL, Planner, Segment, heights, own_rows, rows_of_strips

REACHES = (Reach(1, 0, 0), Reach(1, -1, 1), Reach(1, -2, 2), Reach(2, 0, 1), Reach(2, -1, 1), Reach(1, 0, 0, 2))


@st.composite
def chains(draw: st.DrawFn, most: int = 6) -> Program:
    """Tasks that read the value before, and perhaps an older one of as many rows; the last value is the result."""
    values = [Value("x", draw(st.sampled_from([12, 16, 24])), draw(st.integers(1, 3)), given=True)]
    tasks: list[Task] = []
    for t in range(draw(st.integers(2, most))):
        reach = draw(st.sampled_from([r for r in REACHES if values[-1].rows > 3 or r.scale == 1]))
        points = values[-1].rows * reach.divisor // reach.scale
        reads = [Read(len(values) - 1, reach)]
        older = [v for v, value in enumerate(values[:-1]) if value.rows == points]
        if older and draw(st.booleans()):
            reads.append(Read(draw(st.sampled_from(older)), REACHES[0]))
        inset = draw(st.integers(0, 1))
        tasks.append(Task(tuple(reads), (t + 1,), points, inset, macs=points * draw(st.integers(1, 9)), cuttable=True))
        values.append(Value(f"v{t}", points + 2 * inset, draw(st.integers(1, 3))))
    values[-1] = Value("y", values[-1].rows, values[-1].row_bytes, kept=True)
    return Program(tuple(values), tuple(tasks), overlay=False)


def cuts(program: Program) -> Iterator[Segment]:
    planner = Planner(program, work=100.0)
    for options in planner.segments:
        yield from (segment for segment in options if segment.height)


def outputs(program: Program, segment: Segment) -> list[int]:
    made = [v for task in program.tasks[segment.first : segment.last] for v in task.makes]
    return [v for v in made if program.end[v] > segment.last or v in program.tasks[segment.last - 1].makes]


@settings(max_examples=40, deadline=None)
@given(chains())
def test_strips_have_the_rows_that_their_points_read(program: Program) -> None:
    for segment in cuts(program):
        for need in rows_of_strips(program, segment):
            for task in program.tasks[segment.first : segment.last]:
                if task.makes[0] not in need:
                    continue
                first, last = task.point_rows(need[task.makes[0]])
                for read in task.reads:
                    assert read.reach is not None
                    low, high = need[read.value]
                    for y in range(first, last):
                        start, stop = read.reach.rows(y, y + 1)
                        inside = range(max(0, start), min(program.values[read.value].rows, stop))
                        assert all(low <= row < high for row in inside)


@settings(max_examples=40, deadline=None)
@given(chains())
def test_strips_leave_each_row_once(program: Program) -> None:
    for segment in cuts(program):
        for v in outputs(program, segment):
            found = [own_rows(program, v, segment.last, segment.height, s) for s in range(segment.strips)]
            assert found[0][0] == 0
            assert found[-1][1] == program.values[v].rows
            assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(found))


def bytes_by_run(program: Program, segment: Segment) -> int:
    """The peak of a segment, by writing down what is there after each step of each strip."""
    left, peak = outputs(program, segment), 0
    outside = [v for v in range(len(program.values)) if program.born[v] < segment.first < program.end[v]]
    resident = sum(program.values[v].bytes for v in (*outside, *left))
    for need in rows_of_strips(program, segment):
        for t in range(segment.first, segment.last):
            pieces = [v for v in need if segment.first <= program.born[v] <= t and v not in left]
            needed = {r.value for task in program.tasks[t : segment.last] for r in task.reads if task.makes[0] in need}
            here = [v for v in pieces if v in needed or program.born[v] == t]
            peak = max(peak, sum((need[v][1] - need[v][0]) * program.values[v].row_bytes for v in here))
    return resident + peak


@settings(max_examples=40, deadline=None)
@given(chains())
def test_bytes_and_work_are_those_of_a_run(program: Program) -> None:
    for segment in cuts(program):
        assert segment.peak == bytes_by_run(program, segment)
        done = 0
        for t in range(segment.first, segment.last):
            task = program.tasks[t]
            rows = [need[task.makes[0]] for need in rows_of_strips(program, segment) if task.makes[0] in need]
            points = sum(high - low for low, high in map(task.point_rows, rows))
            done += max(0, task.macs * (points - task.points) // task.points)
        assert segment.extra == done


@settings(max_examples=40, deadline=None)
@given(chains())
def test_an_output_above_a_dying_operand_writes_over_no_row_that_is_read_later(program: Program) -> None:
    over = Program(program.values, program.tasks, overlay=True)
    for segment in cuts(over):
        saved, (out, *others) = bytes_by_run(program, segment) - segment.peak, outputs(over, segment)
        assert (saved > 0) == (segment.over is not None)
        assert saved > 0 or segment.last - segment.first > 1
        if segment.over is None:
            continue
        assert not others
        assert over.born[segment.over] < segment.first < over.end[segment.over] <= segment.last
        assert fits(over, segment, segment.over, out, saved)
        assert fits(over, segment, segment.over, out, saved, upside_down=True)


def fits(program: Program, segment: Segment, operand: int, out: int, saved: int, *, upside_down: bool = False) -> bool:
    """Can the operand lie so that both take that much less, with no byte in use twice?"""
    a, b, needs = program.values[operand], program.values[out], rows_of_strips(program, segment)
    height = a.bytes + b.bytes - saved
    of, to = (0, height - b.bytes) if upside_down else (height - a.bytes, 0)
    last_reads = any(read.value == operand for read in program.tasks[segment.last - 1].reads)
    order = [*reversed(range(len(needs)))] if upside_down else [*range(len(needs))]
    for i, s in enumerate(order):
        written = {to + row * b.row_bytes + i for row in range(*needs[s][out]) for i in range(b.row_bytes)}
        later = [needs[other][operand] for other in order[i if last_reads else i + 1 :] if operand in needs[other]]
        read = {of + row * a.row_bytes + i for rows in later for row in range(*rows) for i in range(a.row_bytes)}
        if written & read:
            return False
    return True


def test_results_over_operands_lie_now_below_and_now_above() -> None:
    """Tasks of a chain, each of which writes over the rows of the one before: in one direction they would drift."""
    count = 4
    values = [Value("x", 16, 1)] + [Value(f"v{t}", 16, 16) for t in range(count)] + [Value("y", 16, 1, kept=True)]
    tasks = [Task((Read(t, Reach(1, -1, 1)),), (t + 1,), 16, macs=16, cuttable=True) for t in range(count + 1)]
    planner = Planner(Program((Value("x", 16, 1, given=True), *values[1:]), tuple(tasks)))
    (*_, plan) = [plan for plan in planner.curve(16 * 16 * 2) if not plan.extra]
    assert plan.peak < 16 * 16 * 3 // 2
    turns = [segment.upside_down for segment in plan.segments if segment.over is not None]
    assert len(turns) > 2
    assert all(a != b for a, b in pairwise(turns))


def partitions(planner: Planner, last: int) -> Iterator[list[Segment]]:
    if not last:
        yield []
        return
    for segment in planner.segments[last - 1]:
        for before in partitions(planner, segment.first):
            yield [*before, segment]


@settings(max_examples=30, deadline=None)
@given(chains(most=4), st.booleans())
def test_the_plan_is_the_best_of_all_partitions(program: Program, overlay: bool) -> None:
    planner = Planner(Program(program.values, program.tasks, overlay))
    every = [*partitions(planner, len(program.tasks))]
    peaks = sorted({max(s.peak for s in found) for found in every})
    for budget in (*peaks, peaks[0] - 1):
        extra = [sum(s.extra for s in f) for f in every if max(s.peak for s in f) <= budget]
        plan = planner.plan(budget)
        assert (plan is None) == (not extra)
        assert plan is None or (plan.extra == min(extra) and plan.peak <= budget)
    curve = [*planner.curve(peaks[-1])]
    assert curve[-1].peak == peaks[0]
    assert all(a.peak > b.peak and a.extra <= b.extra for a, b in pairwise(curve))


def test_what_is_joined_has_one_piece_for_all_its_parts() -> None:
    """A concatenation of a chain's value with itself, seen twice: 2 bytes a row each, 4 together."""
    values = (
        Value("x", 8, 1, given=True),
        Value("a", 8, 2, home=3),
        Value("b", 8, 2, home=3),
        Value("both", 8, 4),
        Value("y", 8, 1, kept=True),
    )
    one = Reach(1, 0, 0)
    tasks = (
        Task((Read(0, one),), (1,), 8, cuttable=True),
        Task((Read(0, one),), (2,), 8, cuttable=True),
        Task((Read(1), Read(2)), (3,), 8, cuttable=True, joins=True),
        Task((Read(3, one),), (4,), 8, cuttable=True),
    )
    program = Program(values, tasks, overlay=False)
    assert Planner(program).whole().peak == 8 + 32
    (halves,) = [s for s in Planner(program).cut(4) if s.first == 0 and s.height == 4]
    assert halves.peak == 8 + 8 + 4 * 4


def test_what_is_joined_is_written_from_its_first_part_on() -> None:
    """The second part copies a dying value, whose rows the first part may not have written over by then."""
    one = Reach(1, 0, 0)
    values = (
        Value("x", 8, 1, given=True),
        Value("old", 8, 4),
        Value("a", 8, 4, home=4),
        Value("b", 8, 4, home=4),
        Value("both", 8, 8, kept=True),
    )
    tasks = (
        Task((Read(0, one),), (1,), 8, cuttable=True),
        Task((Read(0, one),), (2,), 8, cuttable=True),
        Task((Read(1, one),), (3,), 8, cuttable=True),
        Task((Read(2), Read(3)), (4,), 8, cuttable=True, joins=True),
    )
    (halves,) = [s for s in Planner(Program(values, tasks)).cut(4) if s.first == 1 and s.height == 4]
    assert halves.over == 1
    assert halves.peak == 8 + 64 + 4 * 4


def test_a_value_read_before_it_is_made_is_an_error() -> None:
    with pytest.raises(ValueError, match="task 0 reads value 1 before"):
        Program((Value("x", 1, 1), Value("y", 1, 1)), (Task((Read(1),), (1,)),))


@pytest.mark.parametrize(("points", "expected"), [(3, [2]), (14, [8, 7, 4, 2]), (56, [28, 16, 14, 8, 7, 4, 2])])
def test_heights_are_shares_of_the_rows_and_whole_tiles(points: int, expected: list[int]) -> None:
    assert heights(points) == expected


@pytest.mark.parametrize(
    ("reach", "points", "expected"),
    [(Reach(2, -1, 1), (3, 5), (5, 10)), (Reach(1, 0, 0, 4), (3, 9), (0, 3)), (Reach(-1, 7, 7), (0, 2), (6, 8))],
)
def test_reaches(reach: Reach, points: Rows, expected: Rows) -> None:
    assert reach.rows(*points) == expected


def test_a_program_without_tasks_has_one_plan() -> None:
    planner = Planner(Program((Value("x", 4, 4, given=True, kept=True),), (), overlay=False))
    assert [*planner.curve(16)] == [planner.whole()]


@settings(max_examples=30, deadline=None)
@given(chains(most=4), st.sampled_from([0.0, 0.3, 2.0]))
def test_a_nearly_free_plan_is_lower_by_a_part_and_costs_no_more_than_may_be_spent(
    program: Program, spend: float
) -> None:
    scaled = tuple(replace(task, macs=task.macs * 1_000_000) for task in program.tasks)
    planner = Planner(Program(program.values, scaled, overlay=False), spend, timed=True)
    whole, plan = planner.whole(), planner.nearly_free()
    assert plan == whole or plan.peak <= (1 - LEAST_FALL) * whole.peak
    assert plan.time <= spend * planner.program.macs
    assert spend or plan == whole


def test_strips_that_cost_next_to_nothing_are_taken() -> None:
    """Rows of 100 bytes between two tasks that read no neighbours."""
    values = (Value("x", 64, 1, given=True), Value("a", 64, 100), Value("y", 64, 1, kept=True))
    tasks = tuple(Task((Read(v, Reach(1, 0, 0)),), (v + 1,), 64, macs=10**9, cuttable=True) for v in range(2))
    plan = Planner(Program(values, tasks, overlay=False), 0.01, timed=True).nearly_free()
    assert plan.peak < 64 * 100 // 2
    assert not plan.extra


def test_weights_that_are_read_again_cost_time() -> None:
    values = (Value("x", 64, 1, given=True), Value("a", 64, 100), Value("y", 64, 1, kept=True))
    task = Task((Read(0, Reach(1, 0, 0)),), (1,), 64, macs=10**8, weights=10**8, cuttable=True)
    program = Program(values, (task, replace(task, reads=(Read(1, Reach(1, 0, 0)),), makes=(2,))), overlay=False)
    planner = Planner(program, 0.01, timed=True)
    assert planner.nearly_free() == planner.whole()


def test_tasks_in_a_loop_stay_together_and_hold_what_they_read() -> None:
    """Tasks 1 and 2 hand on `t` in a loop: `a` and `y` live as long as that runs, and no segment ends between them."""
    one = Reach(1, 0, 0)
    values = (
        Value("x", 64, 1, given=True),
        Value("a", 64, 10),
        Value("t", 64, 100, held=200),
        Value("b", 64, 10),
        Value("y", 64, 1, kept=True),
    )
    tasks = tuple(Task((Read(v, one),), (v + 1,), 64, macs=10**9, cuttable=True) for v in range(4))
    program = Program(values, tasks, overlay=False)
    assert program.loops == [(1, 3)]
    assert program.lives[1] == (0, 3)
    assert program.lives[3] == (1, 4)
    planner = Planner(program, 1.0, timed=True)
    assert planner.one(2).peak == 640 + 200 + 640
    for segment in (s for options in planner.segments for s in options if s.height):
        assert not segment.first < 2 < segment.last or segment.first <= 1
        assert segment.last != 2
        assert segment.first != 2


def test_a_program_without_tasks_stays_as_it_is() -> None:
    values = (Value("x", 12, 4, given=True, kept=True),)
    planner = Planner(Program(values, (), overlay=False), 0.01, timed=True)
    assert planner.nearly_free() == planner.whole()
