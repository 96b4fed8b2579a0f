"""Operations of the `kernel` dialect that access elements at affine indices: read, write and prefetch."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from math import prod

from xdsl.dialects.builtin import (
    AffineMapAttr,
    DenseArrayBase,
    MemRefType,
    TensorType,
    i32,
)
from xdsl.ir import Attribute, Operation, SSAValue
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
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import compute_type, element_of, element_type, is_memref, is_tensor, is_vector
from webdnn.dialects.kernel.affine import from_affine, range_of, to_affine
from webdnn.dialects.kernel.attributes import LayersAttr
from webdnn.dialects.kernel.syntax import (
    INDEX,
    parse_indices,
    parse_type_after_colon,
    print_indices,
)
from webdnn.support.index import Index, stays_inside

Buffer = TensorType[Attribute] | MemRefType[Attribute]


def buffer_type(value: SSAValue | Attribute) -> Buffer:
    """The tensor or memref type of what is read or written."""
    type = value.type if isinstance(value, SSAValue) else value
    if is_tensor(type) or is_memref(type):
        return type
    raise VerifyException(f"{type} is neither a tensor nor a memref")


def layer_elements(value: SSAValue) -> int | None:
    """How many elements each layer of a buffer holds; None where it has no layers."""
    type = buffer_type(value)
    space = type.memory_space if is_memref(type) else None
    return space.elements.data if isinstance(space, LayersAttr) else None


def byte_size(value: SSAValue) -> int:
    """Bytes of a tensor or memref, without padding."""
    type = buffer_type(value)
    return prod(type.get_shape()) * element_type(type).bytes


def scalar_type(value: SSAValue | Attribute) -> Attribute:
    """What reading one element of a tensor or memref gives."""
    return compute_type(buffer_type(value).element_type)


@dataclass(frozen=True)
class Decoded:
    """The indices of an access in normal form, as long as it keeps this map and these operands."""

    map: AffineMapAttr
    operands: tuple[SSAValue, ...]
    exprs: tuple[Index, ...]


class AccessOp(IRDLOperation):
    """An operation with affine indices over axes, loop counters and any other `index` value.

    The map and its operands are what is stored; `exprs` are decoded when they are first asked for.
    """

    @property
    @abstractmethod
    def index_map(self) -> AffineMapAttr: ...

    @property
    @abstractmethod
    def index_operands(self) -> Sequence[SSAValue]: ...

    @property
    def exprs(self) -> list[Index]:
        """The indices in normal form, over SSA values."""
        known: object = vars(self).get("decoded")  # irdl lets an operation's class declare no such field
        operands = tuple(self.operands)
        if not isinstance(known, Decoded) or known.operands != operands or known.map is not self.properties["map"]:
            map, values = self.index_map, self.index_operands
            exprs = tuple(from_affine(e, values, map.data.num_dims) for e in map.data.results)
            known = vars(self)["decoded"] = Decoded(map, operands, exprs)
        return list(known.exprs)

    def build_access(
        self,
        before: Sequence[SSAValue],
        exprs: Sequence[Index],
        after: Sequence[SSAValue] = (),
        *,
        types: Sequence[Attribute] = (),
        properties: Mapping[str, Attribute] | None = None,
    ) -> None:
        """Initialise the operation: its operands are those before, the symbols of the indices, and those after.

        Lowering makes tens of thousands of accesses, so this goes past the builder that sorts arguments by definition.
        """
        map, indices = to_affine(exprs)
        own = {"map": map, **(properties or {})}
        if isinstance(self, ReadOp):
            own["operandSegmentSizes"] = read_segments(len(indices), len(after))
        Operation.__init__(self, operands=[*before, *indices, *after], result_types=types, properties=own)

    def check_map(self, rank: int) -> None:
        map = self.index_map.data
        if len(self.index_operands) != map.num_dims + map.num_symbols:
            raise VerifyException(f"the map takes {map.num_dims} indices, found {len(self.index_operands)}")
        if len(map.results) != rank:
            raise VerifyException(f"found {len(map.results)} indices, expected {rank}")


@cache
def read_segments(indices: int, outside: int) -> Attribute:
    """How many of a read's operands are its source, its indices and its value outside."""
    return DenseArrayBase.from_list(i32, [1, indices, outside])


class SourceReadEffect(MemoryEffect):
    """A read of memory, which a write may change; a tensor stays what it is."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance]:
        assert isinstance(op, ReadOp)
        return {EffectInstance(MemoryEffectKind.READ)} if is_memref(op.source.type) else set()


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
    traits = traits_def(SourceReadEffect())

    def __init__(
        self,
        source: SSAValue,
        exprs: Sequence[Index],
        outside: SSAValue | None = None,
        result_type: Attribute | None = None,
    ):
        after = () if outside is None else (outside,)
        self.build_access([source], exprs, after, types=[result_type or scalar_type(source)])

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
    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, target: SSAValue, exprs: Sequence[Index]):
        self.build_access([value, target], exprs)

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
class PrefetchOp(AccessOp):
    """Say that an element will be read soon, so that it comes closer: `kernel.prefetch %w[%k * 16] : memref<64xf32>`.

    It changes no value, and may be left out. The index must lie inside of the buffer.
    """

    name = "kernel.prefetch"
    source = operand_def()
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)

    def __init__(self, source: SSAValue, exprs: Sequence[Index]):
        self.build_access([source], exprs)

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
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)

    @classmethod
    def parse(cls, parser: Parser) -> "PrefetchOp":
        source = parser.parse_unresolved_operand()
        exprs = parse_indices(parser)
        return cls(parser.resolve_operand(source, parse_type_after_colon(parser)), exprs)

    def verify_(self) -> None:
        if not is_memref(self.source.type):
            raise VerifyException(f"memrefs are prefetched, found {self.source.type}")
        self.check_map(len(buffer_type(self.source).get_shape()))
