"""The table from operators to what defines them: the text of a function of ONNX operators, made for each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from onnx import AttributeProto, FunctionProto, NodeProto, parser
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.element import ElementType, element_type, shape_of
from webdnn.support.diagnostic import DiagnosticError

OPSET = 23
"""Of the operators that definitions are written in"""

MICROSOFT = "com.microsoft"

LARGEST = 3.4028234663852886e38
"""The largest f32"""


@dataclass(frozen=True)
class Call:
    """A node whose operator is defined by others.

    In the text of its definition operands are i0, i1, … and results o0, o1, …; an operand that the node leaves out may
    be passed on, and is left out there too.
    """

    node: NodeProto
    operands: Sequence[SSAValue | None]
    where: str
    formats: Mapping[SSAValue, int]
    """The ONNX type of values whose elements have fewer bits in the model than here"""

    def refuse(self, problem: str, hint: str) -> NoReturn:
        """Say why this node has no definition; `problem` continues the sentence `'Attention' …`."""
        raise DiagnosticError(f"'{self.node.op_type}' {problem}", where=self.where, hint=hint)

    def refuse_operands(self, *operands: int, hint: str) -> None:
        """Refuse operands that no definition takes, where they are given."""
        for i in operands:
            if self.has(i):
                self.refuse(f"has an operand {i}, '{self.node.input[i]}', that is not supported", hint=hint)

    def has(self, i: int) -> bool:
        """Is there an operand i?"""
        return i < len(self.operands) and self.operands[i] is not None

    def shape(self, i: int) -> tuple[int, ...]:
        """The extents of a required operand."""
        return shape_of(self._operand(i))

    def element(self, i: int) -> ElementType:
        """The element type of a required operand."""
        return element_type(self._operand(i).type)

    def known(self, i: int) -> Array | None:
        """The elements of a required operand, if they are known."""
        return known(self._operand(i))

    def is_format(self, i: int) -> bool:
        """Has a required operand a type of fewer bits than its elements have here?"""
        return self._operand(i) in self.formats

    def integer(self, name: str, default: int) -> int:
        value = self._attribute(name)
        return default if value is None else value.i

    def integers(self, name: str) -> tuple[int, ...]:
        value = self._attribute(name)
        return () if value is None else tuple(value.ints)

    def number(self, name: str, default: float) -> float:
        value = self._attribute(name)
        return default if value is None else value.f

    def numbers(self, name: str) -> tuple[float, ...]:
        value = self._attribute(name)
        return () if value is None else tuple(value.floats)

    def text(self, name: str) -> str:
        value = self._attribute(name)
        return "" if value is None else value.s.decode()

    def _operand(self, i: int) -> SSAValue:
        value = self.operands[i] if i < len(self.operands) else None
        if value is None:
            self.refuse(f"has no operand {i}", hint="check the model: the operator requires it")
        return value

    def _attribute(self, name: str) -> AttributeProto | None:
        return next((a for a in self.node.attribute if a.name == name), None)


Definition = Callable[[Call], str]
"""(call) -> the nodes of its function, a line for each"""

DEFINITIONS: dict[tuple[str, str], Definition] = {}
"""(domain, operator) -> its definition"""


def definition(*op_types: str, domain: str = MICROSOFT) -> Callable[[Definition], Definition]:
    """Decorate what defines operators: `def quick_gelu(call: Call) -> str`."""

    def register(function: Definition) -> Definition:
        for op_type in op_types:
            assert (domain, op_type) not in DEFINITIONS, f"{op_type} has two definitions"
            DEFINITIONS[domain, op_type] = function
        return function

    return register


def defined(
    node: NodeProto, domain: str, operands: Sequence[SSAValue | None], where: str, formats: Mapping[SSAValue, int]
) -> FunctionProto | None:
    """The function that defines a node's operator; None where it has none. Raises DiagnosticError.

    Results that it does not give have empty names.
    """
    write = DEFINITIONS.get((domain, node.op_type))
    if write is None:
        return None
    taken = ", ".join(f"i{i}" for i in range(len(node.input)))
    given = ", ".join(f"o{i}" for i in range(len(node.output)))
    head = f'<domain: "{domain}", opset_import: ["" : {OPSET}, "{MICROSOFT}" : 1]>'
    body = write(Call(node, operands, where, formats))
    function = parser.parse_function(f"{head} {node.op_type} ({taken}) => ({given}) {{{body}}}")
    found = {name for inner in function.node for name in inner.output}
    outputs = [name if name in found else "" for name in function.output]
    del function.output[:]
    function.output.extend(outputs)
    function.name = f"{domain}.{node.op_type}"
    return function


def floats(result: str, value: float, like: str) -> str:
    """The line for a number of the element type of `like`; the text has no words for infinities."""
    value = min(max(value, -LARGEST), LARGEST)
    return f"{result}_f32 = Constant <value = float {{{value!r}}}> ()\n{result} = CastLike ({result}_f32, {like})"


def ints(result: str, *values: int) -> str:
    """The line for a vector of integers."""
    return f"{result} = Constant <value = int64[{len(values)}] {{{', '.join(map(str, values))}}}> ()"


def lines(*parts: str) -> str:
    """The parts that are not empty."""
    return "\n".join(part for part in parts if part)
