"""Loops: steps that hand values on to one another."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, TensorType, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, integer, plain, typed
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.dialects.loop_syntax import (
    parse_pairs,
    parse_stacked,
    parse_steps,
    print_pairs,
    print_stacked,
    print_steps,
    spell,
)
from webdnn.support.shapes import ShapeError

STEP = TensorType(i64, [])
"""The number of a step"""


@irdl_op_definition
class YieldOp(IRDLOperation):
    """What a step of a loop hands on."""

    name = "dnn.yield"
    values = var_operand_def(TensorType)
    traits = traits_def(IsTerminator(), Pure())
    assembly_format = "($values^ `:` type($values))? attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


@irdl_op_definition
class LoopOp(DnnOp):
    """Steps one after another, each of which gets what the one before gave. ONNX `Loop` and `Scan`.

    The body sees nothing but its arguments: the number of the step, the carried values, which begin as the operands,
    and captured values, which stay. It yields the next carried values, then a row for each stacked result. The results
    are the carried values after the last step, then the stacked rows: that of step t lies at t.

    ```mlir
    %last, %y = dnn.loop (%t = 9) carried (%h = %0 : tensor<f32>) captured (%u = %x : tensor<9xf32>)
                stacked tensor<9xf32> {
      %row = dnn.gather %u, %t {axis = 0 : i64} : (tensor<9xf32>, tensor<i64>) -> tensor<f32>
      %next = dnn.add %h, %row : (tensor<f32>, tensor<f32>) -> tensor<f32>
      dnn.yield %next, %next : tensor<f32>, tensor<f32>
    }
    ```
    """

    name = "dnn.loop"
    trips = prop_def(IntegerAttr.constr(i64))
    inits = var_operand_def(TensorType)
    captured = var_operand_def(TensorType)
    output = var_result_def(TensorType)
    body = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    traits = traits_def(Pure(), IsolatedFromAbove())

    def __init__(self, trips: int, inits: Sequence[SSAValue], captured: Sequence[SSAValue], body: Region):
        end = body.block.last_op
        assert isinstance(end, YieldOp)
        types = result_types(trips, len(inits), end)
        IRDLOperation.__init__(
            self,
            operands=[inits, captured],
            result_types=[types],
            properties={"trips": integer(trips)},
            regions=[body],
        )

    @property
    def steps(self) -> int:
        return self.trips.value.data

    @property
    def end(self) -> YieldOp:
        op = self.body.block.last_op
        assert isinstance(op, YieldOp)
        return op

    @property
    def step_ops(self) -> list[Operation]:
        """The operators of a step, in order."""
        return [op for op in self.body.block.ops if op is not self.end]

    @property
    def stacked(self) -> Sequence[SSAValue]:
        """The rows of all steps."""
        return self.output[len(self.inits) :]

    @staticmethod
    def block_for(carried: Sequence[SSAValue]) -> Block:
        """An empty body that captures nothing: the step and the carried values as arguments."""
        return Block(arg_types=[STEP, *(plain(tensor_type(value)) for value in carried)])

    def infer(self) -> Sequence[Tensor]:
        if self.steps < 1:
            raise ShapeError(f"found {self.steps} steps, expected at least 1")
        if not isinstance(self.body.block.last_op, YieldOp):
            raise ShapeError("the body of dnn.loop must end in dnn.yield")
        inside = [STEP, *(plain(tensor_type(value)) for value in self.operands)]
        if list(self.body.block.arg_types) != inside:
            raise ShapeError(f"the body takes {spell(self.body.block.arg_types)}, expected {spell(inside)}")
        carried, nexts = inside[1 : len(self.inits) + 1], self.end.values.types[: len(self.inits)]
        if list(nexts) != carried:
            raise ShapeError(f"the body hands on {spell(nexts)}, expected {spell(carried)}")
        return result_types(self.steps, len(self.inits), self.end)

    def print(self, printer: Printer) -> None:
        step, *inside = self.body.block.args
        print_steps(printer, step, self.steps)
        print_pairs(printer, "carried", inside[: len(self.inits)], self.inits)
        print_pairs(printer, "captured", inside[len(self.inits) :], self.captured)
        print_stacked(printer, self.stacked)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> "LoopOp":
        step, trips = parse_steps(parser, STEP)
        carried = parse_pairs(parser, "carried")
        captured = parse_pairs(parser, "captured")
        stacked = parse_stacked(parser)
        body = parser.parse_region([step, *(argument for argument, _ in (*carried, *captured))])
        if not isinstance(body.block.last_op, YieldOp):
            parser.raise_error("the body of dnn.loop must end in dnn.yield")
        op = cls(trips, [value for _, value in carried], [value for _, value in captured], body)
        if [plain(tensor_type(s)) for s in op.stacked] != stacked:
            parser.raise_error(f"found stacked {spell(stacked)}, expected {spell([s.type for s in op.stacked])}")
        return op


def result_types(trips: int, carried: int, end: YieldOp) -> list[Tensor]:
    """Those of the carried values, and of a stack of each row."""
    values = end.values
    rows = [typed(row, [trips, *shape_of(row)]) for row in values[carried:]]
    return [*(plain(tensor_type(value)) for value in values[:carried]), *rows]
