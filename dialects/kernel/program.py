"""Operations of the `kernel` dialect between kernels: values that are placed, viewed and passed to calls."""

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import (
    FlatSymbolRefAttr,
    IntAttr,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.syntax import INDEX


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The same elements, in the same row-major order, under another shape: a view, never a kernel.

    ```mlir
    %1 = kernel.reshape %0 : tensor<2x6xf32> -> tensor<3x4xf32>
    ```
    """

    name = "kernel.reshape"
    source = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$source attr-dict `:` type($source) `->` type($result)"

    def __init__(self, source: SSAValue, result_type: Attribute):
        super().__init__(operands=[source], result_types=[result_type])

    def verify_(self) -> None:
        before, after = buffer_type(self.source), buffer_type(self.result)
        if prod(before.get_shape()) != prod(after.get_shape()) or before.element_type != after.element_type:
            raise VerifyException(f"cannot view {before} as {after}: expected as many elements of the same type")


@irdl_op_definition
class ConcatOp(IRDLOperation):
    """Operands side by side along an axis: a place for each in one buffer, or a kernel where targets have no places.

    ```mlir
    %2 = kernel.concat 1 %0, %1 : tensor<2x3xf32>, tensor<2x5xf32> -> tensor<2x8xf32>
    ```
    """

    name = "kernel.concat"
    axis = prop_def(IntAttr)
    parts = var_operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def __init__(self, axis: int, parts: Sequence[SSAValue], result_type: Attribute):
        super().__init__(operands=[parts], result_types=[result_type], properties={"axis": IntAttr(axis)})

    @property
    def offsets(self) -> list[int]:
        """Where each operand begins along the axis."""
        offsets, at = list[int](), 0
        for part in self.parts:
            offsets.append(at)
            at += buffer_type(part).get_shape()[self.axis.data]
        return offsets

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.axis.data} ")
        printer.print_list(self.parts, printer.print_operand)
        printer.print_string(" : ")
        printer.print_list(self.parts.types, printer.print_attribute)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "ConcatOp":
        axis = parser.parse_integer()
        parts = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_unresolved_operand)
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        parser.parse_punctuation("->")
        return cls(axis, parser.resolve_operands(parts, types, parser.pos), parser.parse_type())

    def verify_(self) -> None:
        result, axis = buffer_type(self.result).get_shape(), self.axis.data
        if not 0 <= axis < len(result):
            raise VerifyException(f"axis {axis} is not one of the {len(result)} axes of the result")
        shapes = [buffer_type(p).get_shape() for p in self.parts]
        total = sum(shape[axis] for shape in shapes)
        rest = result[:axis] + result[axis + 1 :]
        if total != result[axis] or any(s[:axis] + s[axis + 1 :] != rest for s in shapes):
            raise VerifyException(f"operands of shapes {[list(s) for s in shapes]} do not fill {list(result)}")


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A constant in memory: `%w = kernel.weight #dnn.weight<k : tensor<8xf32>> : memref<8xf32>`.

    One that only loading reads stands `at` a byte offset in the arena until then, and afterwards others may lie there:
    `%w = kernel.weight at 4096 #dnn.weight<k : tensor<8xf32>> : memref<8xf32>`.
    """

    name = "kernel.weight"
    value = prop_def(WeightAttr)
    at = opt_prop_def(IntegerAttr.constr(i64))
    result = result_def(MemRefType)
    traits = traits_def(Pure(), ConstantLike())
    irdl_options = (ParsePropInAttrDict(),)

    def __init__(self, value: WeightAttr, result_type: Attribute, at: int | None = None):
        super().__init__(
            result_types=[result_type],
            properties={"value": value, "at": None if at is None else IntegerAttr(at, i64)},
        )

    @property
    def offset(self) -> int | None:
        return None if self.at is None else self.at.value.data

    @property
    def content(self) -> tuple[str, str]:
        """What two weights have in common if their bytes are the same: the key, and the type of the elements."""
        return self.value.key.data, str(self.value.type.element_type)

    def print(self, printer: Printer) -> None:
        printer.print_string(" " if self.at is None else f" at {self.at.value.data} ")
        printer.print_attribute(self.value)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "WeightOp":
        at = parser.parse_integer() if parser.parse_optional_keyword("at") else None
        value = parser.parse_attribute()
        if not isinstance(value, WeightAttr):
            parser.raise_error("expected a weight")
        parser.parse_punctuation(":")
        return cls(value, parser.parse_type(), at)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A place in the arena, `at` a byte offset once it is known: `%t = kernel.alloc at 4096 : memref<8xf32>`."""

    name = "kernel.alloc"
    at = opt_prop_def(IntegerAttr.constr(i64))
    result = result_def(MemRefType)
    irdl_options = (ParsePropInAttrDict(),)

    def __init__(self, result_type: Attribute, at: int | None = None):
        super().__init__(
            result_types=[result_type],
            properties={"at": None if at is None else IntegerAttr(at, i64)},
        )

    @property
    def offset(self) -> int | None:
        return None if self.at is None else self.at.value.data

    def print(self, printer: Printer) -> None:
        if self.at is not None:
            printer.print_string(f" at {self.at.value.data}")
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "AllocOp":
        at = parser.parse_integer() if parser.parse_optional_keyword("at") else None
        parser.parse_punctuation(":")
        return cls(parser.parse_type(), at)


@irdl_op_definition
class CallOp(IRDLOperation):
    """Run a kernel on buffers, inside loops `at` what their counters are.

    One that is called `once` runs when the model is loaded, before all others.

    ```mlir
    kernel.call @relu(%x, %y) : memref<8xf32>, memref<8xf32>
    kernel.call @step(%x, %y) at %t : memref<100x8xf32>, memref<8xf32>
    ```
    """

    name = "kernel.call"
    once = opt_prop_def(UnitAttr)
    callee = prop_def(FlatSymbolRefAttr)
    buffers = var_operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = "(`once` $once^)? $callee `(` $buffers `)` (`at` $counters^)? attr-dict (`:` type($buffers)^)?"

    def __init__(
        self,
        callee: str,
        buffers: Sequence[SSAValue],
        counters: Sequence[SSAValue] = (),
        *,
        once: UnitAttr | None = None,
    ):
        properties = {"callee": SymbolRefAttr(callee), "once": once}
        super().__init__(operands=[buffers, counters], properties=properties)
