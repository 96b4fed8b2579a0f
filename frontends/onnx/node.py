"""One ONNX node as its converter sees it: operands, attributes, a place to put operators, and a way to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from onnx import AttributeProto, GraphProto
from xdsl.ir import Attribute, Block, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import element_type, shape_of, tensor_type
from webdnn.frontends.onnx.emitter import Emitter
from webdnn.frontends.onnx.tensors import is_format, read_sparse_tensor, read_tensor
from webdnn.support.diagnostic import DiagnosticError, Diagnostics
from webdnn.support.element_type import ElementType

KINDS = {value: name.lower() for name, value in AttributeProto.AttributeType.items()}


class NotConstant(DiagnosticError):
    """An operand that must be known when the model is imported is not."""


class Lost(Exception):
    """A value is missing, for a reason that has been noted."""


@dataclass(frozen=True)
class Node:
    """An ONNX node whose operands have been imported.

    `name` is what messages and locations call it; `outputs` says of each output whether anything reads it;
    `operand_names` are the names of the operands in the model.
    """

    op_type: str
    domain: str
    name: str
    opset: int
    operands: Sequence[SSAValue | None]
    operand_names: Sequence[str]
    outputs: tuple[bool, ...]
    attributes: Mapping[str, AttributeProto]
    emitter: Emitter
    directory: Path
    """Where the model lies, and its external data with it."""
    importing: Callable[[GraphProto, Sequence[SSAValue]], list[SSAValue]]
    nesting: Callable[[Block], AbstractContextManager[Diagnostics]]

    def refuse(self, problem: str, hint: str) -> NoReturn:
        """Say why this node cannot be imported; `problem` continues the sentence `'Conv' …`."""
        raise DiagnosticError(f"'{self.op_type}' {problem}", where=self.name, hint=hint)

    # Operands.

    def optional(self, i: int) -> SSAValue | None:
        """An operand, or None where the model leaves it out."""
        return self.operands[i] if i < len(self.operands) else None

    def operand(self, i: int) -> SSAValue:
        """An operand that the operator requires."""
        value = self.optional(i)
        if value is None:
            self.refuse(f"has no operand {i}", hint="check the model with onnx.checker")
        return value

    def shape(self, i: int) -> tuple[int, ...]:
        """The extents of a required operand."""
        return shape_of(self.operand(i))

    def element(self, i: int) -> ElementType:
        """The element type of a required operand; `element_attribute(i)` is its type in the IR."""
        return element_type(self.operand(i).type)

    def element_attribute(self, i: int) -> Attribute:
        return tensor_type(self.operand(i)).element_type

    def constant(self, i: int) -> Array:
        """The elements of a required operand that must be known now; not to be written to."""
        array = known(self.operand(i))
        if array is None:
            array = self.emitter.counting.fixed(self.operand(i))
        if array is None:
            raise NotConstant(
                f"'{self.op_type}' needs the value of its operand {i}, '{self.operand_names[i]}', at compile time",
                where=self.name,
                hint=f"give what it depends on with {self.fixing(i)}, or export the model with it as an initializer",
            )
        return array

    def fixing(self, i: int) -> str:
        """The options of the compiler that make a required operand known."""
        options = self.emitter.settled_by(self.operand(i)) or [f"--constant {self.operand_names[i]}=FILE.npy"]
        return " ".join(options)

    def constant_or(self, i: int, default: Array) -> Array:
        """The elements of an optional operand that must be known now."""
        return default if self.optional(i) is None else self.constant(i)

    def constant_integers(self, i: int, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """The elements of an operand that must be known now, as a flat list of integers (axes, shapes, pads)."""
        if default is not None and self.optional(i) is None:
            return tuple(default)
        return tuple(int(v) for v in self.constant(i).reshape(-1))

    def axes_given(self) -> tuple[int, ...] | None:
        """Axes, which were an attribute before they became operand 1."""
        if self.has("axes"):
            return self.integers("axes")
        return None if self.optional(1) is None else self.constant_integers(1)

    # Attributes. One without a default is required; ONNX's floats are f32.

    def has(self, name: str) -> bool:
        """Does the node set this attribute?"""
        return name in self.attributes

    def integer(self, name: str, default: int | None = None) -> int:
        found = self._attribute(name, AttributeProto.INT, default is not None)
        return found.i if found else default or 0

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        found = self._attribute(name, AttributeProto.INTS, default is not None)
        return tuple(found.ints if found else default or ())

    def number(self, name: str, default: float | None = None) -> float:
        found = self._attribute(name, AttributeProto.FLOAT, default is not None)
        return found.f if found else float(np.float32(default or 0.0))

    def numbers(self, name: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        found = self._attribute(name, AttributeProto.FLOATS, default is not None)
        return tuple(found.floats if found else default or ())

    def text(self, name: str, default: str | None = None) -> str:
        found = self._attribute(name, AttributeProto.STRING, default is not None)
        return self._decoded(name, found.s) if found else default or ""

    def texts(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        found = self._attribute(name, AttributeProto.STRINGS, default is not None)
        return tuple(self._decoded(name, s) for s in found.strings) if found else tuple(default or ())

    def tensor(self, name: str) -> Array:
        """The elements of a required tensor attribute."""
        return read_tensor(self._required(name, AttributeProto.TENSOR).t, self.directory, self.name)

    def held(self, name: str) -> SSAValue:
        """A required tensor attribute as a value, in the format of its type."""
        code = self._required(name, AttributeProto.TENSOR).t.data_type
        return self.emitter.constant(self.tensor(name), self.name, code if is_format(code) else 0)

    def sparse_tensor(self, name: str) -> Array:
        """The elements of a required sparse tensor attribute, the zeros filled in."""
        return read_sparse_tensor(self._required(name, AttributeProto.SPARSE_TENSOR).sparse_tensor, self.directory)

    def graph(self, name: str) -> GraphProto:
        """A required graph attribute; `inline` imports it."""
        return self._required(name, AttributeProto.GRAPH).g

    def inline(self, graph: GraphProto, operands: Sequence[SSAValue] = ()) -> list[SSAValue]:
        """The outputs of a graph attribute on these operands, its nodes imported here. Raises Lost."""
        return self.importing(graph, operands)

    def into(self, block: Block) -> AbstractContextManager[Diagnostics]:
        """Import into a block of its own, and note apart what is refused there."""
        return self.nesting(block)

    def _required(self, name: str, kind: int) -> AttributeProto:
        found = self._attribute(name, kind, False)
        assert found is not None
        return found

    def _attribute(self, name: str, kind: int, optional: bool) -> AttributeProto | None:
        found = self.attributes.get(name)
        if found is None and not optional:
            self.refuse(f"has no attribute '{name}'", hint="check the model with onnx.checker")
        if found is not None and found.type != kind:
            self.refuse(
                f"has an attribute '{name}' of kind {KINDS.get(found.type, 'unknown')}, expected {KINDS[kind]}",
                hint="check the model with onnx.checker",
            )
        return found

    def _decoded(self, name: str, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.refuse(f"has an attribute '{name}' that is not UTF-8", hint="check the model with onnx.checker")

    # Results.

    def add(self, op: DnnOp) -> SSAValue:
        """The first result of an operator, which is appended here; folded at once where all operands are known."""
        return self.add_all(op)[0]

    def add_all(self, op: DnnOp) -> list[SSAValue]:
        """All results of an operator."""
        return self.emitter.add(op, self.name)

    def constant_value(self, array: Array) -> SSAValue:
        """A value that holds these elements. The array is kept: it must not be written to later."""
        return self.emitter.constant(array, self.name)
