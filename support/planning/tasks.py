"""The ordering problem of a graph: its kernels as tasks, concatenations in place counted as what they contain."""

from webdnn.support.planning.graph import Graph
from webdnn.support.planning.order import Tasks
from webdnn.support.planning.sharing import View, concat_views, containers, overwritable, stored_bytes


def kernels(graph: Graph) -> list[int]:
    """The operators that run: all but the concatenations whose operands are written in place."""
    return _kernels(graph, concat_views(graph))


def tasks(graph: Graph, alignment: int = 64) -> Tasks:
    """One task for each of `kernels(graph)`; buffers are the values, with sizes rounded up to `alignment` bytes."""
    views = concat_views(graph)
    run = _kernels(graph, views)
    number = {t: i for i, t in enumerate(run)}
    operands: dict[int, list[int]] = {}
    for v, view in views.items():
        operands.setdefault(view.container, []).append(v)

    def leaves(value: int) -> list[int]:
        return [leaf for v in operands[value] for leaf in leaves(v)] if value in operands else [value]

    def users(value: int) -> int:
        every = (value, *containers(views, value))
        kept = 1 << len(run) if any(graph.values[v].role == "out" for v in every) else 0
        return kept | sum({1 << number[t] for v in every for t in graph.readers[v] if t in number})

    reads = [tuple(dict.fromkeys(leaf for v in graph.ops[t].inputs for leaf in leaves(v))) for t in run]
    producers = [{number[graph.producer[v]] for v in read if v in graph.producer} for read in reads]
    size = [stored_bytes(graph, views, v, alignment) for v in range(len(graph.values))]
    return Tasks(
        needs=tuple(sum(1 << p for p in before) for before in producers),
        makes=tuple(graph.ops[t].outputs for t in run),
        reads=tuple(reads),
        in_place=tuple(tuple(overwritable(graph, views, t)) for t in run),
        size=tuple(size),
        users=tuple(users(v) for v in range(len(size))),
        start=sum(size[v] for v in range(len(size)) if v not in graph.producer and graph.readers[v]),
    )


def reordered(graph: Graph, order: tuple[int, ...]) -> Graph:
    """The graph with its kernels in the order of these tasks, each concatenation in place as early as it can be."""
    run, position = kernels(graph), [-1] * len(graph.ops)
    for i, task in enumerate(order):
        position[run[task]] = i
    for t, op in enumerate(graph.ops):
        if position[t] < 0:
            position[t] = max(position[graph.producer[v]] for v in op.inputs)
    return graph.reordered(sorted(range(len(graph.ops)), key=lambda t: (position[t], t)))


def _kernels(graph: Graph, views: dict[int, View]) -> list[int]:
    consists = {view.container for view in views.values()}
    return [t for t, op in enumerate(graph.ops) if not consists.intersection(op.outputs)]
