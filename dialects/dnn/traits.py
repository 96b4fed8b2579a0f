"""The algebra of operators as traits: passes are written against these, never against lists of operators."""

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import Operation
from xdsl.traits import OpTrait


@dataclass(frozen=True)
class Elementwise(OpTrait):
    """Each element of the result depends on the elements at its own place alone, after broadcasting."""


@dataclass(frozen=True)
class Commutative(OpTrait):
    """f(a, b) = f(b, a)"""


@dataclass(frozen=True)
class Associative(OpTrait):
    """f(f(a, b), c) = f(a, f(b, c)), up to rounding"""


@dataclass(frozen=True)
class Tensorwise(OpTrait):
    """The axes of the first result along which the operator can be cut without changing any element's arithmetic."""

    axes: Callable[[Operation], frozenset[int]]


@dataclass(frozen=True)
class Homogeneous(OpTrait):
    """f(s * x) = s * f(x) of the first operand, for each number s > 0 of an element."""


@dataclass(frozen=True)
class Moving(OpTrait):
    """Each element of the result is an element of the one operand, and none of those is taken twice."""


@dataclass(frozen=True)
class InPlaceable(OpTrait):
    """The first result may overwrite the first operand: each element is read where it is written, and nowhere else."""
