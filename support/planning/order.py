"""The order of tasks with the least peak of live bytes: a minimax path through the sets of tasks done so far."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True)
class Tasks:
    """Tasks and the buffers they make and read; sets of tasks are the bits of an integer.

    The given order, by position, must be valid; a ValueError names a task that needs a later one.
    """

    needs: tuple[int, ...]
    """Of each task: those that must run before it, as a bit set."""
    makes: tuple[tuple[int, ...], ...]
    """Of each task: the buffers that come to life with it."""
    reads: tuple[tuple[int, ...], ...]
    """Of each task: the buffers that may die with it."""
    in_place: tuple[tuple[int, ...], ...]
    """Of each task: the buffers whose bytes it may reuse for what it makes, if they die with it."""
    size: tuple[int, ...]
    """Of each buffer, in bytes."""
    users: tuple[int, ...]
    """Of each buffer: the tasks after which it dies, as a bit set; a bit of no task keeps it to the end."""
    start: int
    """Bytes live before the first task."""

    def __post_init__(self) -> None:
        """Check the given order."""
        late = [t for t, needs in enumerate(self.needs) if needs >> t]
        if late:
            raise ValueError(f"task {late[0]} needs itself or a later task")

    @cached_property
    def made_bytes(self) -> tuple[int, ...]:
        """Of each task: the bytes it makes."""
        return tuple(sum(self.size[b] for b in made) for made in self.makes)

    @cached_property
    def ends(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """Of each task: (other tasks after which it dies, bytes, bytes that can be reused) of each buffer it holds."""
        return tuple(
            tuple(
                (self.users[b] & ~(1 << t), self.size[b], self.size[b] if b in self.in_place[t] else 0)
                for b in dict.fromkeys((*self.reads[t], *made))
            )
            for t, made in enumerate(self.makes)
        )

    @cached_property
    def followers(self) -> tuple[tuple[int, ...], ...]:
        """Of each task: those that need it."""
        found: list[list[int]] = [[] for _ in self.needs]
        for t, needs in enumerate(self.needs):
            for p in _bits(needs):
                found[p].append(t)
        return tuple(map(tuple, found))

    def ready_after(self, done: int, task: int) -> int:
        """The tasks that nothing keeps back any more once one has run, which is among those in `done`."""
        return sum(1 << t for t in self.followers[task] if not self.needs[t] & ~done)

    def step(self, done: int, task: int) -> tuple[int, int]:
        """(bytes above those live, while the task runs; the same once it has run), after the tasks in `done`."""
        freed = reused = 0
        for others, size, reusable in self.ends[task]:
            if not others & ~done:
                freed += size
                reused = max(reused, reusable)
        return self.made_bytes[task] - reused, self.made_bytes[task] - freed


@dataclass(frozen=True)
class Order:
    """Tasks in the order chosen, the bytes at its peak, and whether no order has a lower one."""

    order: tuple[int, ...]
    peak: int
    proven: bool


@dataclass(frozen=True)
class _Span:
    """The tasks that every order runs between two separators, once `done` has run."""

    done: int
    goal: int
    tasks: tuple[int, ...]
    live: int  # bytes live before the first


class _State(NamedTuple):
    """A set of tasks that have run, those that can run next, and the last task of the best way found to it."""

    cost: int
    live: int
    done: int
    ready: int
    before: "_State | None" = None
    task: int = -1

    def path(self) -> list[int]:
        """The tasks from the span's start to this state."""
        found: list[int] = []
        state = self
        while state.before is not None:
            found.append(state.task)
            state = state.before
        return found[::-1]


def peak_of(tasks: Tasks, order: Sequence[int]) -> int:
    """The most bytes live at any time, in this order."""
    return _walk(tasks, 0, tasks.start, order)[0]


def greedy_order(tasks: Tasks) -> Order:
    """Of the tasks that are ready, what shrinks first, the least step first; then what grows, by how much it frees.

    The given order is kept where this one is worse. For tasks that neither need nor read anything of one another it is
    the best: of two that shrink, the one with the lower step prepares room for the other; two that grow are such a
    pair in reversed time, where a step is what the task frees.
    """
    order: list[int] = []
    done = 0
    for _ in tasks.needs:
        ready = [t for t, needs in enumerate(tasks.needs) if not done >> t & 1 and not needs & ~done]
        steps = {t: tasks.step(done, t) for t in ready}
        task = min(ready, key=lambda t: _rank(*steps[t]))
        order.append(task)
        done |= 1 << task
    given = tuple(range(len(order)))
    best = min((given, tuple(order)), key=lambda found: peak_of(tasks, found))
    peak = peak_of(tasks, best)
    return Order(best, peak, peak <= lower_bound(tasks))


def _rank(transient: int, net: int) -> tuple[bool, int]:
    """Earlier tasks first: bytes above those live while a task runs, and once it has run."""
    return (True, net - transient) if net > 0 else (False, transient)


def best_order(tasks: Tasks, max_states: int = 100_000, beam: int = 64) -> Order:
    """An order with the least peak: exact while at most `max_states` sets of tasks are examined, else a beam search.

    Never above the peak of the given order, which is kept wherever another one would gain nothing.
    """
    order: list[int] = []
    proven = lower_bound(tasks)  # no order has a lower peak
    peak = tasks.start
    for span in _spans(tasks):
        found, cost = list(span.tasks), _walk(tasks, span.done, span.live, span.tasks)[0]
        floor = max(proven, peak)
        if cost > floor:
            better, examined = _exact(tasks, span, floor, cost, max_states)
            exact = examined <= max_states
            max_states -= min(examined, max_states)
            if not exact:
                better = _beam(tasks, span, floor, cost, beam)
            if better is not None:
                found, cost = better.path(), better.cost
            if exact and cost > floor:
                proven = max(proven, cost)
        order += found
        peak = max(peak, cost)
    peak = peak_of(tasks, order)
    return Order(tuple(order), peak, peak <= proven)


