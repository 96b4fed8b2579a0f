"""Which values share storage: concatenations written in place, and operands overwritten where they die."""

from dataclasses import dataclass, field, replace

from webdnn.support.planning.graph import Graph, Kind
from webdnn.support.planning.storage import Block, Part, align


@dataclass(frozen=True)
class View:
    """A value's place inside the concatenation that contains it: `offset` bytes from its start."""

    container: int
    offset: int


@dataclass(frozen=True)
class Place:
    """A value's place: `offset` bytes from the origin of a block."""

    block: int
    offset: int


@dataclass(frozen=True)
class Storage:
    """The blocks to be placed, and where in them each value lies; a value that nobody makes or reads has no place."""

    blocks: tuple[Block, ...]
    places: dict[int, Place]


def share(graph: Graph, alignment: int = 64, in_place: bool = True, concat: bool = True) -> Storage:
    """Give every value storage, one time step for each operator.

    Sizes are rounded up to `alignment` bytes, except inside a concatenation. `concat` lets operands be written
    straight into their concatenation, `in_place` lets an operator overwrite an operand that dies there.
    """
    views = concat_views(graph) if concat else {}
    merge = _Merge.of(graph, views, alignment)
    for v, view in views.items():
        joined = merge.join(v, view.container, view.offset)
        assert joined, "the operands of a concatenation lie side by side, so they cannot collide"
    end = last_uses(graph, views)
    for t, op in enumerate(graph.ops if in_place else ()):
        for v in overwritable(graph, views, t):
            if end[v] == t + 1 and merge.overwrite(v, op.outputs[0], t):
                break
    return merge.storage()


def concat_views(graph: Graph) -> dict[int, View]:
    """The operands of concatenations that can be written straight into the result, and where.

    Not what the caller owns, what another concatenation contains already, what occurs twice, and not along an inner
    axis, where an operand would lie in strides. A concatenation is a view of all its operands or of none.
    """
    found: dict[int, View] = {}
    for op in graph.ops:
        if op.kind is not Kind.CONCAT:
            continue
        result, offset = op.outputs[0], 0
        taken: dict[int, View] = {}
        for v in op.inputs:
            taken[v] = View(result, offset)
            offset += graph.values[v].bytes
        shape = graph.values[result].shape
        outermost = all(extent == 1 for extent in shape[: op.axis % len(shape)])
        whole = len(taken) == len(op.inputs) and offset == graph.values[result].bytes
        ours = all(v in graph.producer and v not in found and not graph.values[v].role for v in taken)
        if outermost and whole and ours:
            found |= taken
    return found


def containers(views: dict[int, View], value: int) -> list[int]:
    """The concatenations that contain the value, innermost first."""
    found: list[int] = []
    while value in views:
        value = views[value].container
        found.append(value)
    return found


def last_uses(graph: Graph, views: dict[int, View]) -> list[int]:
    """The first time at which nobody needs each value any more, neither itself nor through what contains it."""
    last = len(graph.ops)
    end = [
        last if value.role == "out" else max(graph.readers[v], default=graph.producer.get(v, 0)) + 1
        for v, value in enumerate(graph.values)
    ]
    return [max(end[x] for x in (v, *containers(views, v))) for v in range(len(end))]


def overwritable(graph: Graph, views: dict[int, View], t: int) -> list[int]:
    """The operands over which operator t may write its first output, if they die there.

    Not what the caller owns, even through a concatenation, nor what consists of other values, nor what t also reads
    at other points through a concatenation that contains it.
    """
    op, consists = graph.ops[t], {view.container for view in views.values()}
    return [
        v
        for v in dict.fromkeys(op.in_place)
        if v in graph.producer
        and v not in consists
        and graph.values[v].bytes == graph.values[op.outputs[0]].bytes
        and not any(graph.values[x].role for x in (v, *containers(views, v)))
        and not set(containers(views, v)) & set(op.inputs)
    ]


def stored_bytes(graph: Graph, views: dict[int, View], value: int, alignment: int) -> int:
    """What the value occupies: nothing if it consists of others, the bare size inside a concatenation."""
    if any(view.container == value for view in views.values()):
        return 0
    bare = graph.values[value].bytes
    return bare if value in views else align(bare, alignment)


@dataclass
class _Merge:
    """Blocks under construction; a block is named by one of its values."""

    parts: dict[int, dict[int, Part]]  # block -> value -> its part, at an offset that may be negative
    home: dict[int, int]  # value -> block
    offset: dict[int, int]  # value -> bytes from the block's origin
    values: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.values = {b: [b] for b in self.home}

    @classmethod
    def of(cls, graph: Graph, views: dict[int, View], alignment: int) -> "_Merge":
        """One block a value; a concatenation of views has no part of its own."""
        consists, end = {view.container for view in views.values()}, last_uses(graph, views)
        used = [v for v in range(len(graph.values)) if v in graph.producer or graph.readers[v]]
        sizes = {v: stored_bytes(graph, views, v, alignment) for v in used if v not in consists}
        parts = {v: {v: Part(graph.producer.get(v, 0), end[v], 0, sizes[v])} if v in sizes else {} for v in used}
        return cls(parts, {v: v for v in used}, dict.fromkeys(used, 0))

    def join(self, child: int, parent: int, shift: int) -> bool:
        """Place `child` at `shift` bytes into `parent`, unless two live parts would then collide."""
        source, target = self.home[child], self.home[parent]
        delta = self.offset[parent] + shift - self.offset[child]
        stay, move = self.parts[target], self.parts[source]
        if source == target or any(p.meets(q, delta) for p in stay.values() for q in move.values()):
            return False
        stay.update({v: replace(part, offset=part.offset + delta) for v, part in move.items()})
        for v in self.values[source]:
            self.home[v] = target
            self.offset[v] += delta
        self.values[target] += self.values.pop(source)
        del self.parts[source]
        return True

    def overwrite(self, operand: int, result: int, time: int) -> bool:
        """Let the result start, at `time`, in the same bytes in which the operand then ends."""
        parts = self.parts[self.home[operand]]
        before = parts[operand]
        parts[operand] = replace(before, end=time)
        if not self.join(result, operand, 0):
            parts[operand] = before
            return False
        return True

    def storage(self) -> Storage:
        """The finished blocks, each with its lowest part at its origin."""
        low = {b: min((p.offset for p in parts.values()), default=0) for b, parts in self.parts.items()}
        number = {b: i for i, b in enumerate(low)}
        blocks = tuple(
            Block(tuple(replace(p, offset=p.offset - low[b]) for p in parts.values()))
            for b, parts in self.parts.items()
        )
        return Storage(blocks, {v: Place(number[b], self.offset[v] - low[b]) for v, b in self.home.items()})
