"""Operations of the `kernel` dialect that hold bodies: compute, reduce, yield, id and func."""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from xdsl.dialects.builtin import (
    ArrayAttr,
    IntAttr,
    MemRefType,
    StringAttr,
    SymbolNameConstraint,
    TensorType,
    UnitAttr,
)
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, Pure, RecursiveMemoryEffect, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.kernel.access import scalar_type
from webdnn.dialects.kernel.affine import AxesOp, CountedOp, ints
from webdnn.dialects.kernel.attributes import ReduceKind, ReduceKindAttr, ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.syntax import INDEX, parse_axes, parse_ints, print_axes, print_optional, spell_ints

AttributeT = TypeVar("AttributeT", bound=Attribute)


@irdl_op_definition
class YieldOp(IRDLOperation):
    """What a body gives."""

    name = "kernel.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), Pure())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


def check_body(op: IRDLOperation, body: Block, sizes: Sequence[int]) -> YieldOp:
    """One `index` argument for each size, and a `kernel.yield` at the end."""
    if len(body.args) != len(sizes) or any(a.type != INDEX for a in body.args):
        raise VerifyException(f"found {len(body.args)} axes for {len(sizes)} sizes, expected as many, of type index")
    if any(size < 1 for size in sizes):
        raise VerifyException(f"axes have sizes {list(sizes)}, expected at least 1 each")
    if not isinstance(body.last_op, YieldOp):
        raise VerifyException(f"the body of {op.name} must end in kernel.yield")
    return body.last_op


@irdl_op_definition
class ComputeOp(AxesOp):
    """Every point of a parallel space, independently of the others.

    On tensors the body yields one scalar for each result, and the results have the shape of the axes; on memrefs it
    ends in writes. With `inset` the points lie at that offset inside larger results, which are zero elsewhere. What
    is computed `once` depends on constants alone: it runs when the model is loaded, and what runs use of it is kept.

    ```mlir
    %r = kernel.compute (%m = 2, %n = 4) -> tensor<2x4xf32> {
      %v = kernel.read %x[%m, %n] : tensor<2x4xf32>
      kernel.yield %v : f32
    }
    ```
    """

    name = "kernel.compute"
    sizes = prop_def(ArrayAttr[IntAttr])
    inset = opt_prop_def(ArrayAttr[IntAttr])
    once = opt_prop_def(UnitAttr)
    schedule = opt_prop_def(ScheduleAttr)
    body = region_def("single_block")
    res = var_result_def(TensorType)

    def __init__(
        self,
        sizes: Sequence[int],
        body: Region,
        types: Sequence[Attribute] = (),
        *,
        schedule: ScheduleAttr | None = None,
        inset: Sequence[int] | None = None,
        once: UnitAttr | None = None,
    ):
        super().__init__(
            result_types=[types],
            regions=[body],
            properties={
                "sizes": ints(sizes),
                "schedule": schedule,
                "inset": None if inset is None else ints(inset),
                "once": once,
            },
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(s.data for s in self.sizes)

    @property
    def axes(self) -> Sequence[SSAValue]:
        return self.body.block.args

    @property
    def yielded(self) -> Sequence[SSAValue]:
        end = self.body.block.last_op
        assert isinstance(end, YieldOp)
        return end.values

    def print(self, printer: Printer) -> None:
        printer.print_string(" once " if self.once else " ")
        print_axes(printer, self.body.block.args, self.sizes)
        if self.res:
            printer.print_string(" -> ")
            printer.print_list(self.res.types, printer.print_attribute)
        if self.inset:
            printer.print_string(f" inset {spell_ints(self.inset)}")
        print_optional(printer, "schedule", self.schedule)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_block_terminators=bool(self.res))

    @classmethod
    def parse(cls, parser: Parser) -> "ComputeOp":
        once = UnitAttr() if parser.parse_optional_keyword("once") else None
        axes, sizes = parse_axes(parser)
        types = [parser.parse_type()] if parser.parse_optional_punctuation("->") else []
        while types and parser.parse_optional_punctuation(","):
            types.append(parser.parse_type())
        inset = [i.data for i in parse_ints(parser)] if parser.parse_optional_keyword("inset") else None
        schedule = parse_optional(parser, "schedule", ScheduleAttr)
        body = parser.parse_region(axes)
        if not types:
            body.block.add_op(YieldOp([]))
        return cls(sizes, body, types, schedule=schedule, inset=inset, once=once)

    def verify_(self) -> None:
        end = check_body(self, self.body.block, self.shape)
        if len(end.values) != len(self.res):
            raise VerifyException(f"the body yields {len(end.values)} values, expected {len(self.res)}")
        for value, result in zip(end.values, self.res, strict=True):
            assert isinstance(result.type, TensorType)
            if value.type != scalar_type(result):
                raise VerifyException(f"the body yields {value.type}, expected {scalar_type(result)}")
            if self.inset is None and result.type.get_shape() != self.shape:
                raise VerifyException(
                    f"the result has shape {list(result.type.get_shape())}, expected that of the axes, "
                    f"{list(self.shape)}"
                )
        if self.schedule and len(self.schedule.tile) != len(self.shape):
            raise VerifyException(f"the schedule has {len(self.schedule.tile)} axes, expected {len(self.shape)}")


