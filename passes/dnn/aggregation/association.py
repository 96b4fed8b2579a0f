"""Trees of one associative and commutative operator: their constants are combined into one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.base import BinaryOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import AddOp, SubOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, known
from webdnn.dialects.dnn.reference.registry import MEANINGS
from webdnn.dialects.dnn.traits import Associative, Commutative
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.aggregation.plan import Changed, Plan, changed, dtype_of, elements, exact
from webdnn.passes.dnn.rewriting import is_read_once, replace
from webdnn.support.affine import rounds
from webdnn.support.operator_cost import Cost
from webdnn.support.shapes import broadcast


@dataclass
class Tree:
    """The operators of a tree, the root first, and what it combines, from left to right."""

    inner: list[BinaryOp] = field(default_factory=list[BinaryOp])
    values: list[SSAValue] = field(default_factory=list[SSAValue])
    constants: list[Array] = field(default_factory=list[Array])

    @property
    def cost(self) -> Cost:
        weights = [o for op in self.inner for o in op.operands if isinstance(o.owner, ConstantOp) and is_read_once(o)]
        return Cost(
            elements=sum(elements(op.output) for op in self.inner),
            weight_bytes=sum(byte_size(weight) for weight in weights),
        )


def grow(tree: Tree, op: BinaryOp) -> None:
    """Add an operator of the root's kind, and all below it that nothing else reads; x - c is x + -c."""
    tree.inner.append(op)
    for at, value in enumerate(op.operands):
        owner, constant = value.owner, exact(value)
        if constant is not None:
            tree.constants.append(as_array(np.negative(constant)) if isinstance(op, SubOp) and at == 1 else constant)
        elif isinstance(owner, BinaryOp) and is_read_once(value) and belongs(owner, tree.inner[0]):
            grow(tree, owner)
        else:
            tree.values.append(value)


def belongs(op: BinaryOp, root: BinaryOp) -> bool:
    """Is this an operator of the root's kind, or a difference with a constant in a tree of sums?"""
    return type(op) is type(root) or (
        isinstance(root, AddOp) and isinstance(op, SubOp) and known(op.lhs) is None and exact(op.rhs) is not None
    )


def aggregated(op: Operation) -> Plan | None:
    """f(f(x, c), f(y, d)) -> f(f(x, y), f(c, d)), where c and d are constants; the last operator of a tree."""
    if not isinstance(op, BinaryOp) or not (op.has_trait(Associative) and op.has_trait(Commutative)):
        return None
    tree = Tree()
    grow(tree, op)
    constant = combined(op, tree.constants) if len(tree.constants) > 1 and tree.values else None
    if constant is None:
        return None
    shapes = [shape_of(value) for value in tree.values] + [constant.array.shape]
    count = sum(prod(broadcast(shapes[: end + 1])) for end in range(1, len(shapes)))
    saved = tree.cost - (Cost(elements=count) + constant.cost)
    changes = frozenset((inner, 0) for inner in tree.inner)
    return Plan(saved, changes, lambda: replace(op, operators(type(op), tree.values, constant), *tree.inner[1:]))


def operators(kind: type[BinaryOp], values: list[SSAValue], constant: Changed) -> list[Operation]:
    """The constant, and then the operators that combine all of these values with it."""
    made: list[Operation] = [constant.made()]
    value = values[0]
    for other in [*values[1:], made[0].results[0]]:
        made.append(kind(value, other))
        value = made[-1].results[0]
    return made


def combined(op: BinaryOp, constants: list[Array]) -> Changed | None:
    """The constant that all of these make; None where that rounds or is too large."""
    if isinstance(op, AddOp) and element_type(op.output.type).is_float:
        if any(rounds(constant, dtype_of(op.output)) for constant in constants):
            return None
    with np.errstate(all="ignore"):
        found = reduce(lambda a, b: as_array(MEANINGS[type(op)](op, a, b)), constants)
    return changed(found, op.output)
