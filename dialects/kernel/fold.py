"""Steps inside a body that hand several scalars on to one another: `kernel.fold`."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntAttr, f32, f64
from xdsl.ir import Block, Region, SSAValue
from xdsl.irdl import irdl_op_definition, prop_def, region_def, traits_def, var_operand_def, var_result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.structure import YieldOp
from webdnn.dialects.kernel.syntax import INDEX
from webdnn.dialects.loop_syntax import parse_pairs, parse_steps, print_pairs, print_steps, spell


@irdl_op_definition
class FoldOp(AxesOp):
    """Floats inside a body that every step of an axis makes of what the step before left, all of them together.

    The body's first argument is the axis, whose steps come in their order; the others are the carried values, which
    begin as the operands. It yields their next values; the results are those after the last step.

    ```mlir
    %top, %sum = kernel.fold (%k = 8) carried (%m = %low : f32, %s = %zero : f32) {
      %x = kernel.read %scores[%i, %k] : tensor<2x8xf32>
      %n = arith.maximumf %m, %x : f32
      …
      kernel.yield %n, %t : f32, f32
    }
    ```
    """

    name = "kernel.fold"
    steps = prop_def(IntAttr)
    inits = var_operand_def()
    body = region_def("single_block")
    res = var_result_def()
    traits = traits_def(RecursiveMemoryEffect())

    def __init__(self, steps: int, inits: Sequence[SSAValue], body: Region):
        super().__init__(
            operands=[inits],
            result_types=[[i.type for i in inits]],
            regions=[body],
            properties={"steps": IntAttr(steps)},
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps.data,)

    @property
    def axes(self) -> Sequence[SSAValue]:
        return self.body.block.args[:1]

    @property
    def carried(self) -> Sequence[SSAValue]:
        """The carried values inside, as the step before left them."""
        return self.body.block.args[1:]

    @property
    def nexts(self) -> Sequence[SSAValue]:
        """What each carried value becomes."""
        end = self.body.block.last_op
        assert isinstance(end, YieldOp)
        return end.values

    @staticmethod
    def block_for(inits: Sequence[SSAValue]) -> Block:
        """An empty body: the axis and the carried values as arguments."""
        return Block(arg_types=[INDEX, *(i.type for i in inits)])

    def print(self, printer: Printer) -> None:
        print_steps(printer, self.axes[0], self.steps.data)
        print_pairs(printer, "carried", self.carried, self.inits)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> "FoldOp":
        axis, steps = parse_steps(parser, INDEX)
        pairs = parse_pairs(parser, "carried")
        body = parser.parse_region([axis, *(argument for argument, _ in pairs)])
        return cls(steps, [init for _, init in pairs], body)

    def verify_(self) -> None:
        if self.steps.data < 1:
            raise VerifyException(f"found {self.steps.data} steps, expected at least 1")
        types = [i.type for i in self.inits]
        if not types or any(t not in (f32, f64) for t in types):
            raise VerifyException(f"carries {spell(types)}, expected floats")
        if list(self.body.block.arg_types) != [INDEX, *types]:
            raise VerifyException(
                f"the body takes {spell(self.body.block.arg_types)}, expected {spell([INDEX, *types])}"
            )
        end = self.body.block.last_op
        if not isinstance(end, YieldOp):
            raise VerifyException("the body of kernel.fold must end in kernel.yield")
        if [v.type for v in end.values] != types:
            raise VerifyException(f"the body yields {spell([v.type for v in end.values])}, expected {spell(types)}")
        if [r.type for r in self.res] != types:
            raise VerifyException(f"found results {spell([r.type for r in self.res])}, expected {spell(types)}")
