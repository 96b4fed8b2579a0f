"""Fusion as a partition of the graph into kernels: an anchor each at most, with its prologue and its epilogue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webdnn.support.planning.graph import Graph, Kind, Op

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Bindings:
    """How many buffers or textures one kernel may bind; None: any number.

    WebGL counts operands and constants (samplers) and results (draw buffers) apart, WebGPU all of them together.
    """

    inputs: int | None = 8
    outputs: int | None = None
    total: int | None = None

    def allow(self, inputs: int, outputs: int) -> bool:
        """Whether a kernel may bind so many."""
        counts = ((inputs, self.inputs), (outputs, self.outputs), (inputs + outputs, self.total))
        return all(most is None or count <= most for count, most in counts)


def fuse(graph: Graph, bindings: Bindings = Bindings()) -> Groups:
    """The operators of each kernel, kernels in a valid order.

    Epilogues forwards: an element-wise operator or a transpose joins the latest producer of equal extent. Prologues
    backwards: a group without anchor, all of whose readers are one group, joins it, if its work may be repeated at
    each read. A group whose reader comes back to it through another group is left apart.
    """
    partition = _Partition(graph, bindings)
    for t, op in enumerate(graph.ops):
        if op.kind in {Kind.ELEMENTWISE, Kind.PERMUTE}:
            partition.join_producer(t)
    for t in reversed(range(len(graph.ops))):
        if graph.ops[t].kind.is_injective:
            partition.join_reader(partition.group[t])
    return _topological(graph, [tuple(sorted(members)) for members in partition.members.values()])


def contract(graph: Graph, groups: Groups) -> Graph:
    """One operator for each group, in the order of the groups, with the operands that it may overwrite."""
    return Graph(graph.values, tuple(_kernel(graph, members) for members in groups))


def traffic(graph: Graph, groups: Groups, launch: int = 1 << 20) -> int:
    """What fusion lessens: bytes read and written by all kernels, and `launch` bytes for each.

    A launch takes as long as about 1 MiB of traffic (30 us at 35 GB/s). Concatenations are places, not kernels.
    """
    return sum(
        launch + sum(graph.values[v].bytes for v in (*kernel.inputs, *kernel.outputs))
        for kernel in contract(graph, groups).ops
        if kernel.kind is not Kind.CONCAT
    )


class _Partition:
    """Groups of operators whose quotient graph stays acyclic."""

    def __init__(self, graph: Graph, bindings: Bindings) -> None:
        self.graph, self.bindings = graph, bindings
        self.group = list(range(len(graph.ops)))  # operator -> group
        self.members = {t: [t] for t in self.group}
        # Values of one frame are computed at the same point of their group's loops; a transpose starts a new one.
        self.frame = list(range(len(graph.values)))

    def join_producer(self, t: int) -> None:
        """Make operator t the epilogue of the latest group that allows it."""
        graph, op = self.graph, self.graph.ops[t]
        extent = graph.values[op.outputs[0]].extent
        sources = [v for v in op.inputs if v in graph.producer and graph.values[v].extent == extent]
        for v in sorted(sources, key=lambda v: -graph.producer[v]):
            source = self.group[graph.producer[v]]
            inside = (w for w in op.inputs if w in graph.producer and self.group[graph.producer[w]] == source)
            aligned = all(self.frame[w] == self.frame[v] for w in inside)
            if aligned and graph.ops[source].kind is not Kind.CONCAT and self.may_merge(source, t):
                self.merge(source, t)
                if op.kind is Kind.ELEMENTWISE:
                    for out in op.outputs:
                        self.frame[out] = self.frame[v]
                return

    def join_reader(self, group: int) -> None:
        """Make a group the prologue of the group that alone reads it."""
        graph = self.graph
        made = [v for t in self.members[group] for v in graph.ops[t].outputs]
        readers = self.successors(group)
        if self.anchor(group) or len(readers) != 1 or any(graph.values[v].role == "out" for v in made):
            return
        reader = readers.pop()
        if self.accepts(reader, group) and self.may_merge(group, reader):
            self.merge(reader, group)

    def anchor(self, group: int) -> Op | None:
        return next((self.graph.ops[t] for t in self.members[group] if self.graph.ops[t].kind.is_anchor), None)

    def successors(self, group: int) -> set[int]:
        ops, readers = self.graph.ops, self.graph.readers
        return {self.group[r] for t in self.members[group] for v in ops[t].outputs for r in readers[v]} - {group}

    def may_merge(self, a: int, b: int) -> bool:
        """At most one anchor, few enough bindings, and no path from a to b through another group."""
        if a == b or (self.anchor(a) and self.anchor(b)):
            return False
        members = self.members[a] + self.members[b]
        inputs, outputs = _interface(self.graph, members)
        constants = sum(self.graph.ops[t].constants for t in members)
        if not self.bindings.allow(len(inputs) + constants, len(outputs)):
            return False
        found = self.successors(a) - {b}
        front = found
        while front and b not in found:
            front = {g for f in front for g in self.successors(f)} - found
            found = found | front
        return b not in found

    def merge(self, a: int, b: int) -> None:
        for t in self.members[b]:
            self.group[t] = a
        self.members[a] += self.members.pop(b)

    def accepts(self, reader: int, group: int) -> bool:
        """Whether `group` may be a prologue: where elements are read many times, only cheap work is repeated."""
        ops, anchor = self.graph.ops, self.anchor(reader)
        if any(ops[t].kind is Kind.CONCAT for t in self.members[reader]):
            return False
        return anchor is None or anchor.kind.reads_once or all(ops[t].cheap for t in self.members[group])


def _interface(graph: Graph, members: Sequence[int]) -> tuple[list[int], list[int]]:
    """(values that the group reads, values that it must write)."""
    group = set(members)
    made = [v for t in members for v in graph.ops[t].outputs]
    read = dict.fromkeys(v for t in members for v in graph.ops[t].inputs)
    kept = [v for v in made if graph.values[v].role == "out" or not group.issuperset(graph.readers[v])]
    unread = [v for v in made if not graph.readers[v]]
    return [v for v in read if v not in set(made)], kept or unread


def _kernel(graph: Graph, members: tuple[int, ...]) -> Op:
    ops = [graph.ops[t] for t in members]
    inputs, outputs = _interface(graph, members)
    main = next((op for op in ops if op.kind.is_anchor), ops[-1])
    return Op(
        main.kind,
        tuple(inputs),
        tuple(outputs),
        sum(op.constants for op in ops),
        all(op.cheap for op in ops),
        main.axis,
        _in_place(graph, members, inputs, outputs),
    )


def _in_place(graph: Graph, members: Sequence[int], inputs: Iterable[int], outputs: Sequence[int]) -> tuple[int, ...]:
    """Operands that flow to the first output point by point only.

    Several outputs around a transpose are written at different points of the loops; then no operand is safe.
    """
    kinds = [graph.ops[t].kind for t in members]
    if len(outputs) > 1 and Kind.PERMUTE in kinds:
        return ()
    moves: set[int] = set()  # members from which a value flows into one that reads other points
    for t in reversed(members):
        flows = any(moves.intersection(graph.readers[v]) for v in graph.ops[t].outputs)
        if flows or not graph.ops[t].kind.is_pointwise:
            moves.add(t)
    result = graph.values[outputs[0]]
    return tuple(
        v
        for v in inputs
        if graph.values[v].extent == result.extent
        and graph.values[v].bytes == result.bytes
        and not moves.intersection(graph.readers[v])
    )


def _topological(graph: Graph, groups: list[tuple[int, ...]]) -> Groups:
    """The groups in a valid order that stays near the given one: repeatedly the first whose operands are ready."""
    done = set(range(len(graph.values))) - set(graph.producer)
    waiting, order = sorted(groups, key=max), list[tuple[int, ...]]()
    while waiting:
        ready = next(g for g in waiting if done.issuperset(_interface(graph, g)[0]))
        waiting.remove(ready)
        order.append(ready)
        done.update(v for t in ready for v in graph.ops[t].outputs)
    return tuple(order)
