"""The operation that makes a vector of scalars."""

from collections.abc import Sequence

from xdsl.dialects.builtin import VectorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, result_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import is_vector


@irdl_op_definition
class LanesOp(IRDLOperation):
    """A vector whose lanes were made one by one: `%v = kernel.lanes %a, %b, %c, %d : vector<4xf32>`."""

    name = "kernel.lanes"
    scalars = var_operand_def()
    result = result_def(VectorType)
    traits = traits_def(Pure())

    def __init__(self, scalars: Sequence[SSAValue]):
        super().__init__(operands=[scalars], result_types=[VectorType(scalars[0].type, [len(scalars)])])

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.scalars, printer.print_operand)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "LanesOp":
        scalars = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_unresolved_operand)
        parser.parse_punctuation(":")
        type = parser.parse_type()
        if not is_vector(type):
            parser.raise_error(f"found {type}, expected a vector")
        return cls([parser.resolve_operand(s, type.element_type) for s in scalars])

    def verify_(self) -> None:
        expected: list[Attribute] = [s.type for s in self.scalars]
        if not is_vector(self.result.type) or any(t != self.result.type.element_type for t in expected):
            raise VerifyException(f"{', '.join(map(str, expected))} do not make {self.result.type}")