def parse_optional(parser: Parser, keyword: str, kind: type[AttributeT]) -> AttributeT | None:
    if not parser.parse_optional_keyword(keyword):
        return None
    attribute = parser.parse_attribute()
    if not isinstance(attribute, kind):
        parser.raise_error(f"found {attribute}, expected #{kind.name}<…>")
    return attribute


@irdl_op_definition
class ReduceOp(AxesOp):
    """A value inside a body: `init` combined with the yielded value at every point of a reduction space.

    ```mlir
    %s = kernel.reduce add (%k = 4) from %zero : f32 {
      %v = kernel.read %x[%m, %k] : tensor<2x4xf32>
      kernel.yield %v : f32
    }
    ```
    """

    name = "kernel.reduce"
    kind = prop_def(ReduceKindAttr)
    sizes = prop_def(ArrayAttr[IntAttr])
    unroll = opt_prop_def(UnrollAttr)
    init = operand_def()
    body = region_def("single_block")
    result = result_def()

    traits = traits_def(RecursiveMemoryEffect())

    def __init__(
        self,
        kind: ReduceKind,
        sizes: Sequence[int],
        init: SSAValue,
        body: Region,
        unroll: UnrollAttr | None = None,
    ):
        super().__init__(
            operands=[init],
            result_types=[init.type],
            regions=[body],
            properties={"kind": ReduceKindAttr(kind), "sizes": ints(sizes), "unroll": unroll},
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(s.data for s in self.sizes)

    @property
    def axes(self) -> Sequence[SSAValue]:
        return self.body.block.args

    @property
    def yielded(self) -> SSAValue:
        end = self.body.block.last_op
        assert isinstance(end, YieldOp)
        return end.values[0]

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data.value} ")
        print_axes(printer, self.body.block.args, self.sizes)
        printer.print_string(" from ")
        printer.print_operand(self.init)
        printer.print_string(" : ")
        printer.print_attribute(self.init.type)
        print_optional(printer, "unroll", self.unroll)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> "ReduceOp":
        kind = parser.parse_str_enum(ReduceKind)
        axes, sizes = parse_axes(parser)
        parser.parse_keyword("from")
        unresolved = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        init = parser.resolve_operand(unresolved, parser.parse_type())
        unroll = parse_optional(parser, "unroll", UnrollAttr)
        return cls(kind, sizes, init, parser.parse_region(axes), unroll)

    def verify_(self) -> None:
        end = check_body(self, self.body.block, self.shape)
        if [v.type for v in end.values] != [self.init.type]:
            raise VerifyException(f"the body yields {[str(v.type) for v in end.values]}, expected {self.init.type}")
        if self.unroll and len(self.unroll.factors) != len(self.shape):
            raise VerifyException(f"found {len(self.unroll.factors)} unroll factors, expected {len(self.shape)}")


