"""The nodes of a graph that its wanted values need, each behind those it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

from onnx import AttributeProto, GraphProto, NodeProto

from webdnn.support.diagnostic import Diagnostics

HINT = "the model is damaged; export it again"


def described(node: NodeProto) -> str:
    """What messages and locations call a node: its name, or its operator and first output."""
    return node.name or f"{node.op_type} '{next((o for o in node.output if o), '')}'"


def reads(node: NodeProto) -> Iterator[str]:
    """The names of the values that a node needs, those that its graphs capture included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from captures(attribute.g)
        for graph in attribute.graphs:
            yield from captures(graph)


def captures(graph: GraphProto) -> Iterator[str]:
    """The names that a graph takes from around it."""
    own = {v.name for v in graph.input} | {t.name for t in graph.initializer}
    own |= {s.values.name for s in graph.sparse_initializer}
    own |= {name for node in graph.node for name in node.output}
    wanted = (name for node in graph.node for name in reads(node))
    yield from (name for name in wanted if name not in own)
    yield from (v.name for v in graph.output if v.name not in own)


def ordered(
    nodes: Sequence[NodeProto], wanted: Iterable[str], given: Callable[[str], bool], where: str
) -> list[NodeProto]:
    """The needed nodes in the model's order as far as that is possible.

    `given` says of a name whether it is known before any node. Raises DiagnosticError where a value has no source or
    two, or where nodes need each other.
    """
    problems = Diagnostics()
    produced = Counter(name for node in nodes for name in node.output if name)
    for name, count in produced.items():
        if count > 1:
            problems.note(where, f"the value '{name}' is produced by {count} nodes", hint=HINT)
    producer = {name: i for i, node in enumerate(nodes) for name in node.output if name and not given(name)}
    needs: dict[int, set[int]] = {}
    pending = [(name, where) for name in wanted]
    while pending:
        name, reader = pending.pop()
        if given(name):
            continue
        if name not in producer:
            problems.note(reader, f"reads the value '{name}', which nothing produces", hint=HINT)
        elif (i := producer[name]) not in needs:
            names = list(dict.fromkeys(reads(nodes[i])))
            needs[i] = {producer[n] for n in names if n in producer}
            pending.extend((n, described(nodes[i])) for n in names)
    problems.raise_if_any()
    return [nodes[i] for i in sorted_by_need(nodes, needs)]


def sorted_by_need(nodes: Sequence[NodeProto], needs: dict[int, set[int]]) -> list[int]:
    """Kahn's algorithm, the first of the ready nodes first. Raises DiagnosticError where there is a cycle."""
    readers: dict[int, list[int]] = {i: [] for i in needs}
    for i, sources in needs.items():
        for source in sources:
            readers[source].append(i)
    missing = {i: len(sources) for i, sources in needs.items()}
    ready = [i for i, count in missing.items() if not count]
    heapify(ready)
    done: list[int] = []
    while ready:
        i = heappop(ready)
        done.append(i)
        for reader in readers[i]:
            missing[reader] -= 1
            if not missing[reader]:
                heappush(ready, reader)
    problems = Diagnostics()
    for i in sorted(needs.keys() - set(done)):
        problems.note(described(nodes[i]), "the node needs its own result, through a cycle", hint=HINT)
    problems.raise_if_any()
    return done
