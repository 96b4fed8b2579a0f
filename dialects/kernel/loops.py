"""Loops of the `kernel` dialect on tensors: steps that hand values on to one another."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntAttr, TensorType, UnitAttr
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import is_tensor, tensor_type
from webdnn.dialects.kernel.affine import LoopOp
from webdnn.dialects.kernel.structure import YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.loop_syntax import (
    parse_pairs,
    parse_stacked,
    parse_steps,
    print_pairs,
    print_stacked,
    print_steps,
    spell,
)


@irdl_op_definition
class ScanOp(LoopOp):
    """Steps one after another: computes that read what the step before made, and what lies outside.

    The body's first argument counts the steps, with `reverse` from the last to 0; the others are the carried values,
    which begin as the operands. It yields their next values, then a row for each stacked result. The results are the
    carried values after the last step, then the stacked rows: that of step t lies at t.

    ```mlir
    %last, %y = kernel.scan (%t = 100) carried (%h = %zero : tensor<8xf32>) stacked tensor<100x8xf32> {
      %next = kernel.compute (%i = 8) -> tensor<8xf32> {
        %a = kernel.read %x[%t, %i] : tensor<100x8xf32>
        %b = kernel.read %h[%i] : tensor<8xf32>
        %c = arith.addf %a, %b : f32
        kernel.yield %c : f32
      }
      kernel.yield %next, %next : tensor<8xf32>, tensor<8xf32>
    }
    ```
    """

    name = "kernel.scan"
    trips = prop_def(IntAttr)
    reverse = opt_prop_def(UnitAttr)
    inits = var_operand_def(TensorType)
    body = region_def("single_block")
    res = var_result_def(TensorType)

    def __init__(
        self,
        trips: int,
        inits: Sequence[SSAValue],
        body: Region,
        stacked: Sequence[Attribute] = (),
        *,
        reverse: bool = False,
    ):
        super().__init__(
            operands=[inits],
            result_types=[[*(i.type for i in inits), *stacked]],
            regions=[body],
            properties={"trips": IntAttr(trips), "reverse": UnitAttr() if reverse else None},
        )

    @property
    def trip_count(self) -> int:
        return self.trips.data

    @property
    def counter(self) -> SSAValue:
        return self.body.block.args[0]

    @property
    def carried(self) -> Sequence[SSAValue]:
        """The carried values inside, as the step before left them."""
        return self.body.block.args[1:]

    @property
    def end(self) -> YieldOp:
        op = self.body.block.last_op
        assert isinstance(op, YieldOp)
        return op

    @property
    def nexts(self) -> Sequence[SSAValue]:
        """What each carried value becomes."""
        return self.end.values[: len(self.inits)]

    @property
    def rows(self) -> Sequence[SSAValue]:
        """What the step gives of each stacked result."""
        return self.end.values[len(self.inits) :]

    @property
    def last(self) -> Sequence[SSAValue]:
        """The carried values after the last step."""
        return self.res[: len(self.inits)]

    @property
    def stacked(self) -> Sequence[SSAValue]:
        """The rows of all steps."""
        return self.res[len(self.inits) :]

    @staticmethod
    def block_for(inits: Sequence[SSAValue]) -> Block:
        """An empty body: a counter and the carried values as arguments."""
        return Block(arg_types=[INDEX, *(i.type for i in inits)])

    def print(self, printer: Printer) -> None:
        print_steps(printer, self.counter, self.trips.data)
        if self.reverse is not None:
            printer.print_string(" reverse")
        print_pairs(printer, "carried", self.carried, self.inits)
        print_stacked(printer, self.stacked)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> "ScanOp":
        counter, trips = parse_steps(parser, INDEX)
        reverse = bool(parser.parse_optional_keyword("reverse"))
        pairs = parse_pairs(parser, "carried")
        stacked = parse_stacked(parser)
        body = parser.parse_region([counter, *(argument for argument, _ in pairs)])
        return cls(trips, [init for _, init in pairs], body, stacked, reverse=reverse)

    def verify_(self) -> None:
        if self.trips.data < 1:
            raise VerifyException(f"found {self.trips.data} steps, expected at least 1")
        end = self.body.block.last_op
        if not isinstance(end, YieldOp):
            raise VerifyException("the body of kernel.scan must end in kernel.yield")
        inside = [INDEX, *(i.type for i in self.inits)]
        if list(self.body.block.arg_types) != inside:
            raise VerifyException(f"the body takes {spell(self.body.block.arg_types)}, expected {spell(inside)}")
        if len(self.res) < len(self.inits) or len(end.values) != len(self.res):
            raise VerifyException(
                f"the body yields {len(end.values)} values, expected the {len(self.inits)} carried ones and a row for "
                f"each of {len(self.res) - len(self.inits)} stacked results"
            )
        wanted = [*(i.type for i in self.inits), *(row_type(s.type) for s in self.stacked)]
        found = [v.type for v in end.values]
        if found != wanted:
            raise VerifyException(f"the body yields {spell(found)}, expected {spell(wanted)}")
        if [r.type for r in self.last] != inside[1:]:
            raise VerifyException(f"found results {spell([r.type for r in self.last])}, expected {spell(inside[1:])}")
        for result in self.stacked:
            if tensor_type(result).get_shape()[:1] != (self.trips.data,):
                raise VerifyException(f"a stack of {self.trips.data} rows cannot be {result.type}")


def row_type(stacked: Attribute) -> TensorType[Attribute]:
    """The type of one row of a stack."""
    assert is_tensor(stacked)
    return TensorType(stacked.element_type, stacked.get_shape()[1:])
