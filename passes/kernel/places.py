"""Where tensor values live: views and places inside larger values as index maps into the buffer that holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import ComputeOp, ReduceOp
from webdnn.support.index import Index, delinearize, linearize

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


def shifted(axis: int, offset: int) -> IndexMap:
    return lambda indices: [index + offset if i == axis else index for i, index in enumerate(indices)]


def composed(outer: IndexMap, inner: IndexMap) -> IndexMap:
    return lambda indices: outer(inner(indices))


def function_user(op: Operation) -> Operation:
    """The operation of the function's body in which this one stands."""
    while isinstance(parent := op.parent_op(), ComputeOp | ReduceOp):
        op = parent
    return op


def users(value: SSAValue) -> list[Operation]:
    """The operations of the function's body that use a value, each once."""
    return list(dict.fromkeys(function_user(use.operation) for use in value.uses))


@dataclass
class Places:
    """The place of every tensor value of a function."""

    of: dict[SSAValue, Place]

    @classmethod
    def find(cls, block: Block) -> Places:
        """Views for reshapes, and places inside a concatenation for those operands that can be made there.

        Later concatenations come first, so that nested ones end in one buffer.
        """
        places = cls({})
        for op in reversed(list(block.ops)):
            if isinstance(op, ConcatOp):
                for part, offset in zip(op.parts, op.offsets, strict=True):
                    places.put(part, op, offset)
        for argument in block.args:
            places.of[argument] = whole(argument)
        for op in block.ops:
            for result in op.results:
                if result not in places.of:
                    source = op.source if isinstance(op, ReshapeOp) else None
                    places.of[result] = places.view(result, source) if source else whole(result)
        return places

    def view(self, result: SSAValue, source: SSAValue) -> Place:
        home = self.of[source]
        return Place(home.root, composed(home.map, viewed(shape(result), shape(source))))

    def put(self, part: SSAValue, concat: ConcatOp, offset: int) -> None:
        """Let an operand be made inside the result of its concatenation, where nothing else decides its place."""
        chain = [part]
        while isinstance(owner := chain[-1].owner, ReshapeOp) and len(list(chain[-1].uses)) == 1:
            chain.append(owner.source)
        if not may_move(chain[-1], self.of) or any(isinstance(u, func.ReturnOp) for u in users(chain[-1])):
            return
        if sum(use.operation is concat for use in part.uses) != 1:
            return
        home = self.of.get(concat.result) or whole(concat.result)
        at = Place(home.root, composed(home.map, shifted(concat.axis.data, offset)))
        self.of[part] = at
        for inner, outer in zip(chain[1:], chain, strict=False):
            at = Place(at.root, composed(at.map, viewed(shape(inner), shape(outer))))
            self.of[inner] = at


def may_move(value: SSAValue, placed: dict[SSAValue, Place]) -> bool:
    """Is the value made here, and free to be made anywhere?"""
    owner = value.owner
    if isinstance(value, BlockArgument) or value in placed:
        return False
    return isinstance(owner, ConcatOp) or (isinstance(owner, ComputeOp) and owner.inset is None)
