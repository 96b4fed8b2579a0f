"""Operations of the `kernel` dialect that compute with affine indices: inside, index and table."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    IntAttr,
    i1,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import is_dense
from webdnn.dialects.kernel.access import AccessOp
from webdnn.dialects.kernel.affine import BoundOp, CountedOp, ints, range_of
from webdnn.dialects.kernel.syntax import (
    INDEX,
    parse_indices,
    parse_ints,
    print_indices,
    spell_ints,
)
from webdnn.support.index import Index, Range, stays_inside


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
        self.build_access([], exprs, types=[i1], properties={"extents": ints(extents)})

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
class IndexOp(AccessOp, CountedOp, BoundOp):
    """An affine expression of axes and counters as a value: `%i = kernel.index [%y * 2 + 1]`.

    `%t = kernel.index [%n] of 100` says that it lies in 0 … 99 where the expression alone does not tell.
    """

    name = "kernel.index"
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)
    count = opt_prop_def(IntAttr)
    result = result_def(INDEX)
    traits = traits_def(Pure())

    def __init__(self, expr: Index, count: int | None = None):
        self.build_access([], [expr], types=[INDEX], properties={} if count is None else {"count": IntAttr(count)})

    @property
    def index_count(self) -> int | None:
        return None if self.count is None else self.count.data

    @property
    def index_range(self) -> Range | None:
        return self.exprs[0].bounds(range_of)

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_indices(printer, self.map, self.indices)
        if self.count is not None:
            printer.print_string(f" of {self.count.data}")

    @classmethod
    def parse(cls, parser: Parser) -> "IndexOp":
        (expr,) = parse_indices(parser)
        return cls(expr, parser.parse_integer() if parser.parse_optional_keyword("of") else None)

    def verify_(self) -> None:
        self.check_map(1)


@irdl_op_definition
class TableOp(AccessOp):
    """An element of a small table of coefficients, which are part of the algorithm rather than of the model.

    A product with it inside a sum is left out where the coefficient is 0, and is the other factor where it is 1.
    Where the indices are known once the body is unrolled, the element is a constant.

    ```mlir
    %c = kernel.table dense<[[1.0, 0.0], [1.0, -1.0]]> : tensor<2x2xf32> [%i mod 2, %k]
    ```
    """

    name = "kernel.table"
    values = prop_def(DenseIntOrFPElementsAttr)
    indices = var_operand_def(INDEX)
    map = prop_def(AffineMapAttr)
    result = result_def()
    traits = traits_def(Pure())

    def __init__(self, values: DenseIntOrFPElementsAttr, exprs: Sequence[Index]):
        self.build_access([], exprs, types=[values.get_element_type()], properties={"values": values})

    @property
    def index_map(self) -> AffineMapAttr:
        return self.map

    @property
    def index_operands(self) -> Sequence[SSAValue]:
        return self.indices

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents of the table."""
        return self.values.get_shape()

    @property
    def elements(self) -> Sequence[float]:
        """The table, row-major."""
        return [float(v) for v in self.values.get_values() if not isinstance(v, tuple)]

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.values)
        printer.print_string(" ")
        print_indices(printer, self.map, self.indices)

    @classmethod
    def parse(cls, parser: Parser) -> "TableOp":
        values = parser.parse_attribute()
        if not is_dense(values):
            parser.raise_error(f"found {values}, expected dense<…> : tensor<…>")
        return cls(values, parse_indices(parser))

    def verify_(self) -> None:
        self.check_map(len(self.shape))
        if not stays_inside(self.exprs, self.shape, range_of):
            raise VerifyException(f"the indices may leave the table of shape {list(self.shape)}")