@irdl_op_definition
class IdOp(CountedOp):
    """Which invocation this is, and of how many: `%t = kernel.id "global" of 1024`. It stays where nothing uses it.

    Levels: `global`; `group.x`, `group.y`, `local.x`, `local.y`; `local`; `subgroup`, its number there; on CPUs
    `chunk`, a part of a kernel's loops.
    """

    name = "kernel.id"
    level = prop_def(StringAttr)
    count = prop_def(IntAttr)
    result = result_def(INDEX)

    LEVELS: ClassVar = ("global", "group.x", "group.y", "local.x", "local.y", "local", "subgroup", "chunk")

    @property
    def index_count(self) -> int:
        return self.count.data

    def __init__(self, count: int, level: str = "global"):
        super().__init__(result_types=[INDEX], properties={"count": IntAttr(count), "level": StringAttr(level)})
        self.result.name_hint = level.replace(".", "_")

    def print(self, printer: Printer) -> None:
        printer.print_string(f' "{self.level.data}" of {self.count.data}')

    @classmethod
    def parse(cls, parser: Parser) -> "IdOp":
        level = parser.parse_str_literal()
        parser.parse_keyword("of")
        return cls(parser.parse_integer(), level)

    def verify_(self) -> None:
        if self.level.data not in self.LEVELS:
            raise VerifyException(f"found level '{self.level.data}', expected one of {', '.join(self.LEVELS)}")


@irdl_op_definition
class FuncOp(IRDLOperation):
    """A kernel: buffers it reads and writes as arguments, then counters of loops around its calls.

    Equal kernels are one function. What can be computed in several ways is a function for each, of which one names the
    `others`: they take the same arguments and do the same, and a device may launch whichever is fastest there.

    ```mlir
    kernel.func @relu(%x: memref<8xf32>, %y: memref<8xf32>) { … }
    kernel.func @sum(%x: memref<8192xf32>, %y: memref<1xf32>) variant "groups" others @sum_alone { … }
    kernel.func @sum_alone(%x: memref<8192xf32>, %y: memref<1xf32>) variant "alone" { … }
    kernel.func @step(%x: memref<100x8xf32>, %y: memref<8xf32>, %n: index) { %t = kernel.index [%n] of 100 … }
    ```
    """

    name = "kernel.func"
    sym_name = prop_def(SymbolNameConstraint())
    variant = opt_prop_def(StringAttr)
    others = prop_def(ArrayAttr[StringAttr])
    body = region_def("single_block")
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, body: Region):
        super().__init__(properties={"sym_name": StringAttr(name), "others": ArrayAttr[StringAttr]([])}, regions=[body])

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        with printer.in_parens():
            printer.print_list(self.body.block.args, printer.print_block_argument)
        if self.variant:
            printer.print_string(" variant ")
            printer.print_string_literal(self.variant.data)
        if self.others:
            printer.print_string(" others ")
            printer.print_list(self.others, lambda other: printer.print_symbol_name(other.data))
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_block_terminators=False)

    @classmethod
    def parse(cls, parser: Parser) -> "FuncOp":
        name = parser.parse_symbol_name()
        args = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: parser.parse_argument())
        variant = parser.parse_str_literal() if parser.parse_optional_keyword("variant") else None
        others = list[StringAttr]()
        if parser.parse_optional_keyword("others"):
            others = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_symbol_name)
        body = parser.parse_region(args)
        body.block.add_op(YieldOp([]))
        made = cls(name.data, body)
        made.variant = StringAttr(variant) if variant else None
        made.others = ArrayAttr(others)
        return made

    @property
    def buffers(self) -> Sequence[SSAValue]:
        return [a for a in self.body.block.args if a.type != INDEX]

    @property
    def counters(self) -> Sequence[SSAValue]:
        return [a for a in self.body.block.args if a.type == INDEX]

    def verify_(self) -> None:
        for argument in self.body.block.args:
            if not isinstance(argument.type, MemRefType) and argument.type != INDEX:
                raise VerifyException(f"an argument has type {argument.type}, expected a memref or an index")
        if [*self.buffers, *self.counters] != list(self.body.block.args):
            raise VerifyException("found a buffer after a counter, expected all buffers first")
        if self.others and not self.variant:
            raise VerifyException("names others but no variant that it is itself, expected both or neither")
