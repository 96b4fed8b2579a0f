"""`kernel-narrow-elements`: buffers hold only what a GPU stores, four-byte words or floats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import (
    FunctionType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    Signedness,
    StringAttr,
    TensorType,
    f32,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import element_type, is_memref
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type, scalar_type
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.program import WeightOp
from webdnn.dialects.kernel.structure import FuncOp, ReduceOp
from webdnn.passes.kernel.forming.buffer_ranges import BufferRanges, holds_integers
from webdnn.passes.kernel.forming.checked_outputs import as_float, checked_arguments
from webdnn.passes.kernel.forming.input_ranges import Magnitudes, greatest_magnitudes, note_magnitudes
from webdnn.passes.kernel.forming.integer_comparisons import (
    SIGNED_PREDICATES,
    compare_factors,
    compare_large,
    decide,
    is_number,
    predicate_of,
    refuse_signs,
)
from webdnn.passes.kernel.forming.integer_ranges import (
    FLOAT,
    INT32,
    SIGNED_FORM,
    TEXEL,
    WORD,
    Machine,
    OverflowRisk,
    Ranges,
    integer_limits,
    narrowing,
    within,
)
from webdnn.passes.kernel.packing.packed_words import PACKED, PackedBuffers, unpacked, word_count, words
from webdnn.support.diagnostic import Diagnostics, fail
from webdnn.support.element_type import ElementType, Kind
from webdnn.support.index import Range
from webdnn.support.weights import STORE, numpy_dtype

UI32 = IntegerType(32, Signedness.UNSIGNED)


@dataclass(frozen=True)
class Storage:
    """What a target stores, and how a user leaves it out."""

    machine: Machine
    backends: str

    @property
    def is_float(self) -> bool:
        return self.machine is not WORD

    def element(self, stored: ElementType) -> Attribute:
        """The type that holds elements of another: halves are floats, bools and small unsigned integers words."""
        if self.is_float or stored.kind is Kind.FLOAT:
            return f32
        unsigned = stored.kind in (Kind.UNSIGNED, Kind.BOOL) and stored.bits <= 32
        return UI32 if unsigned else i32

    @property
    def hint(self) -> str:
        return f"compile without {self.backends} (leave it out of --targets), which has no such numbers"


STORAGES = {
    ("word", "word"): Storage(WORD, "webgpu"),
    ("float", "word"): Storage(TEXEL, "webgl"),
    ("float", "float"): Storage(FLOAT, "webgl"),
}
"""By what memory holds, and what integers are computed as"""


@dataclass
class Narrowing:
    """One kernel whose arguments and integers become those of the target."""

    function: FuncOp
    storage: Storage
    held: Mapping[SSAValue, Range]
    packed: frozenset[SSAValue] = frozenset()
    checked: frozenset[SSAValue] = frozenset()

    def __post_init__(self) -> None:
        self.ranges = Ranges(self.storage.machine, self.held)

    def check(self, problems: Diagnostics) -> None:
        """Prove every integer that has an effect."""
        compare_factors(self.function, self.ranges)
        for op in self.function.walk():
            if any(v.type == f64 for v in (*op.operands, *op.results)):
                problems.add(op, "computes in f64", hint=self.storage.hint)
                return
            if isinstance(op, ReadOp):
                assert op.outside is None, "run kernel-expand-outside first"
            try:
                self.check_op(op)
            except OverflowRisk as risk:
                what = f"may leave the integers {self.storage.machine.limits[0]} … {self.storage.machine.limits[1]}"
                problems.add(risk.op, what, hint=self.storage.hint)

    def check_op(self, op: Operation) -> None:
        if isinstance(op, arith.CmpiOp | arith.SIToFPOp | arith.UIToFPOp | arith.IndexCastOp | ReduceOp):
            for operand in op.operands:
                if is_number(operand.type):
                    self.ranges.of(operand)
            for result in op.results:
                if is_number(result.type):
                    self.ranges.of(result)
            refuse_signs(op, self.ranges, is_float=self.storage.is_float)
        elif isinstance(op, WriteOp) and is_number(op.value.type):
            if self.is_checked(op):
                as_float(self.ranges, op.value, Body())
            elif not within(self.ranges.of(op.value), self.kept(op)) and self.is_wide(op):
                raise OverflowRisk(op)

    def is_wide(self, op: WriteOp) -> bool:
        return element_type(buffer_type(op.target)).bits >= 32

    def is_checked(self, op: WriteOp) -> bool:
        """Does a run refuse what this writes, if it is beyond what memory holds?"""
        return op.target in self.checked and self.is_wide(op) and is_number(op.value.type)

    def kept(self, op: WriteOp) -> Range:
        """The values that the target of a write can hold as they are."""
        element = element_type(buffer_type(op.target))
        return self.storage.machine.stored(element) if element.bits >= 32 else integer_limits(element)

    # Rewriting.

    def run(self) -> None:
        for op in list(self.function.walk()):
            if isinstance(op, WriteOp) and self.is_checked(op):
                body = Body()
                value = as_float(self.ranges, op.value, body)
                Rewriter.replace_op(op, [*body.ops, WriteOp(value, op.target, op.exprs)])
            elif isinstance(op, ReduceOp) and is_number(op.init.type):
                self.narrow_start(op)
        accesses = [o for o in self.function.walk() if isinstance(o, ReadOp | WriteOp)]
        elements = {o: element_type(buffer_type(o.source if isinstance(o, ReadOp) else o.target)) for o in accesses}
        spans = {o: self.ranges.of(o.value) for o in accesses if isinstance(o, WriteOp) and is_number(o.value.type)}
        kept = {o: self.kept(o) for o in spans}
        for op in list(self.function.walk()):
            self.make_signed(op)
        in_words = {op for op in accesses if isinstance(op, ReadOp) and op.source in self.packed}
        for argument in self.function.buffers:
            if argument in self.packed:
                retype_words(argument)
            else:
                retype_buffer(argument, self.storage)
        for op in accesses:
            if isinstance(op, ReadOp) and op in in_words:
                body = Body()
                Rewriter.replace_op(op, body.ops, [unpacked(body, op, elements[op])])
            elif isinstance(op, ReadOp):
                self.read(op, elements[op])
            else:
                narrow = op in spans and not within(spans[op], kept[op])
                self.write(op, elements[op], narrow)
        for op in list(self.function.walk()):
            retype_scalars(op)
        for op in list(self.function.walk()):
            if isinstance(op, arith.ExtSIOp | arith.ExtUIOp | arith.TruncIOp) and op.input.type == op.result.type:
                Rewriter.replace_op(op, [], [op.input])

    def narrow_start(self, op: ReduceOp) -> None:
        """The least number of the type, from which a maximum begins, is no better than the least that there can be."""
        start, each = constant_of(op.init), self.ranges.of(op.yielded)
        if start is None or within((start, start), self.storage.machine.memory):
            return
        if op.kind.data is ReduceKind.MAX:
            start = max(start, each[0])
        elif op.kind.data is ReduceKind.MIN:
            start = min(start, each[1])
        body = Body()
        op.operands[0] = body.constant(start, op.init.type)
        Rewriter.insert_op(body.ops, InsertPoint.before(op))

    def make_signed(self, op: Operation) -> None:
        """Where no operand is ever negative, unsigned arithmetic is signed arithmetic."""
        is_wrap = isinstance(op, arith.ShRSIOp | arith.ShRUIOp) and self.storage.machine is FLOAT
        if is_wrap and (wrapped := narrowing(op)) is not None:
            inner, kept = wrapped
            body = Body()
            result = inner if within(self.ranges.of(inner), kept) else self.wrapped(body, inner, kept)
            Rewriter.replace_op(op, body.ops, [result])
            return
        kinds = (arith.CmpiOp, arith.UIToFPOp, arith.ShRUIOp, *SIGNED_FORM)
        if not isinstance(op, kinds) or op.operands[0].type == i1:
            return
        try:
            spans = [self.ranges.of(o) for o in op.operands]
        except OverflowRisk:
            return  # a value that has no effect
        if isinstance(op, arith.CmpiOp) and not all(within(span, self.storage.machine.limits) for span in spans):
            decide(op, spans)
            return
        if any(span[0] < 0 for span in spans):
            if isinstance(op, arith.CmpiOp) and self.storage.is_float:
                compare_large(op)
            return
        if isinstance(op, arith.CmpiOp):
            predicate = predicate_of(op)
            if predicate in SIGNED_PREDICATES:
                Rewriter.replace_op(op, arith.CmpiOp(op.lhs, op.rhs, SIGNED_PREDICATES[predicate]))
        elif isinstance(op, arith.UIToFPOp):
            Rewriter.replace_op(op, arith.SIToFPOp(op.input, op.result.type))
        elif isinstance(op, arith.ShRUIOp):
            Rewriter.replace_op(op, arith.ShRSIOp(op.lhs, op.rhs))
        else:
            signed = SIGNED_FORM[type(op)]
            Rewriter.replace_op(op, signed.create(operands=op.operands, result_types=[op.results[0].type]))

    def read(self, op: ReadOp, element: ElementType) -> None:
        """The stored word or float, and from it the scalar."""
        body = Body()
        value = body.add(ReadOp(op.source, op.exprs))
        if element.kind is Kind.BOOL:
            zero = body.constant(0, value.type)
            compare = arith.CmpfOp(value, zero, "une") if value.type == f32 else arith.CmpiOp(value, zero, "ne")
            value = body.add(compare)
        elif element.kind is not Kind.FLOAT and value.type == f32:
            value = body.add(arith.FPToSIOp(value, i32))
        Rewriter.replace_op(op, body.ops, [value])

    def write(self, op: WriteOp, element: ElementType, narrow: bool) -> None:
        body, value = Body(), op.value
        if narrow:
            value = self.wrapped(body, value, integer_limits(element))
        if element.kind is not Kind.FLOAT:
            stored = scalar_type(op.target)
            if value.type == i1:
                value = body.add(arith.UIToFPOp(value, f32) if stored == f32 else arith.ExtUIOp(value, i32))
            elif stored == f32 and value.type != f32:
                value = body.add(arith.SIToFPOp(value, f32))
        Rewriter.replace_op(op, [*body.ops, WriteOp(value, op.target, op.exprs)])

    def wrapped(self, body: Body, value: SSAValue, kept: Range) -> SSAValue:
        """The value modulo the size of a range of 2^bits integers, inside it."""
        size = kept[1] - kept[0] + 1
        if not self.storage.is_float:
            shift = body.constant(33 - size.bit_length(), i32)
            if value.type == i64:
                value = body.add(arith.TruncIOp(value, i32))
            raised = body.add(arith.ShLIOp(value, shift))
            return body.add(arith.ShRSIOp(raised, shift) if kept[0] < 0 else arith.ShRUIOp(raised, shift))
        shifted = body.plus(value, body.constant(-kept[0], value.type))
        turns = body.add(arith.FloorDivSIOp(shifted, body.constant(size, value.type)))
        return body.minus(value, body.times(turns, body.constant(size, value.type)))


def retype_scalars(op: Operation) -> None:
    """i64 values that were proven to be i32."""
    if isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr) and op.result.type == i64:
        value = op.value.value.data
        value = min(max(value, INT32[0]), INT32[1])  # beyond it is a bound, or has no effect
        Rewriter.replace_op(op, arith.ConstantOp(IntegerAttr(value, i32)))
        return
    for result in [r for r in op.results if r.type == i64]:
        Rewriter.replace_value_with_new_type(result, i32)


def retype_buffer(value: SSAValue, storage: Storage) -> None:
    type = value.type
    assert is_memref(type)
    new = storage.element(element_type(type))
    if new != type.element_type:
        Rewriter.replace_value_with_new_type(value, MemRefType(new, type.get_shape()))


def retype_words(value: SSAValue) -> None:
    Rewriter.replace_value_with_new_type(value, MemRefType(UI32, [word_count(value)]))


def pack_weight(op: WeightOp) -> None:
    """The constant's elements, several in each word."""
    content = words(op)
    op.value = WeightAttr(StringAttr(STORE.put(content)), TensorType(UI32, content.shape))
    retype_words(op.result)


