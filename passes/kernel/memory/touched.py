"""Which elements of a buffer an operation of the program touches, and so when each of its bytes is in use."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.element import is_vector
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.index import Index, substitute

Span = tuple[int, int]
"""The first element, and the one behind the last, in row-major order."""

Access = tuple[ReadOp | WriteOp, Mapping[Hashable, Index]]
"""One access, and what is known of the indices that it uses."""


def accesses(op: Operation, buffer: SSAValue) -> Iterator[Access]:
    """The reads and writes of a buffer inside an operation, or in the kernel that it calls, with what is known there:

    counters of a call that are constants.
    """
    for inner in op.walk():
        if isinstance(inner, CallOp):
            yield from accesses_of_call(inner, buffer)
        elif (isinstance(inner, ReadOp) and inner.source is buffer) or (
            isinstance(inner, WriteOp) and inner.target is buffer
        ):
            yield inner, {}


def accesses_of_call(call: CallOp, buffer: SSAValue) -> Iterator[Access]:
    kernel = kernel_of(call)
    known: dict[Hashable, Index] = {}
    for parameter, counter in zip(kernel.counters, call.counters, strict=True):
        if isinstance(counter.owner, IndexOp) and counter.owner.exprs[0].is_constant:
            known[parameter] = counter.owner.exprs[0]
    for op in kernel.walk():
        if isinstance(op, IndexOp) and op.exprs[0].symbols <= known.keys() and op.exprs[0].symbols:
            known[op.result] = substitute(op.exprs[0], known, range_of)
    for parameter, given in zip(kernel.buffers, call.buffers, strict=True):
        if given is buffer:
            yield from ((access, known) for access, _ in accesses(kernel, parameter))


def kernel_of(call: CallOp) -> FuncOp:
    module: Operation = call
    while (around := module.parent_op()) is not None:
        module = around
    assert isinstance(module, ModuleOp)
    name = call.callee.root_reference.data
    return next(op for op in module.body.block.ops if isinstance(op, FuncOp) and op.sym_name.data == name)


def touched(op: Operation, buffer: SSAValue) -> Span | None:
    """A span that holds every element of a buffer that an operation reads or writes; None if it touches none.

    What lies outside of the buffer is read in vain, as a select discards it.
    """
    spans = [span_of(access, known) for access, known in accesses(op, buffer)]
    found = [span for span in spans if span is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def span_of(access: ReadOp | WriteOp, known: Mapping[Hashable, Index]) -> Span | None:
    """The span of one access; a vector may lie anywhere. Kernels may see a buffer flat."""
    buffer, element = (access.source, access.result) if isinstance(access, ReadOp) else (access.target, access.value)
    extents = buffer_type(buffer).get_shape()
    if is_vector(element.type):
        return 0, prod(extents)
    low = high = 0
    for index, extent in zip(access.exprs, extents, strict=True):
        span = substitute(index, known, range_of).bounds(range_of) or (0, extent - 1)
        ends = max(0, span[0]), min(extent - 1, span[1])
        if ends[0] > ends[1]:
            return None
        low, high = low * extent + ends[0], high * extent + ends[1]
    return low, high + 1
