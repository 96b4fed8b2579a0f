"""Pieces of concrete syntax that operations and attributes of the `kernel` dialect share."""

from collections.abc import Sequence

from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, IndexType, IntAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind, AffineConstantExpr, AffineDimExpr, AffineExpr
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer

from webdnn.dialects.kernel.affine import from_affine, ints
from webdnn.support.index import Index

INDEX = IndexType()

SPELLING = {
    AffineBinaryOpKind.Add: "+",
    AffineBinaryOpKind.Mul: "*",
    AffineBinaryOpKind.FloorDiv: "floordiv",
    AffineBinaryOpKind.CeilDiv: "ceildiv",
    AffineBinaryOpKind.Mod: "mod",
}


def spell_ints(values: ArrayAttr[IntAttr]) -> str:
    """`[6, 8]`"""
    return "[" + ", ".join(str(v.data) for v in values) + "]"


def parse_ints(parser: AttrParser) -> ArrayAttr[IntAttr]:
    return ints(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


def print_axes(printer: Printer, axes: Sequence[SSAValue], sizes: ArrayAttr[IntAttr]) -> None:
    """`(%y = 28, %x = 28)`"""
    with printer.in_parens():
        for i, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
            printer.print_string(", " if i else "")
            printer.print_ssa_value(axis)
            printer.print_string(f" = {size.data}")


def parse_axes(parser: Parser) -> tuple[list[Parser.Argument], list[int]]:
    def axis() -> tuple[Parser.Argument, int]:
        argument = parser.parse_argument(expect_type=False).resolve(INDEX)
        parser.parse_punctuation("=")
        return argument, parser.parse_integer()

    pairs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, axis)
    return [a for a, _ in pairs], [size for _, size in pairs]


def print_optional(printer: Printer, keyword: str, attribute: Attribute | None) -> None:
    if attribute is not None:
        printer.print_string(f" {keyword} ")
        printer.print_attribute(attribute)


def print_indices(printer: Printer, map: AffineMapAttr, operands: Sequence[SSAValue]) -> None:
    """`[%y * 2 + %ky + -1, %x]`"""
    with printer.in_square_brackets():
        printer.print_list(map.data.results, lambda expr: print_expr(printer, expr, operands, False))


def print_expr(printer: Printer, expr: AffineExpr, operands: Sequence[SSAValue], nested: bool) -> None:
    match expr:
        case AffineDimExpr():
            printer.print_ssa_value(operands[expr.position])
        case AffineConstantExpr():
            printer.print_string(str(expr.value))
        case AffineBinaryOpExpr():
            tight = nested and expr.kind is AffineBinaryOpKind.Add
            printer.print_string("(" if tight else "")
            inner = expr.kind is not AffineBinaryOpKind.Add
            print_expr(printer, expr.lhs, operands, inner)
            printer.print_string(f" {SPELLING[expr.kind]} ")
            print_expr(printer, expr.rhs, operands, inner)
            printer.print_string(")" if tight else "")
        case _:
            raise ValueError(f"{expr} is no expression over dimensions")


def parse_indices(parser: Parser) -> list[Index]:
    map, operands = parser.parse_affine_map_of_ssa_ids()
    return [from_affine(e, operands, map.num_dims) for e in map.results]


def parse_type_after_colon(parser: Parser) -> Attribute:
    parser.parse_punctuation(":")
    return parser.parse_type()