def retype_weight(op: WeightOp, storage: Storage) -> None:
    """The constant's elements, converted. Refuses values that the target cannot hold."""
    type = op.value.type
    element, new = element_type(type), storage.element(element_type(type))
    if new == type.element_type:
        return
    array = STORE.get(op.value.key.data, element, type.get_shape())
    if element.is_integer and array.size:
        low, high = storage.machine.stored(element)
        if element.kind is Kind.UNSIGNED and element.bits == 32 and not storage.is_float:
            low, high = integer_limits(element)
        if int(array.min()) < low or int(array.max()) > high:
            fail(
                op,
                f"holds values from {array.min()} to {array.max()}, and {low} to {high} can be stored",
                hint=storage.hint,
            )
    if not (storage.is_float and element.name in PACKED):  # textures are filled from what is small
        key = STORE.put(np.asarray(array).astype(numpy_dtype(element_type(new))))
        op.value = WeightAttr(StringAttr(key), TensorType(new, type.get_shape()))
    retype_buffer(op.result, storage)


def retype_program(function: func.FuncOp, storage: Storage, packed: frozenset[SSAValue], problems: Diagnostics) -> None:
    """Arguments, places and constants of the program."""
    for value in buffers_of(function):
        if element_type(buffer_type(value)).name == "f64":
            owner = value.owner if isinstance(value.owner, Operation) else function
            problems.add(owner, "holds f64 elements", hint=storage.hint)
    problems.raise_if_any()
    for value in list(buffers_of(function)):
        if isinstance(value.owner, WeightOp) and value in packed:
            pack_weight(value.owner)
        elif isinstance(value.owner, WeightOp):
            retype_weight(value.owner, storage)
        else:
            retype_buffer(value, storage)
    returned = function.body.block.last_op
    results: Sequence[SSAValue] = returned.operands if isinstance(returned, func.ReturnOp) else ()
    inputs = [a.type for a in function.body.block.args]
    function.function_type = FunctionType.from_lists(inputs, [v.type for v in results])


