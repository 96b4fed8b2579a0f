"""Fusion, order, sharing and offsets together keep the meaning of random graphs, element by element in one arena."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from webdnn.support.planning.fusion import Bindings, Groups, contract, fuse, traffic
from webdnn.support.planning.graph import Graph, Kind, Op, Value
from webdnn.support.planning.offsets import assign, verify
from webdnn.support.planning.order import best_order, peak_of
from webdnn.support.planning.sharing import concat_views, share
from webdnn.support.planning.tasks import reordered, tasks

Point = tuple[int, int]  # a value and an index into it
Read = Callable[[Point], int]


def points_read(graph: Graph, t: int, index: int) -> list[Point]:
    """The points that a point of the operator's result depends on."""
    op = graph.ops[t]
    sizes = [graph.values[v].extent for v in op.inputs]
    made = graph.values[op.outputs[0]].extent
    match op.kind:
        case Kind.ELEMENTWISE:
            return [(v, index % n) for v, n in zip(op.inputs, sizes, strict=True)]
        case Kind.PERMUTE | Kind.GATHER:
            return [(v, permuted(index, n)) for v, n in zip(op.inputs, sizes, strict=True)]
        case Kind.WINDOW:
            return [(v, (index + k) % n) for v, n in zip(op.inputs, sizes, strict=True) for k in range(min(3, n))]
        case Kind.ROWWISE:
            return [(v, i) for v, n in zip(op.inputs, sizes, strict=True) for i in row(index % n, n)]
        case Kind.SWEEP:
            return [(v, i) for v, n in zip(op.inputs, sizes, strict=True) for i in range(n)]
        case Kind.CONCAT:
            assert made == sum(sizes)
            starts = [sum(sizes[:i]) for i in range(len(sizes))]
            return [(v, index - s) for v, s, n in zip(op.inputs, starts, sizes, strict=True) if s <= index < s + n]


def permuted(index: int, extent: int) -> int:
    return (index * 11 + 3) % extent  # a permutation: extents here are even and at most 16