def lower_bound(tasks: Tasks) -> int:
    """The largest need of a single task, in bytes: what it makes, reads, and must lie beside it in every order."""
    count, (before, after) = len(tasks.needs), _closures(tasks)
    maker = {b: t for t, made in enumerate(tasks.makes) for b in made}
    best = tasks.start
    for t, made in enumerate(tasks.made_bytes):
        live = reusable = 0
        for b, users in enumerate(tasks.users):
            outlives = users & after[t] or users >> count
            if (b not in maker or before[t] >> maker[b] & 1) and (outlives or users >> t & 1):
                live += tasks.size[b]
            if b in tasks.in_place[t] and not outlives:
                reusable = max(reusable, tasks.size[b])
        best = max(best, live + made - reusable)
    return best


def _bits(mask: int) -> Iterator[int]:
    """The positions of the ones, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _walk(tasks: Tasks, done: int, live: int, order: Sequence[int]) -> tuple[int, int]:
    """(peak, bytes live at the end) of running tasks one after another."""
    peak = live
    for task in order:
        transient, net = tasks.step(done, task)
        peak, live, done = max(peak, live + transient), live + net, done | 1 << task
    return peak, live


def _closures(tasks: Tasks) -> tuple[list[int], list[int]]:
    """For each task, all that must run before it, and all that must run after it, as bit sets."""
    count = len(tasks.needs)
    before, after = [0] * count, [0] * count
    for t, needs in enumerate(tasks.needs):
        for p in _bits(needs):
            before[t] |= before[p] | 1 << p
    for t in reversed(range(count)):
        for p in _bits(tasks.needs[t]):
            after[p] |= after[t] | 1 << t
    return before, after


def _spans(tasks: Tasks) -> Iterator[_Span]:
    """Cut at the separators: tasks that every other precedes or follows."""
    count, done, live = len(tasks.needs), 0, tasks.start
    everything = (1 << count) - 1
    before, after = _closures(tasks)
    separators = [t for t in range(count) if before[t] | after[t] | 1 << t == everything]
    for goal in [*(mask for t in separators for mask in (before[t], before[t] | 1 << t)), everything]:
        if goal & ~done:
            span = _Span(done, goal, tuple(_bits(goal & ~done)), live)
            yield span
            done, live = goal, _walk(tasks, done, live, span.tasks)[1]


def _start(tasks: Tasks, span: _Span, floor: int) -> _State:
    """Before the first task of a span."""
    ready = sum(1 << t for t in span.tasks if not tasks.needs[t] & ~span.done)
    return _State(floor, span.live, span.done, ready)


def _successors(tasks: Tasks, span: _Span, state: _State) -> list[_State]:
    """The states one task further.

    A ready task that frees at least what it makes, under the peak so far, runs at once and alone: bytes that a task
    frees only grow as more has run, so the rest of the best order after the state has no higher step if it runs now.
    """
    found: list[_State] = []
    for task in _bits(state.ready):
        transient, net = tasks.step(state.done, task)
        cost, done = max(state.cost, state.live + transient), state.done | 1 << task
        ready = state.ready & ~(1 << task) | tasks.ready_after(done, task) & span.goal
        after = _State(cost, state.live + net, done, ready, state, task)
        if net <= 0 and cost == state.cost:
            return [after]
        found.append(after)
    return found


def _exact(tasks: Tasks, span: _Span, floor: int, ceiling: int, max_states: int) -> tuple[_State | None, int]:
    """(the end of a path of least cost, or None if no path stays below the ceiling; the number of states examined).

    Dijkstra's algorithm, where a path costs its highest step and at least the floor. It gives up at once when it has
    examined more than `max_states`.
    """
    best = {span.done: floor}
    closed: set[int] = set()
    heap = [(floor, 0, span.live, 0, _start(tasks, span, floor))]
    pushed = 0
    while heap:
        _, depth, _, _, state = heapq.heappop(heap)
        if state.done == span.goal:
            return state, len(closed)
        if state.done in closed:
            continue
        closed.add(state.done)
        if len(closed) > max_states:
            return None, len(closed)
        for after in _successors(tasks, span, state):
            if after.cost < min(ceiling, best.get(after.done, ceiling)):
                best[after.done] = after.cost
                pushed += 1
                heapq.heappush(heap, (after.cost, depth - 1, after.live, pushed, after))
    return None, len(closed)


def _beam(tasks: Tasks, span: _Span, floor: int, ceiling: int, width: int) -> _State | None:
    """The end of a good path below the ceiling, if the search meets one: it keeps the best few states of each depth."""
    layer = [_start(tasks, span, floor)]
    for _ in span.tasks:
        best: dict[int, _State] = {}
        for after in (after for state in layer for after in _successors(tasks, span, state)):
            if after.cost < ceiling and (after.done not in best or after.cost < best[after.done].cost):
                best[after.done] = after
        layer = sorted(best.values(), key=lambda state: (state.cost, state.live))[:width]
    return layer[0] if layer else None
