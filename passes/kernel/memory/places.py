"""Where tensor values live: views and places inside larger values as index maps into the buffer that holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Block, Operation, SSAValue

from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, YieldOp
from webdnn.support.index import Index, delinearize, linearize, symbol

IndexMap = Callable[[Sequence[Index]], list[Index]]


@dataclass(frozen=True)
class Place:
    """A value inside the buffer of `root`: its element at i lies at `map(i)` there."""

    root: SSAValue
    map: IndexMap
    identity: bool = False


def whole(value: SSAValue) -> Place:
    """A value with a buffer of its own."""
    return Place(value, list, identity=True)


def shape(value: SSAValue) -> tuple[int, ...]:
    return buffer_type(value).get_shape()


def viewed(as_shape: Sequence[int], of_shape: Sequence[int]) -> IndexMap:
    """The index map of a reshape: from an element of `as_shape` to that of `of_shape` at its row-major position."""
    return lambda indices: delinearize(linearize(indices, as_shape), of_shape, range_of)


def same_position(one: Index, other: Index) -> bool:
    """Are two positions equal at every point? An axis of one point is 0, whether it is written or not."""
    return (one - other).bounds(range_of) == (0, 0)


def shifted(axis: int, offset: int) -> IndexMap:
    return lambda indices: [index + offset if i == axis else index for i, index in enumerate(indices)]


def row_at(counter: SSAValue) -> IndexMap:
    """From an element of a row to that of the stack."""
    return lambda indices: [symbol(counter), *indices]


def composed(outer: IndexMap, inner: IndexMap) -> IndexMap:
    return lambda indices: outer(inner(indices))


def block_of(value: SSAValue) -> Block:
    """The block in which a value is defined."""
    block = value.owner if isinstance(value.owner, Block) else value.owner.parent
    assert block is not None
    return block


def users(value: SSAValue) -> list[Operation]:
    """The operations, of the block in which a value is defined, that use it or inside of which it is used."""
    found = (block_of(value).find_ancestor_op_in_block(use.operation) for use in value.uses)
    return list(dict.fromkeys(op for op in found if op is not None))


@dataclass
class Places:
    """The place of every tensor value of a function."""

    of: dict[SSAValue, Place]

    @classmethod
    def find(cls, block: Block) -> Places:
        """Views for reshapes, and places inside a larger value for what can be made there.

        Those are operands of concatenations, and rows of stacked results.
        """
        places = cls({argument: whole(argument) for argument in block.args})
        places.add_block(block)
        return places

    def add_block(self, block: Block) -> None:
        """Later concatenations come first, so that nested ones end in one buffer."""
        for op in reversed(list(block.ops)):
            if isinstance(op, ConcatOp):
                home = self.of.get(op.result) or whole(op.result)
                for part, offset in zip(op.parts, op.offsets, strict=True):
                    self.put(part, op, Place(home.root, composed(home.map, shifted(op.axis.data, offset))))
        for op in block.ops:
            for result in op.results:
                if result not in self.of:
                    source = op.source if isinstance(op, ReshapeOp) else None
                    self.of[result] = self.view(result, source) if source else whole(result)
            if isinstance(op, ScanOp):
                self.add_scan(op)

    def add_scan(self, op: ScanOp) -> None:
        """Carried values live where the last ones do, initial ones too where they are the scan's own."""
        for argument, last, init in zip(op.carried, op.last, op.inits, strict=True):
            self.of[argument] = self.of[last]
            if isinstance(init.owner, ComputeOp) and init.get_user_of_unique_use() is op:
                self.of[init] = self.of[last]
        for stacked, row in zip(op.stacked, op.rows, strict=True):
            home = self.of[stacked]
            self.put(row, op.end, Place(home.root, composed(home.map, row_at(op.counter))))
        self.add_block(op.body.block)

    def view(self, result: SSAValue, source: SSAValue) -> Place:
        home = self.of[source]
        return Place(home.root, composed(home.map, viewed(shape(result), shape(source))))

    def move(self, old: SSAValue, to: Place) -> None:
        """Let what has a buffer of its own live elsewhere, and everything that lives in it."""
        for value, place in list(self.of.items()):
            if place.root is old:
                self.of[value] = to if place.identity else Place(to.root, composed(to.map, place.map))

    def put(self, part: SSAValue, user: Operation, at: Place) -> None:
        """Let an operand be made inside the result of its user, where nothing else decides its place."""
        chain = [part]
        while isinstance(owner := chain[-1].owner, ReshapeOp) and len(list(chain[-1].uses)) == 1:
            chain.append(owner.source)
        made, uses = chain[-1], [use.operation for use in chain[-1].uses]
        if not may_move(made, user, self.of) or sum(use.operation is user for use in part.uses) != 1:
            return
        if any(isinstance(u, func.ReturnOp | YieldOp) and (u is not user or made is not part) for u in uses):
            return
        self.of[part] = at
        for inner, outer in zip(chain[1:], chain, strict=False):
            at = Place(at.root, composed(at.map, viewed(shape(inner), shape(outer))))
            self.of[inner] = at


def may_move(value: SSAValue, user: Operation, placed: dict[SSAValue, Place]) -> bool:
    """Is the value made in the block of its user, and free to be made anywhere?"""
    owner = value.owner
    if isinstance(owner, Block) or owner.parent is not user.parent or value in placed:
        return False
    if isinstance(owner, ScanOp):
        return any(value is stacked for stacked in owner.stacked)
    return isinstance(owner, ConcatOp | ComputeOp)
