"""The text of loops: what they carry from step to step, each value inside beside the one outside."""

from collections.abc import Sequence

from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser
from xdsl.printer import Printer


def spell(types: Sequence[Attribute]) -> str:
    return ", ".join(map(str, types)) or "nothing"


def print_steps(printer: Printer, counter: SSAValue, steps: int) -> None:
    """` (%t = 9)`"""
    printer.print_string(" (")
    printer.print_ssa_value(counter)
    printer.print_string(f" = {steps})")


def parse_steps(parser: Parser, type: Attribute) -> tuple[Parser.Argument, int]:
    """What counts the steps, and how many there are."""
    with parser.in_parens():
        counter = parser.parse_argument(expect_type=False).resolve(type)
        parser.parse_punctuation("=")
        return counter, parser.parse_integer()


def print_pairs(printer: Printer, keyword: str, inside: Sequence[SSAValue], outside: Sequence[SSAValue]) -> None:
    """` carried (%h = %zero : tensor<8xf32>)`; nothing where there are no values."""
    if not outside:
        return
    printer.print_string(f" {keyword} (")
    printer.print_list(list(zip(inside, outside, strict=True)), lambda pair: print_pair(printer, *pair))
    printer.print_string(")")


def print_pair(printer: Printer, argument: SSAValue, value: SSAValue) -> None:
    printer.print_ssa_value(argument)
    printer.print_string(" = ")
    printer.print_ssa_value(value)
    printer.print_string(" : ")
    printer.print_attribute(value.type)


def parse_pairs(parser: Parser, keyword: str) -> list[tuple[Parser.Argument, SSAValue]]:
    """What `print_pairs` prints: the argument of the body, and the value that it stands for."""
    if not parser.parse_optional_keyword(keyword):
        return []
    return parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: parse_pair(parser))


def parse_pair(parser: Parser) -> tuple[Parser.Argument, SSAValue]:
    argument = parser.parse_argument(expect_type=False)
    parser.parse_punctuation("=")
    value = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    type = parser.parse_type()
    return argument.resolve(type), parser.resolve_operand(value, type)


def print_stacked(printer: Printer, stacked: Sequence[SSAValue]) -> None:
    """` stacked tensor<100x8xf32>`; nothing where there are none."""
    if stacked:
        printer.print_string(" stacked ")
        printer.print_list([s.type for s in stacked], printer.print_attribute)


def parse_stacked(parser: Parser) -> list[Attribute]:
    if not parser.parse_optional_keyword("stacked"):
        return []
    return parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
