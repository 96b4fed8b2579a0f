"""An e-graph of `dnn` operators: classes of equal values, of which each operator is kept once and reads classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, log

import numpy as np
from xdsl.ir import Attribute, Block, Operation, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import array_of, constant_of, folded
from webdnn.passes.dnn.aggregation.plan import exact
from webdnn.passes.dnn.aggregation.steps import shortest
from webdnn.support.affine import DIGITS, Affine

Key = tuple[type[DnnOp], frozenset[tuple[str, Attribute]], tuple[SSAValue, ...]]

ROUNDINGS = 64
"""How many roundings of its largest element two constants may differ by that are the same one."""

NEAR = 1e-3
"""By what part the largest elements of constants differ that are not worth a comparison."""


class EGraph:
    """Values stand for their classes: the result of a constant, or an argument of a block that nothing else is in.

    Operators are detached from the module that they come from. Those that read classes that were merged read the one
    that is left, so that `rebuild` finds operators that have become the same.
    """

    def __init__(self) -> None:
        self.leader: dict[SSAValue, SSAValue] = {}
        self.members: dict[SSAValue, dict[DnnOp, None]] = {}
        self.result: dict[DnnOp, SSAValue] = {}
        self.made: dict[Key, DnnOp] = {}
        self.constants: dict[tuple[object, ...], list[SSAValue]] = {}
        self.stale: list[DnnOp] = []
        self.changed: set[SSAValue] = set()
        self.new: set[DnnOp] = set()
        self.given: set[DnnOp] = set()

    def __len__(self) -> int:
        return len(self.result)

    def find(self, value: SSAValue) -> SSAValue:
        """What stands for the class of a value."""
        path: list[SSAValue] = []
        while value in self.leader:
            path.append(value)
            value = self.leader[value]
        self.leader.update({passed: value for passed in path})
        return value

    def nodes(self, value: SSAValue) -> list[DnnOp]:
        """The operators that compute a class."""
        return list(self.members.get(self.find(value), ()))

    def add(self, op: DnnOp) -> SSAValue:
        """The class of an operator of one result, which is detached and belongs to the graph from now on."""
        if isinstance(op, ConstantOp):
            return self.constant(op)
        op.operands = [self.find(operand) for operand in op.operands]
        key = key_of(op)
        if key not in self.made:
            known = folded(op)
            if known:
                op.drop_all_references()
                return self.constant(constant_of(known[0]))
            value = Block(arg_types=[op.results[0].type]).args[0]
            self.made[key], self.result[op], self.members[value] = op, value, {op: None}
            self.changed.add(value)
            self.new.add(op)
            return value
        op.drop_all_references()
        return self.find(self.result[self.made[key]])

    def constant(self, op: ConstantOp) -> SSAValue:
        """The class of a constant; one that differs from another by rounding is the same."""
        array = array_of(op)
        largest = float(np.abs(array.astype(np.float64)).max(initial=0))
        place = log(largest) / NEAR if 0 < largest < np.inf else 0.0
        buckets = [(op.output.type, floor(place + ahead)) for ahead in (0, -NEAR, NEAR)]
        for other in (other for bucket in dict.fromkeys(buckets) for other in self.constants.get(bucket, ())):
            owner = other.owner
            if isinstance(owner, ConstantOp) and same(array, array_of(owner), largest):
                return other
        self.constants.setdefault(buckets[0], []).append(op.output)
        return op.output

    def adopt(self, ops: Sequence[Operation], value: SSAValue) -> SSAValue:
        """The class of a value that the last of some operators computes; each reads classes, or those before it."""
        classes: dict[SSAValue, SSAValue] = {}
        for op in ops:
            assert isinstance(op, DnnOp)
            classes[op.results[0]] = self.add(op.clone(classes))
        for op in reversed(ops):
            op.drop_all_references()
        return self.find(classes.get(value, value))

    def mapped(self, value: SSAValue, affine: Affine) -> SSAValue | None:
        """value * scale + bias, in as few operators as there can be; None where its type cannot hold them."""
        value = self.find(value)
        found = shortest(affine, value)
        if found is None or (isinstance(value.owner, ConstantOp) and exact(value) is None):
            return None
        made = found.made(value)
        return self.adopt(made, made[-1].results[0]) if made else value

    def merge(self, value: SSAValue, other: SSAValue) -> None:
        """Let two values be equal from now on; what reads them has to be built anew."""
        kept, gone = self.find(value), self.find(other)
        if is_given(gone):
            kept, gone = gone, kept
        if kept is gone:
            return
        assert kept.type == gone.type, f"{kept.type} is not {gone.type}"
        readers = list(dict.fromkeys(use.operation for use in gone.uses))
        for op in readers:
            if isinstance(op, DnnOp) and op in self.result and self.made.get(key_of(op)) is op:
                del self.made[key_of(op)]
                self.stale.append(op)
        gone.replace_all_uses_with(kept)
        self.leader[gone] = kept
        self.members.setdefault(kept, {}).update(self.members.pop(gone, {}))
        self.changed.add(kept)

    def rebuild(self) -> None:
        """Operators that have come to read the same classes are equal, and one of them is kept."""
        while self.stale:
            op = self.stale.pop()
            if op not in self.result:
                continue
            twin = self.made.setdefault(key_of(op), op)
            if twin is not op:
                kept, gone = (op, twin) if op in self.given else (twin, op)
                self.made[key_of(kept)] = kept
                value = self.find(self.result.pop(gone))
                del self.members[value][gone]
                gone.drop_all_references()
                self.merge(self.result[kept], value)

    def fresh(self) -> Iterator[DnnOp]:
        """Operators that are new, or read classes that have changed, since they were asked for last."""
        changed, self.changed = {self.find(value) for value in self.changed}, set[SSAValue]()
        new, self.new = self.new, set[DnnOp]()
        for op in list(self.result):
            if op in new or not changed.isdisjoint(op.operands):
                yield op


def is_given(value: SSAValue) -> bool:
    """Is this a constant, or what no operator of a graph has to compute, since it is still in a function?"""
    return isinstance(value.owner, Operation) or value.owner.parent is not None


def key_of(op: DnnOp) -> Key:
    return type(op), frozenset(op.properties.items()), tuple(op.operands)


def same(array: Array, other: Array, largest: float) -> bool:
    digits = DIGITS.get(array.dtype.name)
    if digits is None or not np.isfinite(largest):
        return bool((array == other).all())
    apart = np.abs(array.astype(np.float64) - other.astype(np.float64))
    return bool((apart <= ROUNDINGS * 2.0**-digits * largest).all())