def row(index: int, extent: int) -> range:
    half = max(1, extent // 2)
    return range(index // half * half, index // half * half + half)


def evaluate(graph: Graph, t: int, point: Point, read: Read) -> int:
    """One point of the result of operator t."""
    reads = [read(p) for p in points_read(graph, t, point[1])]
    if graph.ops[t].kind is Kind.CONCAT:
        return reads[0]
    return hash((t, point, *reads)) if graph.ops[t].kind is not Kind.ELEMENTWISE else hash((t, *reads))


def expected_outputs(graph: Graph) -> dict[Point, int]:
    known = {
        (v, i): hash((v, i)) for v, value in enumerate(graph.values) if value.role == "in" for i in range(value.extent)
    }
    for t, op in enumerate(graph.ops):
        for v in op.outputs:
            known |= {(v, i): evaluate(graph, t, (v, i), known.__getitem__) for i in range(graph.values[v].extent)}
    return {(v, i): x for (v, i), x in known.items() if graph.values[v].role == "out"}


def loop_index(graph: Graph, members: tuple[int, ...], outputs: tuple[int, ...]) -> dict[int, list[int]]:
    """Which index of each output is written at each step of the kernel's loops over its first output."""
    index = {outputs[0]: list(range(graph.values[outputs[0]].extent))}
    for _ in members:
        for t in members:
            op = graph.ops[t]
            made = op.outputs[0]
            for v in op.inputs:
                n = graph.values[v].extent
                if op.kind in {Kind.WINDOW, Kind.SWEEP, Kind.GATHER} or n != graph.values[made].extent:
                    continue
                move = op.kind is Kind.PERMUTE
                if made in index and v not in index:
                    index[v] = [permuted(i, n) if move else i for i in index[made]]
                if v in index and made not in index:
                    inverse = sorted(range(n), key=lambda i, n=n: permuted(i, n))
                    index[made] = [inverse[i] if move else i for i in index[v]]
    return {v: index.get(v, list(range(graph.values[v].extent))) for v in outputs}


class Machine:
    """An arena of bytes, in words that hold one element each."""

    def __init__(self, graph: Graph, offsets: dict[int, int]) -> None:
        self.graph, self.offsets = graph, offsets
        self.memory: dict[int, int] = {}

    def address(self, point: Point) -> int:
        return self.offsets[point[0]] + point[1] * self.graph.values[point[0]].element_bytes

    def load(self, point: Point) -> int:
        return self.memory[self.address(point)]

    def store(self, point: Point, word: int) -> None:
        self.memory[self.address(point)] = word

    def run(self, members: tuple[int, ...], kernel: Op) -> None:
        """One point of the first output (one row under a row-wise anchor) after another: all reads, then all writes."""
        maker = {v: t for t in members for v in self.graph.ops[t].outputs}

        def read(point: Point) -> int:
            made = point[0] in maker
            return evaluate(self.graph, maker[point[0]], point, read) if made else self.load(point)

        index = loop_index(self.graph, members, kernel.outputs)
        steps = max(self.graph.values[v].extent for v in kernel.outputs)
        stride = max(1, steps // 2) if kernel.kind is Kind.ROWWISE else 1
        for step in range(0, steps, stride):
            points = [(v, i) for v in kernel.outputs for i in index[v][step : step + stride]]
            for point, word in [(point, read(point)) for point in points]:
                self.store(point, word)


def planned_outputs(graph: Graph, groups: Groups, alignment: int) -> dict[Point, int]:
    """The outputs when kernels run in the order of least peak, in the arena that was planned for them."""
    kernels = contract(graph, groups)
    problem = tasks(kernels, alignment)
    best = best_order(problem)
    assert best.proven
    assert best.peak <= peak_of(problem, range(len(problem.needs)))
    ordered = reordered(kernels, best.order)
    storage = share(ordered, alignment)
    found = assign(storage.blocks, alignment)
    verify(storage.blocks, found.offsets)
    assert found.bound >= best.peak or alignment > 4
    machine = Machine(graph, {v: found.offsets[p.block] + p.offset for v, p in storage.places.items()})
    for v, value in enumerate(graph.values):
        if value.role == "in" and v in storage.places:
            for i in range(value.extent):
                machine.store((v, i), hash((v, i)))
    views = {view.container for view in concat_views(ordered).values()}
    members = {contract(graph, (group,)).ops[0].outputs: group for group in groups}
    for kernel in ordered.ops:
        if not views.intersection(kernel.outputs):
            machine.run(members[kernel.outputs], kernel)
    return {
        (v, i): machine.load((v, i))
        for v, value in enumerate(graph.values)
        if value.role == "out"
        for i in range(value.extent)
    }


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to eight operators on values of 2, 4 or 8 elements; results that nobody reads are outputs, as are others."""
    extents = draw(st.lists(st.sampled_from([4, 8]), min_size=1, max_size=2))
    callers = len(extents)
    ops: list[Op] = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([*Kind, Kind.ELEMENTWISE, Kind.ELEMENTWISE, Kind.PERMUTE]))
        first = draw(st.integers(0, len(extents) - 1))
        extent, inputs = extents[first], [first]
        if kind is Kind.ELEMENTWISE:
            inputs += draw(st.lists(st.sampled_from([v for v, n in enumerate(extents) if n <= extent]), max_size=2))
        elif kind is Kind.CONCAT:
            fitting = [v for v, n in enumerate(extents) if n + extent <= 16]
            inputs = draw(st.lists(st.sampled_from(fitting), min_size=2, max_size=2)) if fitting else [first]
            extent = sum(extents[v] for v in inputs)
        elif kind in {Kind.WINDOW, Kind.GATHER, Kind.SWEEP}:
            inputs += [draw(st.integers(0, len(extents) - 1))] if draw(st.booleans()) else []
            extent = draw(st.sampled_from([2, 4, 8]))
        ops.append(Op(kind, tuple(inputs), (len(extents),), cheap=draw(st.booleans())))
        extents.append(extent)
    read = {v for op in ops for v in op.inputs}
    kept = draw(st.sets(st.integers(callers, len(extents) - 1), max_size=2))
    values = [
        Value(str(v), (n,), 4, "in" if v < callers else "out" if v in kept or v not in read else "")
        for v, n in enumerate(extents)
    ]
    return Graph(tuple(values), tuple(ops))


def partitions(count_of_ops: int) -> list[list[int]]:
    """All partitions of so many operators, as the group of each."""
    found: list[list[int]] = [[]]
    for _ in range(count_of_ops):
        found = [[*groups, g] for groups in found for g in range(max(groups, default=-1) + 2)]
    return found


def is_acyclic(graph: Graph, group: list[int]) -> bool:
    edges = {
        (group[graph.producer[v]], group[t]) for t, op in enumerate(graph.ops) for v in op.inputs if v in graph.producer
    }
    left = set(group)
    while left:
        free = {g for g in left if not any(b == g and a in left and a != g for a, b in edges)}
        if not free:
            return False
        left -= free
    return True


@settings(derandomize=True, deadline=None, max_examples=300)
@given(graphs(), st.sampled_from([4, 64]))
def test_a_plan_keeps_the_meaning(graph: Graph, alignment: int) -> None:
    single = tuple((t,) for t in range(len(graph.ops)))
    expected = expected_outputs(graph)
    assert planned_outputs(graph, single, alignment) == expected
    assert planned_outputs(graph, fuse(graph), alignment) == expected


def is_one_kernel(graph: Graph, members: tuple[int, ...], base: int) -> bool:
    """Whether each member is the base, an epilogue at its points, or a prologue computed where it is read."""
    ops, frame = graph.ops, dict.fromkeys(graph.ops[base].outputs, 0)
    for t in (t for t in members if t != base):
        op, result = ops[t], graph.values[ops[t].outputs[0]]
        frames = {frame[v] for v in op.inputs if v in frame}
        extents = {graph.values[v].extent for v in op.inputs if v in frame}
        if op.kind in {Kind.ELEMENTWISE, Kind.PERMUTE} and len(frames) == 1 and result.extent in extents:
            frame[op.outputs[0]] = t + 1 if op.kind is Kind.PERMUTE else frames.pop()
            continue
        inside = result.role != "out" and set(members).issuperset(graph.readers[op.outputs[0]])
        repeatable = ops[base].kind is not Kind.WINDOW or op.cheap
        if frames or not (inside and op.kind.is_injective and repeatable):
            return False
    return True


def is_legal(graph: Graph, members: tuple[int, ...]) -> bool:
    kinds = [graph.ops[t].kind for t in members]
    anchors = [t for t in members if graph.ops[t].kind.is_anchor]
    if len(members) == 1:
        return True
    if Kind.CONCAT in kinds or len(anchors) > 1:
        return False
    return any(is_one_kernel(graph, members, base) for base in anchors or members)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(graphs(), st.sampled_from([Bindings(), Bindings(2), Bindings(None, 1), Bindings(None, None, 4)]))
def test_fusion_is_a_legal_partition(graph: Graph, bindings: Bindings) -> None:
    groups = fuse(graph, bindings)
    number = {t: g for g, group in enumerate(groups) for t in group}
    kernels = contract(graph, groups).ops
    assert sorted(number) == list(range(len(graph.ops)))
    assert is_acyclic(graph, [number[t] for t in range(len(graph.ops))])
    for group, kernel in zip(groups, kernels, strict=True):
        assert is_legal(graph, group)
        assert len(group) == 1 or bindings.allow(len(kernel.inputs), len(kernel.outputs))
    assert traffic(graph, groups) <= traffic(graph, tuple((t,) for t in range(len(graph.ops))))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(graphs().filter(lambda graph: len(graph.ops) <= 6))
def test_no_legal_partition_is_far_better(graph: Graph) -> None:
    """At most one kernel more than the least traffic of all legal partitions, at 1 MiB a launch."""
    best = min(
        sum(traffic(graph, (members,)) for members in groups)
        for group in partitions(len(graph.ops))
        for groups in [[tuple(t for t, own in enumerate(group) if own == g) for g in set(group)]]
        if all(is_legal(graph, members) for members in groups) and is_acyclic(graph, group)
    )
    assert best <= traffic(graph, fuse(graph)) <= 1.05 * best + (1 << 20)
