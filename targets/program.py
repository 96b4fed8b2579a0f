"""The program of a module as the bundles of all targets see it: calls in order, buffers, and what goes in and out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp
from xdsl.ir import Block, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import buffer_type, byte_size
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.dialects.signature import entries
from webdnn.passes.kernel.forming.input_ranges import magnitude_of
from webdnn.passes.kernel.memory.assign_offsets import ARENA_BYTES, ARGUMENT_OFFSET
from webdnn.passes.kernel.splitting.split_buffers import is_continued
from webdnn.support.diagnostic import fail
from webdnn.support.element_type import ElementType
from webdnn.support.index import Index, symbol
from webdnn.support.weights import STORE
from webdnn.targets.bundle.write import Move

__all__ = [
    "Call",
    "Loop",
    "Program",
    "WeightImage",
    "byte_size",
    "calls_in",
    "elements_of",
    "runs_of",
    "stored_type",
    "weight_bytes",
]


@dataclass(frozen=True)
class Call:
    """One launch of a kernel, inside loops at `counters`: sums over what the loops count."""

    kernel: FuncOp
    buffers: Sequence[SSAValue]
    counters: Sequence[Index]
    op: CallOp


@dataclass(frozen=True)
class Loop:
    """Launches that are made `trips` times; `counter` stands for the number of the trip in what its calls count."""

    trips: int
    counter: SSAValue
    launches: Sequence[Call | Loop]

    @property
    def calls(self) -> Iterator[Call]:
        yield from calls_in(self.launches)


def calls_in(launches: Sequence[Call | Loop]) -> Iterator[Call]:
    """Every call, each once."""
    for launch in launches:
        if isinstance(launch, Call):
            yield launch
        else:
            yield from launch.calls


def runs_of(
    launches: Sequence[Call | Loop], trips: Mapping[Hashable, int] | None = None
) -> Iterator[tuple[Call, list[int]]]:
    """Every call as often as it is made, with what its counters are; `trips` are those of the loops around."""
    for launch in launches:
        if isinstance(launch, Call):
            yield launch, [counter.evaluate(trips or {}) for counter in launch.counters]
            continue
        for trip in range(launch.trips):
            yield from runs_of(launch.launches, {**(trips or {}), launch.counter: trip})


@dataclass(frozen=True)
class Program:
    """A function that calls kernels on buffers, one after another."""

    function: func.FuncOp
    kernels: dict[str, FuncOp]

    @classmethod
    def of(cls, module: ModuleOp) -> Program:
        """The program of a module: its one function that is no kernel."""
        kernels = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, FuncOp)}
        programs = [op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration]
        if len(programs) != 1:
            fail(module, f"has {len(programs)} functions, expected 1", hint="compile one function at a time")
        return cls(programs[0], kernels)

    @property
    def inputs(self) -> Sequence[SSAValue]:
        return self.function.body.block.args

    @property
    def outputs(self) -> Sequence[SSAValue]:
        end = self.function.body.block.last_op
        assert isinstance(end, func.ReturnOp)
        return end.operands

    @property
    def input_pieces(self) -> list[list[SSAValue]]:
        """The buffers of each input: one, or several where it is cut."""
        return grouped(self.inputs, self.function.arg_attrs)

    @property
    def input_magnitudes(self) -> list[int | None]:
        """The greatest magnitude that a run takes of the integers of each input, if it is not any."""
        given = entries(self.function.arg_attrs, len(self.inputs))
        return [magnitude_of(attributes) for attributes in given if not is_continued(attributes)]

    @property
    def output_pieces(self) -> list[list[SSAValue]]:
        """The buffers of each output."""
        return grouped(self.outputs, self.function.res_attrs)

    @property
    def launches(self) -> Sequence[Call | Loop]:
        return self.launches_in(self.function.body.block)

    def launches_in(self, block: Block) -> Sequence[Call | Loop]:
        found: list[Call | Loop] = []
        for op in block.ops:
            if isinstance(op, CallOp):
                kernel = self.kernels[op.callee.root_reference.data]
                found.append(Call(kernel, list(op.buffers), [counted(c) for c in op.counters], op))
            elif isinstance(op, scf.ForOp):
                trips = constant_of(op.ub)
                assert trips, "loops of a program run a known number of times"
                found.append(Loop(trips, op.body.block.args[0], self.launches_in(op.body.block)))
        return found

    @property
    def calls(self) -> Iterator[Call]:
        yield from calls_in(self.launches)

    @property
    def launches_at_load(self) -> list[Call | Loop]:
        """Those that run once, before all others."""
        return [launch for launch in self.launches if isinstance(launch, Call) and launch.op.once]

    @property
    def launches_of_a_run(self) -> list[Call | Loop]:
        """Those that run each time."""
        return [launch for launch in self.launches if not (isinstance(launch, Call) and launch.op.once)]

    @property
    def weights(self) -> list[WeightOp]:
        return [op for op in self.function.body.block.ops if isinstance(op, WeightOp)]

    @property
    def called(self) -> list[FuncOp]:
        """The kernels that are called, in the order of their first call."""
        return list(dict.fromkeys(call.kernel for call in self.calls))

    def offset(self, value: SSAValue) -> int:
        """Where a buffer, or a weight that only loading reads, lies in the arena, in bytes."""
        owner = value.owner
        if isinstance(owner, AllocOp | WeightOp):
            found = owner.offset
        else:
            position = list(self.inputs).index(value)
            attributes = self.function.arg_attrs
            at = attributes.data[position].data.get(ARGUMENT_OFFSET) if attributes else None
            found = at.value.data if isinstance(at, IntegerAttr) else None
        if found is None:
            fail(self.function, "has buffers without a place", hint="run 'kernel-assign-offsets' first")
        return found

    @property
    def arena_bytes(self) -> int:
        """The end of the last buffer, what loading needs and leaves included."""
        places = [op.result for op in self.function.body.block.ops if isinstance(op, AllocOp)]
        passing = [op.result for op in self.weights if op.offset is not None]
        return max((self.offset(b) + byte_size(b) for b in [*self.inputs, *places, *passing]), default=0)

    @property
    def shared_bytes(self) -> int:
        """The part of the arena that runs share: all but what loading needs and leaves."""
        found = self.function.attributes.get(ARENA_BYTES)
        return found.value.data if isinstance(found, IntegerAttr) else 0

    @property
    def computed_bytes(self) -> int:
        """What loading leaves for runs."""
        made = {buffer for call in calls_in(self.launches_at_load) for buffer in call.buffers}
        used = {buffer for call in calls_in(self.launches_of_a_run) for buffer in call.buffers}
        return sum(byte_size(buffer) for buffer in made & used if isinstance(buffer.owner, AllocOp))


def grouped(values: Sequence[SSAValue], attributes: ArrayAttr[DictionaryAttr] | None) -> list[list[SSAValue]]:
    """The values of each tensor, whose pieces follow one another."""
    found: list[list[SSAValue]] = []
    for value, given in zip(values, entries(attributes, len(values)), strict=True):
        if is_continued(given):
            found[-1].append(value)
        else:
            found.append([value])
    return found


def counted(value: SSAValue) -> Index:
    """What a counter of a call is, in terms of the loops around it."""
    if not isinstance(value.owner, IndexOp):
        return symbol(value)
    (expr,) = value.owner.exprs
    return expr


def elements_of(value: SSAValue) -> int:
    return prod(buffer_type(value).get_shape())


def stored_type(value: SSAValue) -> ElementType:
    return element_type(buffer_type(value))


def weight_bytes(op: WeightOp) -> bytes:
    """The bytes of a constant, row-major and little-endian."""
    type = op.value.type
    return np.ascontiguousarray(STORE.get(op.value.key.data, element_type(type), type.get_shape())).tobytes()


@dataclass(frozen=True)
class WeightImage:
    """All constants one after another, as they are downloaded; equal ones share a place. `offsets` is by weight.

    The first `kept` bytes are those that stay. The others have places in the arena, which only loading reads.
    """

    content: bytes
    offsets: dict[WeightOp, int]
    kept: int

    @classmethod
    def of(cls, weights: Sequence[WeightOp], alignment: int) -> WeightImage:
        content, offsets = bytearray(), dict[WeightOp, int]()
        known: dict[tuple[str, str], int] = {}
        kept = 0
        for op in sorted(weights, key=lambda op: op.offset is not None):
            if op.content not in known:
                content += bytes(-len(content) % alignment)
                known[op.content] = len(content)
                content += weight_bytes(op)
            offsets[op] = known[op.content]
            if op.offset is None:
                kept = len(content)
        return cls(bytes(content), offsets, kept)

    @property
    def passing(self) -> list[Move]:
        """Those that only loading reads, with their places in the arena; each once."""
        places = {self.offsets[op]: op for op in self.offsets if op.offset is not None}
        return [Move(start, byte_size(op.result), op.offset or 0) for start, op in places.items()]
