"""The `wasm_simd` dialect: what kernels are made of once every operation is one WebAssembly instruction.

Kernels have tens of thousands of these operations, so they are built past the builder that sorts arguments by
definition.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeGuard

from xdsl.dialects.builtin import IntAttr, StringAttr, i32
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

LARGEST_OFFSET = 2**32 - 1
CHUNKS = "wasm_simd.chunks"
"""The attribute of a function whose last parameter is the chunk to compute: how many there are"""


def is_int(attribute: Attribute) -> TypeGuard[IntAttr]:
    return isinstance(attribute, IntAttr)


def chunks_of(function: Operation) -> int:
    """In how many chunks a function is computed: one, unless it says more."""
    count = function.attributes.get(CHUNKS)
    assert count is None or is_int(count)
    return count.data if count else 1


@cache
def instruction_attribute(name: str) -> StringAttr:
    return StringAttr(name)


@cache
def offset_attribute(offset: int) -> IntAttr:
    return IntAttr(offset)


def check_offset(offset: int) -> None:
    if not 0 <= offset <= LARGEST_OFFSET:
        raise VerifyException(f"found offset {offset}, expected an unsigned 32-bit number")


@irdl_op_definition
class LoadOp(IRDLOperation):
    """`%v = wasm_simd.load "v128.load32_splat" %address offset 16 : vector<4xf32>`"""

    name = "wasm_simd.load"
    instruction = prop_def(StringAttr)
    address = operand_def(i32)
    offset = prop_def(IntAttr)
    result = result_def()

    def __init__(self, instruction: str, address: SSAValue, offset: int, type: Attribute):
        properties: dict[str, Attribute] = {
            "instruction": instruction_attribute(instruction),
            "offset": offset_attribute(offset),
        }
        Operation.__init__(self, operands=[address], result_types=[type], properties=properties)

    def print(self, printer: Printer) -> None:
        printer.print_string(f' "{self.instruction.data}" ')
        printer.print_operand(self.address)
        printer.print_string(f" offset {self.offset.data} : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> "LoadOp":
        instruction = parser.parse_str_literal()
        address = parser.parse_unresolved_operand()
        parser.parse_keyword("offset")
        offset = parser.parse_integer()
        parser.parse_punctuation(":")
        return cls(instruction, parser.resolve_operand(address, i32), offset, parser.parse_type())

    def verify_(self) -> None:
        check_offset(self.offset.data)


@irdl_op_definition
class StoreOp(IRDLOperation):
    """`wasm_simd.store "v128.store" %v, %address offset 16 : vector<4xf32>`"""

    name = "wasm_simd.store"
    instruction = prop_def(StringAttr)
    value = operand_def()
    address = operand_def(i32)
    offset = prop_def(IntAttr)

    def __init__(self, instruction: str, value: SSAValue, address: SSAValue, offset: int):
        properties: dict[str, Attribute] = {
            "instruction": instruction_attribute(instruction),
            "offset": offset_attribute(offset),
        }
        Operation.__init__(self, operands=[value, address], properties=properties)

    def print(self, printer: Printer) -> None:
        printer.print_string(f' "{self.instruction.data}" ')
        printer.print_operand(self.value)
        printer.print_string(", ")
        printer.print_operand(self.address)
        printer.print_string(f" offset {self.offset.data} : ")
        printer.print_attribute(self.value.type)

    @classmethod
    def parse(cls, parser: Parser) -> "StoreOp":
        instruction = parser.parse_str_literal()
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        address = parser.parse_unresolved_operand()
        parser.parse_keyword("offset")
        offset = parser.parse_integer()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        return cls(instruction, parser.resolve_operand(value, type), parser.resolve_operand(address, i32), offset)

    def verify_(self) -> None:
        check_offset(self.offset.data)


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """A byte is loaded and dropped, so that its line comes into the cache: `wasm_simd.prefetch %address offset 16`"""

    name = "wasm_simd.prefetch"
    address = operand_def(i32)
    offset = prop_def(IntAttr)

    def __init__(self, address: SSAValue, offset: int):
        Operation.__init__(self, operands=[address], properties={"offset": offset_attribute(offset)})

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.address)
        printer.print_string(f" offset {self.offset.data}")

    @classmethod
    def parse(cls, parser: Parser) -> "PrefetchOp":
        address = parser.parse_unresolved_operand()
        parser.parse_keyword("offset")
        return cls(parser.resolve_operand(address, i32), parser.parse_integer())

    def verify_(self) -> None:
        check_offset(self.offset.data)


@irdl_op_definition
class InstructionOp(IRDLOperation):
    """Any instruction without memory: `%c = wasm_simd.op "f32x4.pmax" %a, %b : (…) -> vector<4xf32>`."""

    name = "wasm_simd.op"
    instruction = prop_def(StringAttr)
    inputs = var_operand_def()
    result = result_def()
    assembly_format = "$instruction $inputs attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, instruction: str, inputs: Sequence[SSAValue], type: Attribute):
        properties = {"instruction": instruction_attribute(instruction)}
        Operation.__init__(self, operands=inputs, result_types=[type], properties=properties)


WASM_SIMD = Dialect("wasm_simd", [LoadOp, StoreOp, PrefetchOp, InstructionOp], [])