def buffers_of(function: func.FuncOp) -> Iterable[SSAValue]:
    yield from function.body.block.args
    for op in function.body.block.ops:
        yield from (result for result in op.results if is_memref(result.type))


def is_wide_integer(value: SSAValue) -> bool:
    return holds_integers(value) and element_type(buffer_type(value)).bits >= 32


@dataclass(frozen=True)
class KernelNarrowElementsPass(ModulePass):
    """Store and compute everything in what a GPU has: `word` is f32, i32 and u32 (WebGPU), `float` f32 alone (WebGL).

    Halves become floats, bools 0 or 1. With `word`, constants of small elements stay as small, several in a word, from
    which kernels take the bits of one; with `float` they are small in the download. An i64 is computed as an i32, and
    with `arithmetic=float` (GLSL ES 1.00) every integer within ±2^24, where ranges prove that no result leaves it. What
    memory does not hold is refused, unless it goes to an output that no kernel reads: the runner checks inputs and
    outputs. Constants are checked here, and bound what is computed from them. Whether a product is zero is asked of its
    factors where a word may not hold it. Where a proof needs inputs that are smaller than what memory holds,
    `kernel.magnitude` says how small, and the runner checks that: of a mask, say, whose sums are positions.

    Before:

        %i = kernel.read %x[%n] : memref<8xi64>

    After:

        %i = kernel.read %x[%n] : memref<8xi32>

    Leaves alone: f32. Run after `kernel-flatten-buffers`, and before `kernel-assign-offsets`, which counts bytes.
    """

    name = "kernel-narrow-elements"
    storage: str = "word"
    arithmetic: str = "word"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        storage = STORAGES[self.storage, self.arithmetic]
        functions = {f.sym_name.data: f for f in op.body.block.ops if isinstance(f, FuncOp)}
        programs = [f for f in op.body.block.ops if isinstance(f, func.FuncOp) and not f.is_declaration]
        packed = PackedBuffers.find([] if storage.is_float else programs, functions)
        checked = checked_arguments(programs, functions) if storage.is_float else frozenset[SSAValue]()

        def narrowings(magnitudes: Magnitudes) -> tuple[list[Narrowing], Diagnostics]:
            """What is to be done for inputs of these magnitudes, and what stands in its way."""
            problems = Diagnostics()
            held = BufferRanges.find(storage.machine, programs, functions, magnitudes).of
            found = [Narrowing(f, storage, held, packed.arguments, checked) for f in functions.values()]
            for kernel in found:
                kernel.check(problems)
            return found, problems

        kernels, problems = narrowings({})
        if problems.problems:
            inputs = [value for program in programs for value in program.body.block.args if is_wide_integer(value)]
            found = greatest_magnitudes(inputs, lambda magnitudes: not narrowings(magnitudes)[1].problems)
            if found is None:
                problems.raise_if_any()
            else:
                kernels, problems = narrowings(found)
                for program in programs:
                    note_magnitudes(program, found)
        for kernel in kernels:
            kernel.run()
        for program in programs:
            retype_program(program, storage, packed.weights, problems)
