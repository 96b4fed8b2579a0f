"""Streams of a kernel: the loops that add up products and read panels of a buffer, each from its start to its end."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.dialects import scf
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.element import element_type, is_vector
from webdnn.dialects.kernel.access import ReadOp, buffer_type
from webdnn.dialects.kernel.affine import BoundOp, constant_of, is_value, range_of
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.index import ZERO, Index, substitute, symbol


@dataclass(frozen=True)
class Stream:
    """A loop, or nest of loops, that adds up products and reads one panel of a buffer from its start to its end.

    `sums` are the loops of the nest, innermost first; `step` elements are read in each trip. `blocks` are the loops
    around it for which the panel stays the same, innermost first, and `panels` is the one that moves to the next panel,
    of `panel` elements.
    """

    read: ReadOp
    sums: tuple[scf.ForOp, ...]
    blocks: tuple[scf.ForOp, ...]
    panels: scf.ForOp
    panel: int
    step: int

    @property
    def size(self) -> int:
        """The elements of the buffer."""
        return buffer_type(self.read.source).get_shape()[0]

    @property
    def element_bytes(self) -> int:
        return element_type(buffer_type(self.read.source)).bytes

    @property
    def covered(self) -> int:
        """The elements of a panel that the nest reads: all but those of a tail."""
        return self.step * prod(trips(loop) for loop in self.sums)

    @property
    def uses(self) -> int:
        """How often blocks of this stream use a panel."""
        return prod(trips(loop) for loop in self.blocks)

    @property
    def whole(self) -> bool:
        """Does the buffer consist of such panels, of which this is one?"""
        start = self.start
        return not any(n % self.panel for n in (start.constant, self.size, *start.terms.values()))

    @property
    def total(self) -> int:
        """The elements that it reads while the kernel runs."""
        around = [loop for loop in loops_around(self.read) if loop not in self.sums]
        return self.covered * prod(most_trips(loop) for loop in around)

    @property
    def use(self) -> Index:
        """Which of its uses is under way."""
        found = ZERO
        for loop in reversed(self.blocks):
            found = found * trips(loop) + symbol(loop.body.block.args[0])
        return found

    @property
    def start(self) -> Index:
        """Where the panel begins."""
        return substitute(self.read.exprs[0], {loop.body.block.args[0]: ZERO for loop in self.sums}, range_of)

    def trip(self, loop: scf.ForOp, start: Index, step: int) -> tuple[Index, int]:
        """Where a trip of one of the sums begins, and how many elements are its share, loops inside of it included.

        The first trip of all begins at `start`, and `step` elements are the share of a trip of the innermost sum.
        """
        place, stride, found = start, step, 0
        for around in self.sums:
            if around is loop:
                place, found = start, stride
            place = place + symbol(around.body.block.args[0]) * stride
            stride *= trips(around)
        return place, found


def loops_around(op: Operation) -> list[scf.ForOp]:
    """The loops in which an operation stands, innermost first."""
    found: list[scf.ForOp] = []
    while (op_around := op.parent_op()) is not None:
        if isinstance(op_around, scf.ForOp):
            found.append(op_around)
        op = op_around
    return found


def trips(loop: scf.ForOp) -> int:
    """How often a loop runs; 0 where it is not known."""
    low, high = constant_of(loop.lb), constant_of(loop.ub)
    return 0 if low is None or high is None else high - low


def most_trips(loop: scf.ForOp) -> int:
    """How often a loop that starts at 0 or later may run; 0 where it is not known."""
    if (known := constant_of(loop.ub)) is not None:
        return known
    span = loop.ub.owner.index_range if isinstance(loop.ub.owner, BoundOp) else None
    return span[1] if span else 0


def stream_of(read: ReadOp) -> Stream | None:
    """The stream that a read belongs to, if its index is even and moves through panels."""
    (expr,) = read.exprs
    strides = [(loop, expr.coefficient(loop.body.block.args[0])) for loop in loops_around(read)]
    sums = [(loop, stride) for loop, stride in strides if loop.iter_args]
    around = strides[len(sums) :]
    blocks = [loop for loop, _ in around]
    while around and around[0][1] == 0:
        around = around[1:]
    if not sums or not around or sums != strides[: len(sums)]:
        return None
    (panels, panel), step = around[0], sums[0][1]
    if not panel or not step:
        return None
    covered = step
    for loop, stride in sums:
        if stride != covered:
            return None
        covered *= trips(loop)
    found = Stream(
        read, tuple(loop for loop, _ in sums), tuple(blocks[: len(blocks) - len(around)]), panels, panel, step
    )
    owners = [s.owner for s in found.start.symbols if is_value(s)]
    if any(isinstance(owner, Operation) and panels.is_ancestor(owner) for owner in owners):
        return None  # the next panel is where a value of this trip says
    return found if covered <= panel < 2 * covered else None


def streams_of(function: FuncOp) -> dict[tuple[scf.ForOp, SSAValue], list[Stream]]:
    """By the loop over panels, and the buffer, the streams that use the same panels: one for each nest of sums."""
    found = dict[tuple[scf.ForOp, SSAValue], list[Stream]]()
    known = set[tuple[Operation | None, SSAValue]]()
    for op in function.walk():
        if isinstance(op, ReadOp) and is_vector(op.result.type) and (op.parent_op(), op.source) not in known:
            if stream := stream_of(op):
                known.add((op.parent_op(), op.source))
                found.setdefault((stream.panels, op.source), []).append(stream)
    return found
