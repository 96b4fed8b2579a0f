"""The graph of a program at every step of its compilation, and what each pass did to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import is_
from typing import TypedDict

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.traits import SymbolTable

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import is_memref, is_tensor, shape_of
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.dialects.signature import entries, name_of
from webdnn.dialects.tensor_layout import LayoutAttr
from webdnn.support.diagnostic import origins

HIDDEN = ("dnn.constant", "func.return", "kernel.weight", "kernel.alloc", "kernel.index", "kernel.yield", "scf.yield")
"""Operations that are no nodes: constants belong to their readers, the rest says where things are."""

LEVELS: Mapping[str, str] = {
    "imported": "what the model says",
    "dnn": "what is computed",
    "tensor_layout": "how values lie",
    "kernel": "how each piece is executed",
    "buffers": "where values live",
    "calls": "what runs, in order",
}
"""Each with what is decided when it is left."""


class Node(TypedDict):
    """An operation as it is at some steps.

    `op` is its number for life, `ins` are the numbers of those that make what it reads. `origins` are ONNX nodes,
    `type` is that of its first result, `kernel` what it calls, and `loop` how often it runs.
    """

    op: int
    name: str
    type: str
    origins: list[str]
    ins: list[int]
    text: str
    kernel: str
    loop: int


class Row(TypedDict):
    """What a pass did to operations of the same origins: the nodes before and after, by their places in `nodes`."""

    origins: list[str]
    removed: list[int]
    added: list[int]
    changed: list[list[int]]


class Step(TypedDict):
    """A program after a pass: its nodes in order, and what changed; `level` is one of LEVELS."""

    name: str
    level: str
    nodes: list[int]
    rows: list[Row]


@dataclass
class Seen:
    """The last version of an operation: what it was made of, and its place among the nodes."""

    parts: Sequence[object]
    ins: list[int]
    place: int


@dataclass
class Recorder:
    """Notes a program after every pass. An operation that nothing touched is noted once."""

    nodes: list[Node] = field(default_factory=list[Node])
    steps: list[Step] = field(default_factory=list[Step])
    numbers: dict[object, int] = field(default_factory=dict[object, int])
    seen: dict[int, Seen] = field(default_factory=dict[int, Seen])

    def note(self, name: str, module: ModuleOp) -> None:
        """Add a step: the program as it is now."""
        places = [self.place(source, ins) for source, ins in Graph(self, module).nodes()]
        before = self.steps[-1]["nodes"] if self.steps else places
        level = "imported" if not self.steps else level_of(module)
        self.steps.append(Step(name=name, level=level, nodes=places, rows=self.rows(before, places)))

    def number(self, key: object) -> int:
        """The same for the same operation, or for the same end of the program, for ever."""
        return self.numbers.setdefault(key, len(self.numbers))

    def place(self, source: Operation | End, ins: list[int]) -> int:
        """Where the node lies that says what an operation is now."""
        number = self.number(source.key if isinstance(source, End) else source)
        parts = [*parts_of(source)]
        last = self.seen.get(number)
        if last and last.ins == ins and len(parts) == len(last.parts) and all(map(is_, parts, last.parts)):
            return last.place
        node = described(source, number, ins)
        place = last.place if last and self.nodes[last.place] == node else len(self.nodes)
        if place == len(self.nodes):
            self.nodes.append(node)
        self.seen[number] = Seen(parts, ins, place)
        return place

    def rows(self, before: Sequence[int], after: Sequence[int]) -> list[Row]:
        """What differs, by origin."""
        old, new = ({self.nodes[place]["op"]: place for place in places} for places in (before, after))
        removed = [place for op, place in old.items() if op not in new]
        added = [place for op, place in new.items() if op not in old]
        changed = [[old[op], place] for op, place in new.items() if op in old and old[op] != place]
        changed = [pair for pair in changed if self.spelled(pair[0]) != self.spelled(pair[1])]
        twins: dict[tuple[str, str], list[int]] = {}
        for place in removed:
            twins.setdefault(self.identity(place), []).append(place)
        for place in list(added):  # a pass may make an operation anew
            if found := twins.get(self.identity(place)):
                twin = found.pop(0)
                removed.remove(twin)
                added.remove(place)
                if self.spelled(twin) != self.spelled(place):
                    changed.append([twin, place])
        return grouped(self.nodes, removed, added, changed)

    def spelled(self, place: int) -> tuple[str, str]:
        return self.nodes[place]["text"], self.nodes[place]["type"]

    def identity(self, place: int) -> tuple[str, str]:
        return self.nodes[place]["name"], "\n".join(self.nodes[place]["origins"])


@dataclass(frozen=True)
class End:
    """An input or an output of the program."""

    key: str
    name: str
    value: SSAValue


@dataclass
class Graph:
    """One program: which operations are nodes, and which of them each one reads from."""

    recorder: Recorder
    module: ModuleOp
    writers: dict[SSAValue, list[int]] = field(default_factory=dict[SSAValue, list[int]])

    def nodes(self) -> Iterator[tuple[Operation | End, list[int]]]:
        """All nodes in order, with the numbers of those that make what they read."""
        kernels = kernels_in(self.module)
        for function in self.module.body.block.ops:
            if not isinstance(function, func.FuncOp) or function.is_declaration:
                continue
            block, last = function.body.block, function.body.block.last_op
            assert isinstance(last, func.ReturnOp)
            for end in ends("input", function.arg_attrs, block.args):
                self.writers[end.value] = [self.recorder.number(end.key)]
                yield end, []
            for op in operations(block):
                yield op, self.read_by(op, kernels)
            for end in ends("output", function.res_attrs, last.operands):
                yield end, self.made(end.value)

    def read_by(self, op: Operation, kernels: Mapping[str, FuncOp]) -> list[int]:
        """From which nodes an operation reads; notes what it writes."""
        reads, writes = accesses(op, kernels)
        ins = list(dict.fromkeys(number for value in reads for number in self.made(value)))
        number = self.recorder.number(op)
        for buffer in writes:
            self.writers[buffer] = [number] if buffer in reads else [*self.writers.get(buffer, ()), number]
        return [it for it in ins if it != number]

    def made(self, value: SSAValue) -> list[int]:
        """The nodes that make a value, or what a buffer holds now."""
        if value in self.writers:
            return self.writers[value]
        owner = value.owner
        if isinstance(value, BlockArgument):
            around = value.block.parent_op()
            if not isinstance(around, ScanOp) or value is around.counter:
                return []
            return self.made(around.inits[value.index - 1])
        if isinstance(value, OpResult) and isinstance(owner, ScanOp):
            return self.made(owner.end.values[value.index])
        if not isinstance(owner, Operation) or owner.name in HIDDEN:
            return []
        return [self.recorder.number(owner)]


def ends(kind: str, attributes: ArrayAttr[DictionaryAttr] | None, values: Sequence[SSAValue]) -> Iterator[End]:
    """The inputs or the outputs of a function."""
    for i, (given, value) in enumerate(zip(entries(attributes, len(values)), values, strict=True)):
        yield End(f"{kind} {i}", name_of(given, f"{kind}{i}"), value)


def kernels_in(module: ModuleOp) -> dict[str, FuncOp]:
    """The kernels of a module by name."""
    return {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, FuncOp)}


def operations(block: Block) -> Iterator[Operation]:
    """Those that are nodes, in order, also inside of loops."""
    for op in block.ops:
        if isinstance(op, ScanOp | scf.ForOp):
            yield from operations(op.body.block)
        elif op.name not in HIDDEN and not op.name.startswith("arith."):
            yield op


def accesses(op: Operation, kernels: Mapping[str, FuncOp]) -> tuple[list[SSAValue], list[SSAValue]]:
    """The values and buffers that an operation reads, and the buffers that it writes."""
    if isinstance(op, CallOp):
        kernel = kernels[op.callee.root_reference.data]
        by = dict(zip(kernel.buffers, op.buffers, strict=True))
        reads, writes = accesses_inside(kernel)
        return [by[b] for b in reads if b in by], [by[b] for b in writes if b in by]
    reads, writes = accesses_inside(op) if isinstance(op, ComputeOp) else ([], [])
    return [*op.operands, *reads], writes


def accesses_inside(op: Operation) -> tuple[list[SSAValue], list[SSAValue]]:
    reads = dict.fromkeys(o.source for o in op.walk() if isinstance(o, ReadOp))
    writes = dict.fromkeys(o.target for o in op.walk() if isinstance(o, WriteOp))
    return list(reads), list(writes)


def parts_of(source: Operation | End) -> Iterator[object]:
    """All that an operation consists of: what is not the very same object may have changed."""
    if isinstance(source, End):
        yield source.value.type
        return
    kernel = called_by(source)
    for op in chain(source.walk(), kernel.walk() if kernel else ()):
        yield op
        yield op.location
        yield from op.operands
        yield from op.properties.values()
        yield from op.attributes.values()
        yield from (result.type for result in op.results)


def called_by(op: Operation) -> FuncOp | None:
    """The kernel of a call."""
    if not isinstance(op, CallOp):
        return None
    found = SymbolTable.lookup_symbol(op, op.callee)
    return found if isinstance(found, FuncOp) else None


def described(source: Operation | End, number: int, ins: list[int]) -> Node:
    if isinstance(source, End):
        kind, type = source.key.partition(" ")[0], spell_type(source.value)
        return Node(op=number, name=kind, type=type, origins=[source.name], ins=ins, text="", kernel="", loop=1)
    kernel = called_by(source)
    return Node(
        op=number,
        name=source.name,
        type=spell_type(*source.results[:1]) or spell_written(source),
        origins=origins(source.location),
        ins=ins,
        text="\n".join(map(str, (source, *([kernel] if kernel else [])))),
        kernel=kernel.sym_name.data if kernel else "",
        loop=trips_around(source),
    )


def spell_type(*values: SSAValue) -> str:
    """`1x64x56x56 f32`; empty where there is no value."""
    for value in values:
        if is_tensor(value.type):
            return " ".join(filter(None, ["x".join(map(str, shape_of(value))), str(value.type.element_type)]))
        if is_memref(value.type):
            type = buffer_type(value)
            return " ".join(filter(None, ["x".join(map(str, type.get_shape())), str(type.element_type)]))
    return ""


def spell_written(op: Operation) -> str:
    """The type of the first buffer that a compute writes, or that a call takes."""
    if isinstance(op, CallOp):
        return spell_type(*[b for b in op.buffers if isinstance(b.owner, AllocOp)][-1:])
    return spell_type(*accesses_inside(op)[1][:1])


def trips_around(op: Operation) -> int:
    """How often the loops of the program run an operation."""
    count, at = 1, op.parent_op()
    while at is not None:
        if isinstance(at, ScanOp):
            count *= at.trip_count
        elif isinstance(at, scf.ForOp):
            count *= constant_of(at.ub) or 1
        at = at.parent_op()
    return count


def level_of(module: ModuleOp) -> str:
    """The lowest level whose operations a module has."""
    found = "dnn"
    for function in module.body.block.ops:
        if not isinstance(function, func.FuncOp):
            continue
        for op in function.walk():
            if isinstance(op, CallOp):
                return "calls"
            if isinstance(op, AllocOp | WeightOp):
                found = "buffers"
            elif isinstance(op, ComputeOp) and found != "buffers":
                found = "kernel"
            elif found == "dnn" and not isinstance(op, ConstantOp) and any(map(has_layout, op.results)):
                found = "tensor_layout"
    return found


def has_layout(value: SSAValue) -> bool:
    return is_tensor(value.type) and isinstance(value.type.encoding, LayoutAttr)


def grouped(
    nodes: Sequence[Node], removed: Sequence[int], added: Sequence[int], changed: Sequence[list[int]]
) -> list[Row]:
    """Rows of operations that share an origin, in the order of the origins."""
    rows: list[Row] = []
    of: dict[str, Row] = {}

    def row_for(place: int) -> Row:
        names = nodes[place]["origins"] or ["(none)"]
        known = list({id(of[name]): of[name] for name in names if name in of}.values())
        row = known[0] if known else Row(origins=[], removed=[], added=[], changed=[])
        if not known:
            rows.append(row)
        for other in known[1:]:
            row["origins"] += other["origins"]
            row["removed"] += other["removed"]
            row["added"] += other["added"]
            row["changed"] += other["changed"]
            rows[:] = [it for it in rows if it is not other]
        for name in names:
            if name not in row["origins"]:
                row["origins"].append(name)
        for name in row["origins"]:
            of[name] = row
        return row

    for place in removed:
        row_for(place)["removed"].append(place)
    for place in added:
        row_for(place)["added"].append(place)
    for pair in changed:
        row_for(pair[1])["changed"].append(pair)
    return rows
