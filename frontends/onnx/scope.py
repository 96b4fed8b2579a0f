"""The values that a name stands for: in the model's graph, in a graph inside a node, in the body of a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onnx import GraphProto, SparseTensorProto, TensorProto
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.frontends.onnx.inputs import Declared
from webdnn.support.diagnostic import Diagnostics

Initializer = TensorProto | SparseTensorProto | Array


@dataclass
class Scope:
    """Names of one graph; a graph inside a node also sees those around it.

    A value is None where an optional operand of a function is left out. Initializers are read when they are first
    used. `lost` holds the names that stand for nothing because their node was refused. Nodes are called by their
    name behind `prefix`, or all by `label`.
    """

    opsets: Mapping[str, int]
    prefix: str = ""
    label: str | None = None
    around: Scope | None = None
    values: dict[str, SSAValue | None] = field(default_factory=dict[str, SSAValue | None])
    initializers: dict[str, Initializer] = field(default_factory=dict[str, Initializer])
    expected: dict[str, Declared] = field(default_factory=dict[str, Declared])
    lost: set[str] = field(default_factory=set[str])
    calls: tuple[str, ...] = ()

    def opset(self, domain: str) -> int:
        """The version of a domain's operators."""
        return self.opsets.get(domain, 1)

    def place(self, name: str) -> str:
        """What messages and locations call a node here."""
        return self.label or f"{self.prefix}{name}"

    def knows(self, name: str) -> bool:
        """Is there a value of this name, or an initializer, or was it refused?"""
        here = name in self.values or name in self.initializers or name in self.lost
        return here or (self.around is not None and self.around.knows(name))

    def owner(self, name: str) -> Scope:
        """The innermost scope that knows a name."""
        scope = self
        while not (name in scope.values or name in scope.initializers or name in scope.lost):
            assert scope.around is not None, f"{name} is not known"
            scope = scope.around
        return scope


def initializers_of(graph: GraphProto, where: str) -> dict[str, Initializer]:
    """The initializers of a graph by name. Raises DiagnosticError where two have one name."""
    problems, found = Diagnostics(), dict[str, Initializer]()
    sparse = [(tensor.values.name, tensor) for tensor in graph.sparse_initializer]
    for name, tensor in [*((tensor.name, tensor) for tensor in graph.initializer), *sparse]:
        if name in found:
            problems.note(where, f"two initializers are called '{name}'", hint="export the model again")
        found[name] = tensor
    problems.raise_if_any()
    return found
