"""Operations of the `kernel` dialect that use affine indices: read, write, inside and index."""

from abc import abstractmethod
from collections.abc import Sequence

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    IntAttr,
    MemRefType,
    TensorType,
    i1,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import compute_type, element_of, is_memref, is_tensor, is_vector
from webdnn.dialects.kernel.affine import from_affine, ints, range_of, to_affine
from webdnn.dialects.kernel.syntax import (
    INDEX,
    parse_indices,
    parse_ints,
    parse_type_after_colon,
    print_indices,
    spell_ints,
)
from webdnn.support.index import Index, stays_inside

Buffer = TensorType[Attribute] | MemRefType[Attribute]


def buffer_type(value: SSAValue | Attribute) -> Buffer:
    """The tensor or memref type of what is read or written."""
    type = value.type if isinstance(value, SSAValue) else value
    if is_tensor(type) or is_memref(type):
        return type
    raise VerifyException(f"{type} is neither a tensor nor a memref")


def scalar_type(value: SSAValue | Attribute) -> Attribute:
    """What reading one element of a tensor or memref gives."""
    return compute_type(buffer_type(value).element_type)


class AccessOp(IRDLOperation):
    """An operation with affine indices over axes, loop counters and any other `index` value."""

    @property
    @abstractmethod
    def index_map(self) -> AffineMapAttr: ...

    @property
    @abstractmethod
    def index_operands(self) -> Sequence[SSAValue]: ...

    @property
    def exprs(self) -> list[Index]:
        """The indices in normal form, over SSA values. Decoding costs: keep the result in hot code."""
        operands = list(self.index_operands)
        return [from_affine(e, operands, self.index_map.data.num_dims) for e in self.index_map.data.results]

    def check_map(self, rank: int) -> None:
        map = self.index_map.data
        if len(self.index_operands) != map.num_dims + map.num_symbols:
            raise VerifyException(f"the map takes {map.num_dims} indices, found {len(self.index_operands)}")
        if len(map.results) != rank:
            raise VerifyException(f"found {len(map.results)} indices, expected {rank}")


@irdl_op_definition
class ReadOp(AccessOp):
    """An element in its compute type, or several neighbours along the last axis as a vector.

    `outside` is the value where an index leaves the shape; without it the indices must be provably inside.

    ```mlir
    %v = kernel.read %A[%y + -1, %x] outside %zero : tensor<4x4xf32>
    %w = kernel.read %a[%i * 4] : memref<64xf32>, vector<4xf32>
    ```
    """

    name = "kernel.read"
    source = operand_def()
    indices = var_operand_def(INDEX)
    outside = opt_operand_def()
    map = prop_def(AffineMapAttr)
    result = result_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        source: SSAValue,
        exprs: Sequence[Index],
        outside: SSAValue | None = None,
        result_type: Attribute | None = None,
    ):
        map, operands = to_affine(exprs)
        super().__init__(
            operands=[source, operands, outside],
            result_types=[result_type or scalar_type(source)],
            properties={"map": map},
        )

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.source)
        print_indices(printer, self.map, self.indices)
        if self.outside:
            printer.print_string(" outside ")
            printer.print_ssa_value(self.outside)
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)
        if is_vector(self.result.type):
            printer.print_string(", ")
            printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "ReadOp":
        source = parser.parse_unresolved_operand()
        exprs = parse_indices(parser)
        outside = parser.parse_unresolved_operand() if parser.parse_optional_keyword("outside") else None
        type = parse_type_after_colon(parser)
        result = parser.parse_type() if parser.parse_optional_punctuation(",") else None
        value = parser.resolve_operand(outside, scalar_type(type)) if outside else None
        return cls(parser.resolve_operand(source, type), exprs, value, result)

    def verify_(self) -> None:
        shape = buffer_type(self.source).get_shape()
        self.check_map(len(shape))
        scalar = scalar_type(self.source)
        found = element_of(self.result.type)
        if found != scalar:
            raise VerifyException(f"reading {self.source.type} gives {scalar}, found {found}")
        if self.outside and self.outside.type != scalar:
            raise VerifyException(f"the value outside has type {self.outside.type}, expected {scalar}")
        if is_tensor(self.source.type) and not self.outside and not stays_inside(self.exprs, shape, range_of):
            raise VerifyException(f"the indices may leave the shape {list(shape)}, expected a value `outside`")


@irdl_op_definition
class WriteOp(AccessOp):
    """Store an element, or neighbours along the last axis.

    ```mlir
    kernel.write %v, %C[%m, %n] : memref<4x4xf32>
    kernel.write %w, %c[%i * 4] : memref<64xf32>, vector<4xf32>
    ```
    """

    name = "kernel.write"
    value = operand_def()
    target = operand_def()
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)

    def __init__(self, value: SSAValue, target: SSAValue, exprs: Sequence[Index]):
        map, operands = to_affine(exprs)
        super().__init__(operands=[value, target, operands], properties={"map": map})

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(", ")
        printer.print_ssa_value(self.target)
        print_indices(printer, self.map, self.indices)
        printer.print_string(" : ")
        printer.print_attribute(self.target.type)
        if is_vector(self.value.type):
            printer.print_string(", ")
            printer.print_attribute(self.value.type)

    @classmethod
    def parse(cls, parser: Parser) -> "WriteOp":
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        target = parser.parse_unresolved_operand()
        exprs = parse_indices(parser)
        type = parse_type_after_colon(parser)
        stored = parser.parse_type() if parser.parse_optional_punctuation(",") else scalar_type(type)
        return cls(parser.resolve_operand(value, stored), parser.resolve_operand(target, type), exprs)

    def verify_(self) -> None:
        if not is_memref(self.target.type):
            raise VerifyException(f"writes go to memrefs, found {self.target.type}")
        self.check_map(len(buffer_type(self.target).get_shape()))
        found = element_of(self.value.type)
        if found != scalar_type(self.target):
            raise VerifyException(f"writing {self.target.type} takes {scalar_type(self.target)}, found {found}")


@irdl_op_definition
class InsideOp(AccessOp):
    """Does every index lie in its extent? `%p = kernel.inside [%y + -1, %x] of [4, 4]`"""

    name = "kernel.inside"
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)
    extents = prop_def(ArrayAttr[IntAttr])
    result = result_def(i1)
    traits = traits_def(Pure())

    def __init__(self, exprs: Sequence[Index], extents: Sequence[int]):
        map, operands = to_affine(exprs)
        super().__init__(operands=[operands], result_types=[i1], properties={"map": map, "extents": ints(extents)})

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_indices(printer, self.map, self.indices)
        printer.print_string(f" of {spell_ints(self.extents)}")

    @classmethod
    def parse(cls, parser: Parser) -> "InsideOp":
        exprs = parse_indices(parser)
        parser.parse_keyword("of")
        return cls(exprs, [e.data for e in parse_ints(parser)])

    def verify_(self) -> None:
        self.check_map(len(self.extents))


@irdl_op_definition
class IndexOp(AccessOp):
    """An affine expression of axes as a value: `%i = kernel.index [%y * 2 + 1]`."""

    name = "kernel.index"
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)
    result = result_def(INDEX)
    traits = traits_def(Pure())

    def __init__(self, expr: Index):
        map, operands = to_affine([expr])
        super().__init__(operands=[operands], result_types=[INDEX], properties={"map": map})

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_indices(printer, self.map, self.indices)

    @classmethod
    def parse(cls, parser: Parser) -> "IndexOp":
        (expr,) = parse_indices(parser)
        return cls(expr)

    def verify_(self) -> None:
        self.check_map(1)
