"""Programs of kernels on buffers, run by numpy on one array of bytes that knows to which buffer each byte belongs.

This checks plans of memory without the planner: whoever reads a byte must find it written, last, through the same
buffer, and no point of a kernel may read what another point of it writes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.reference.casts import dtype_of
from webdnn.dialects.kernel.reference.points import Indices, Values, at, axes_of, narrowed, run_body, widened
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.support.weights import STORE, Array, numpy_dtype
from webdnn.targets.program import Call, Loop, Program

NOBODY = -1


def flat(indices: Sequence[Indices], shape: Sequence[int]) -> tuple[Indices, NDArray[np.bool]]:
    """Row-major positions, and where they are inside; positions outside are clipped."""
    position, inside = np.zeros((), np.int64), np.ones((), np.bool_)
    for index, extent in zip(indices, shape, strict=True):
        inside = inside & (index >= 0) & (index < extent)
        position = position * extent + np.clip(index, 0, extent - 1)
    return position, inside


def content_of(weight: WeightOp) -> Array:
    type = weight.value.type
    return STORE.get(weight.value.key.data, element_type(type), type.get_shape())


@dataclass
class Span:
    """Where a buffer lies: bytes of an array from `start` on; `name` tells it from others."""

    bytes: NDArray[np.uint8]
    owner: NDArray[np.int64]
    start: int
    name: int

    def addresses(self, position: Indices, size: int) -> Indices:
        return self.start + position * size


@dataclass
class Memory:
    """The arena of a program, and who wrote each byte last."""

    program: Program
    names: dict[Hashable, int] = field(default_factory=dict[Hashable, int])

    def __post_init__(self) -> None:
        self.bytes = np.full(max(1, self.program.arena_bytes), 0x77, np.uint8)
        self.owner = np.full(self.bytes.shape, NOBODY, np.int64)
        for weight in self.program.weights:
            if weight.offset is not None:
                self.store(weight.result, content_of(weight))

    def span(self, buffer: SSAValue) -> Span:
        owner = buffer.owner
        same = owner.content if isinstance(owner, WeightOp) else buffer
        name = self.names.setdefault(same, len(self.names))
        if isinstance(owner, WeightOp) and owner.offset is None:
            held = np.ascontiguousarray(content_of(owner)).reshape(-1).view(np.uint8)
            return Span(held, np.full(held.shape, name, np.int64), 0, name)
        return Span(self.bytes, self.owner, self.program.offset(buffer), name)

    def store(self, buffer: SSAValue, array: Array) -> None:
        span, content = self.span(buffer), np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.bytes[span.start : span.start + content.size] = content
        self.owner[span.start : span.start + content.size] = span.name

    def load(self, buffer: SSAValue) -> Array:
        span, type = self.span(buffer), buffer_type(buffer)
        dtype = numpy_dtype(element_type(type))
        stop = span.start + dtype.itemsize * int(np.prod(type.get_shape()))
        assert (self.owner[span.start : stop] == span.name).all(), "a result was overwritten, or never written"
        return as_array(self.bytes[span.start : stop].copy().view(dtype).reshape(type.get_shape()))

    def joined(self, buffers: Sequence[SSAValue]) -> Array:
        """An output, flat where it is in pieces."""
        loaded = [self.load(buffer) for buffer in buffers]
        return loaded[0] if len(loaded) == 1 else as_array(np.concatenate(loaded))


@dataclass
class Kernel:
    """One call being run. `guarded` reads may leave their buffer, since a select discards what they give."""

    spans: dict[SSAValue, Span]
    values: Values = field(default_factory=dict[SSAValue, Array])

    def block(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            match op:
                case ComputeOp():
                    self.compute(op)
                case scf.ForOp():
                    trips = constant_of(op.ub)
                    assert trips
                    for trip in range(trips):
                        self.values[op.body.block.args[0]] = as_array(np.array(trip))
                        self.block(op.body.block.ops)
                case IndexOp():
                    self.values[op.result] = as_array(at(op.exprs[0], self.values))
                case _:
                    pass

    def compute(self, op: ComputeOp) -> None:
        """All points at once: every read, then every write."""
        reads: list[tuple[Span, Indices]] = []

        def read(access: ReadOp, values: Values) -> Array:
            span = self.spans[access.source]
            size = element_type(access.source.type).bytes
            position, inside = flat([at(e, values) for e in access.exprs], buffer_type(access.source).get_shape())
            addresses = span.addresses(position, size)
            for byte in range(size):
                right = span.owner[addresses + byte] == span.name
                assert (right | ~inside | discarded(access)).all(), "a byte was overwritten, or never written"
            if not access.outside and not discarded(access):
                assert inside.all(), "a read leaves its buffer"
            if not discarded(access):
                reads.append((span, np.where(inside, addresses, NOBODY)))
            dtype = numpy_dtype(element_type(access.source.type))
            stored = np.stack([span.bytes[addresses + b] for b in range(size)], axis=-1).view(dtype)[..., 0]
            found = widened(access, as_array(stored))
            return found if access.outside is None else np.where(inside, found, values[access.outside])

        values = {**self.values, **axes_of(op.axes, [range(s) for s in op.shape], 0)}
        run_body(op.body.block, values, len(op.shape), read)
        for write in [o for o in op.body.block.ops if isinstance(o, WriteOp)]:
            self.write(write, op, values, reads)

    def write(self, op: WriteOp, compute: ComputeOp, values: Values, reads: list[tuple[Span, Indices]]) -> None:
        span, element = self.spans[op.target], element_type(op.target.type)
        position, inside = flat([at(e, values) for e in op.exprs], buffer_type(op.target).get_shape())
        assert inside.all(), "a write leaves its buffer"
        addresses = np.broadcast_to(span.addresses(position, element.bytes), compute.shape)
        assert np.unique(addresses).size == addresses.size, "two points write one element"
        points = np.arange(addresses.size).reshape(compute.shape)
        writer = np.full(span.bytes.shape, NOBODY, np.int64)
        for byte in range(element.bytes):
            writer[addresses + byte] = points
        for other, seen in reads:
            if other.bytes is span.bytes:
                by = np.where(seen == NOBODY, NOBODY, writer[seen])
                assert ((by == NOBODY) | (by == points)).all(), "a point reads what another writes"
        dtype = numpy_dtype(element)
        value = narrowed(np.broadcast_to(values[op.value], compute.shape).astype(dtype_of(op.value.type)), dtype)
        content = np.ascontiguousarray(value).reshape(*compute.shape, 1).view(np.uint8)
        for byte in range(element.bytes):
            span.bytes[addresses + byte] = content[..., byte]
            span.owner[addresses + byte] = span.name


def discarded(op: ReadOp) -> bool:
    """Does a select that tests for bounds take what the read gives?"""
    users = [use.operation for use in op.result.uses]
    return bool(users) and all(
        isinstance(user, arith.SelectOp) and isinstance(user.cond.owner, InsideOp) for user in users
    )


def run_program(module: ModuleOp, inputs: Sequence[Array]) -> list[Array]:
    """The results of a program after `kernel-assign-offsets` and `kernel-form-kernels`. Raises AssertionError."""
    memory = Memory(Program.of(module))
    program = memory.program
    run_launches(program.launches_at_load, memory, {})
    for buffers, array in zip(program.input_pieces, inputs, strict=True):
        ends = np.cumsum([prod(buffer_type(buffer).get_shape()) for buffer in buffers])[:-1]
        for buffer, piece in zip(buffers, np.split(array.reshape(-1), ends), strict=True):
            memory.store(buffer, piece)
    run_launches(program.launches_of_a_run, memory, {})
    return [memory.joined(buffers) for buffers in program.output_pieces]


def run_launches(launches: Sequence[Call | Loop], memory: Memory, counts: Mapping[Hashable, int]) -> None:
    """Calls in order; `counts` says which trips of the loops around are being made."""
    for launch in launches:
        if isinstance(launch, Loop):
            for trip in range(launch.trips):
                run_launches(launch.launches, memory, {**counts, launch.counter: trip})
            continue
        function = launch.kernel
        spans = {a: memory.span(b) for a, b in zip(function.buffers, launch.buffers, strict=True)}
        numbers = [as_array(np.array(index.evaluate(counts))) for index in launch.counters]
        Kernel(spans, dict(zip(function.counters, numbers, strict=True))).block(function.body.block.ops)
