"""`wasm-select-instructions`: what has no single instruction, or a better one, is replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, math, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, ModuleOp, VectorType, i1, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import element_of, is_vector
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.lanewise import Lanewise, applied
from webdnn.dialects.kernel.pairs import DotPairsOp, SpreadBytesOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.vectors import dense, extract
from webdnn.targets.wasm.dialect import InstructionOp
from webdnn.targets.wasm.elements import LOW_HALVES
from webdnn.targets.wasm.rounding import MAGIC, MAGIC_BITS, rounded_and_clamped
from webdnn.targets.wasm.spelling import instruction, is_mask, shape_name

LANES = 4


def is_constant(value: SSAValue) -> bool:
    return isinstance(value.owner, arith.ConstantOp)


def integer_constant(value: SSAValue) -> int | None:
    """The integer that every lane of a constant is."""
    owner = value.owner
    if not isinstance(owner, arith.ConstantOp):
        return None
    if isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    if isinstance(owner.value, DenseIntOrFPElementsAttr):
        first = owner.value.get_values()[0]
        return None if isinstance(first, tuple) else int(first)
    return None


def splat(body: Body, value: float, type: Attribute) -> SSAValue:
    """A constant of a scalar or vector type."""
    if not is_vector(type):
        return body.constant(value, type)
    scalar = Body()
    scalar.constant(value, type.element_type)
    (made,) = scalar.ops
    assert isinstance(made, arith.ConstantOp)
    return body.add(arith.ConstantOp(dense(made, LANES)))


def settled(body: Body, op: Operation) -> SSAValue:
    """What a new operation gives, rewritten where it needs to be; it then leaves no uses behind."""
    if (value := rewritten(body, op)) is None:
        return body.add(op)
    op.drop_all_references()
    return value


def scalarized(body: Body, op: Operation) -> SSAValue:
    """The operation lane by lane."""
    lanes: list[SSAValue] = []
    for lane in range(LANES):
        operands = [body.add(extract(o, lane)) if is_vector(o.type) else o for o in op.operands]
        scalar = applied(op, operands, element_of(op.results[0].type))
        lanes.append(settled(body, scalar))
    return body.add(LanesOp(lanes))


Division = arith.DivSIOp | arith.RemSIOp | arith.DivUIOp | arith.RemUIOp


def divided(body: Body, op: Division) -> SSAValue | None:
    """Division never traps: by zero it gives 0, and -2^n / -1 wraps. None where the divisor is known to do no harm."""
    by, type = integer_constant(op.rhs), op.result.type
    if by is not None and by not in (0, -1):
        return None
    name = instruction(op)
    assert name is not None
    zero, one = body.constant(0, type), body.constant(1, type)
    none = body.equal(op.rhs, zero)
    safe = body.select(none, one, op.rhs)
    if isinstance(op, arith.DivUIOp | arith.RemUIOp):
        return body.select(none, zero, body.add(InstructionOp(name, [op.lhs, safe], type)))
    minus = body.equal(op.rhs, body.constant(-1, type))
    quotient = body.add(InstructionOp(name, [op.lhs, body.select(minus, one, safe)], type))
    negated = body.minus(zero, op.lhs) if isinstance(op, arith.DivSIOp) else zero
    return body.select(none, zero, body.select(minus, negated, quotient))


def divided_by_power(body: Body, op: arith.DivUIOp | arith.RemUIOp, by: int) -> SSAValue:
    """The quotient or remainder by a power of two: a shift, or a mask."""
    if isinstance(op, arith.RemUIOp):
        return body.add(arith.AndIOp(op.lhs, splat(body, by - 1, op.result.type)))
    name = f"{shape_name(op.result.type)}.shr_u"
    count = body.constant(by.bit_length() - 1, i32 if is_vector(op.result.type) else op.result.type)
    return body.add(InstructionOp(name, [op.lhs, count], op.result.type))


def compared(op: arith.CmpfOp | arith.CmpiOp, type: Attribute) -> Operation:
    """The comparison with a result of this type: comparing vectors gives a vector of bools."""
    made = applied(op, op.operands, type)
    op.erase()
    return made


def float_test(body: Body, op: arith.CmpfOp) -> SSAValue:
    """Predicates that wasm lacks, from those it has."""

    def test(predicate: str, a: SSAValue = op.lhs, b: SSAValue = op.rhs) -> SSAValue:
        return body.add(compared(arith.CmpfOp(a, b, predicate), op.result.type))

    def negated(value: SSAValue) -> SSAValue:
        return body.add(arith.XOrIOp(value, splat(body, 1, value.type)))

    match name := arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]:
        case "one":
            return body.add(arith.OrIOp(test("olt"), test("ogt")))
        case "ord":
            return body.add(arith.AndIOp(test("oeq", op.lhs, op.lhs), test("oeq", op.rhs, op.rhs)))
        case "uno":
            return body.add(arith.OrIOp(test("une", op.lhs, op.lhs), test("une", op.rhs, op.rhs)))
        case "ueq":
            return negated(body.add(arith.OrIOp(test("olt"), test("ogt"))))
        case "ugt":
            return negated(test("ole"))
        case "uge":
            return negated(test("olt"))
        case "ult":
            return negated(test("oge"))
        case "ule":
            return negated(test("ogt"))
        case _:
            return splat(body, int(name == "true"), op.result.type)


def rewritten(body: Body, op: Operation) -> SSAValue | None:
    """The operation by instructions that exist; None where it may stay as it is."""
    vectors = any(is_vector(v.type) for v in (*op.operands, *op.results))
    match op:
        case vector.FMAOp():
            return body.add(InstructionOp("f32x4.relaxed_madd", [op.lhs, op.rhs, op.acc], op.res.type))
        case arith.FPToSIOp() if (number := rounded_and_clamped(op)) is not None:
            return rounded_by_sum(body, op, number)
        case DotPairsOp():
            return dot_of_pairs(body, op)
        case SpreadBytesOp():
            return spread(body, op)
        case math.FmaOp():
            return body.plus(op.c, body.times(op.a, op.b))
        case arith.MaximumfOp() | arith.MinimumfOp() if vectors:
            return extremum(body, op)
        case arith.SelectOp() if is_vector(op.cond.type):
            return body.add(InstructionOp("v128.bitselect", [op.lhs, op.rhs, op.cond], op.result.type))
        case arith.SelectOp():
            return body.add(InstructionOp("select", [op.lhs, op.rhs, op.cond], op.result.type))
        case vector.BroadcastOp() if is_mask(op.vector.type):
            lanes = body.add(InstructionOp("i32x4.splat", [op.source], op.vector.type))
            return body.add(InstructionOp("i32x4.neg", [lanes], op.vector.type))
        case arith.CmpfOp() if instruction(op) is None:
            return expanded(body, lambda inner: float_test(inner, op))
        case arith.MaxSIOp() | arith.MinSIOp() | arith.MaxUIOp() | arith.MinUIOp() if not vectors:
            order = {arith.MaxSIOp: "sgt", arith.MinSIOp: "slt", arith.MaxUIOp: "ugt", arith.MinUIOp: "ult"}[type(op)]
            test = body.add(arith.CmpiOp(op.lhs, op.rhs, order))
            return body.add(InstructionOp("select", [op.lhs, op.rhs, test], op.result.type))
        case arith.DivUIOp() | arith.RemUIOp() if (by := integer_constant(op.rhs)) and by > 0 and by & (by - 1) == 0:
            return divided_by_power(body, op, by)
        case arith.DivSIOp() | arith.RemSIOp() | arith.DivUIOp() | arith.RemUIOp():
            return scalarized(body, op) if vectors else expanded_or_none(body, op)
        case arith.ShLIOp() | arith.ShRSIOp() | arith.ShRUIOp() if vectors:
            return shifted(body, op)
        case _:
            return converted(body, op, vectors)


def extremum(body: Body, op: arith.MaximumfOp | arith.MinimumfOp) -> SSAValue:
    """pmax(x, y) is x < y ? y : x, so it keeps x = NaN; where y is NaN, all bits are set. max is eight on x86."""
    name = "pmax" if isinstance(op, arith.MaximumfOp) else "pmin"
    found = body.add(InstructionOp(f"f32x4.{name}", [op.lhs, op.rhs], op.result.type))
    if is_constant(op.rhs):
        return found
    unordered = body.add(InstructionOp("f32x4.ne", [op.rhs, op.rhs], op.result.type))
    return body.add(InstructionOp("v128.or", [found, unordered], op.result.type))


def rounded_by_sum(body: Body, op: arith.FPToSIOp, number: SSAValue) -> SSAValue:
    """int(min(max(round(x), low), high)) -> bits(min(max(x, low), high) + MAGIC) - bits(MAGIC)"""
    upper = op.input.owner
    assert isinstance(upper, InstructionOp)
    lower = upper.inputs[0].owner
    assert isinstance(lower, InstructionOp)
    at_least = body.add(InstructionOp("f32x4.pmax", [number, lower.inputs[1]], op.input.type))
    clamped = body.add(InstructionOp("f32x4.pmin", [at_least, upper.inputs[1]], op.input.type))
    total = body.add(arith.AddfOp(clamped, splat(body, MAGIC, op.input.type)))
    return body.add(InstructionOp("i32x4.sub", [total, splat(body, MAGIC_BITS, op.result.type)], op.result.type))


def dot_of_pairs(body: Body, op: DotPairsOp) -> SSAValue:
    """One instruction on vectors; scalars fill one."""
    name, type = "i32x4.dot_i16x8_s", VectorType(i32, [LANES])
    if is_vector(op.result.type):
        return body.add(InstructionOp(name, [op.lhs, op.rhs], type))
    a, b = (body.add(InstructionOp("i32x4.splat", [v], type)) for v in (op.lhs, op.rhs))
    return body.add(extract(body.add(InstructionOp(name, [a, b], type)), 0))


def spread(body: Body, op: SpreadBytesOp) -> SSAValue:
    """The low bytes of each lane side by side, and widened."""
    type = VectorType(i32, [LANES])
    word = op.input if is_vector(op.result.type) else body.add(InstructionOp("i32x4.splat", [op.input], type))
    low = body.add(InstructionOp(LOW_HALVES, [word, word], type))
    wide = body.add(InstructionOp("i16x8.extend_low_i8x16_s", [low], type))
    return wide if is_vector(op.result.type) else body.add(extract(wide, 0))


def shifted(body: Body, op: arith.ShLIOp | arith.ShRSIOp | arith.ShRUIOp) -> SSAValue:
    """Vectors are shifted by one amount; by several, lane by lane."""
    amount = integer_constant(op.rhs)
    if amount is None:
        return scalarized(body, op)
    name = instruction(op)
    assert name is not None
    return body.add(InstructionOp(name, [op.lhs, body.constant(amount, i32)], op.result.type))


def converted(body: Body, op: Operation, vectors: bool) -> SSAValue | None:
    """Conversions of bools: scalars are 0 or 1, masks are 0 or all ones."""
    match op:
        case arith.UIToFPOp() | arith.SIToFPOp() | arith.ExtUIOp() if is_mask(op.operands[0].type):
            one, zero = (splat(body, v, op.results[0].type) for v in (1, 0))
            return body.add(InstructionOp("v128.bitselect", [one, zero, op.operands[0]], op.results[0].type))
        case arith.ExtSIOp() if op.operands[0].type == i1:
            wide = body.add(arith.ExtUIOp(op.input, op.result.type))
            return body.minus(body.constant(0, op.result.type), wide)
        case arith.TruncIOp() if op.result.type == i1 or is_mask(op.result.type):
            bit = body.add(arith.AndIOp(op.input, splat(body, 1, op.input.type)))
            return body.add(compared(arith.CmpiOp(bit, splat(body, 0, op.input.type), "ne"), op.result.type))
        case _ if vectors and (isinstance(op, Lanewise) or op.dialect_name() in ("arith", "math")) and not spelled(op):
            return scalarized(body, op)
        case _:
            return None


VECTOR_INSTRUCTIONS = frozenset(
    [
        f"f32x4.{n}"
        for n in (
            "add sub mul div neg sqrt floor ceil trunc nearest abs splat eq ne lt gt le ge "
            "convert_i32x4_s convert_i32x4_u"
        ).split()
    ]
    + [
        f"i32x4.{n}"
        for n in (
            "add sub mul neg abs splat max_s min_s max_u min_u eq ne lt_s lt_u gt_s gt_u le_s le_u "
            "ge_s ge_u trunc_sat_f32x4_s trunc_sat_f32x4_u"
        ).split()
    ]
    + ["v128.and", "v128.or", "v128.xor", ""]
)


def spelled(op: Operation) -> bool:
    """Is there a vector instruction for it?"""
    return not op.results or isinstance(op, arith.ConstantOp) or instruction(op) in VECTOR_INSTRUCTIONS


def expanded_or_none(body: Body, op: Operation) -> SSAValue | None:
    assert isinstance(op, arith.DivSIOp | arith.RemSIOp | arith.DivUIOp | arith.RemUIOp)
    return expanded(body, lambda inner: divided(inner, op))


def expanded(body: Body, make: Callable[[Body], SSAValue | None]) -> SSAValue | None:
    """What `make` appends, with its own operations rewritten too."""
    inner = Body()
    made = make(inner)
    if made is None:
        return None
    names: dict[SSAValue, SSAValue] = {}
    for op in inner.ops:
        op.operands = [names.get(o, o) for o in op.operands]
        names[op.results[0]] = settled(body, op)
    return names.get(made, made)


def select(ops: Sequence[Operation], relaxed: bool) -> None:
    for op in ops:
        if op.regions or len(op.results) != 1 or isinstance(op, arith.ConstantOp):
            continue
        body = Body()
        if isinstance(op, vector.FMAOp) and not relaxed:
            value = body.add(arith.AddfOp(op.acc, body.add(arith.MulfOp(op.lhs, op.rhs))))
        else:
            value = rewritten(body, op)
        if value is not None:
            value.name_hint = op.results[0].name_hint
            Rewriter.replace_op(op, body.ops, [value])


@dataclass(frozen=True)
class WasmSelectInstructionsPass(ModulePass):
    """Replace what has no wasm instruction of its own, and use better ones where their meaning allows.

    With `relaxed`, a multiply-add is one instruction that may or may not round in between.

    Before:

        %y = arith.maximumf %x, %c : vector<4xf32>      // %c constant
        %z = arith.maximumf %x, %v : vector<4xf32>

    After:

        %y = wasm_simd.op "f32x4.pmax" %x, %c : …
        %0 = wasm_simd.op "f32x4.pmax" %x, %v : …
        %1 = wasm_simd.op "f32x4.ne" %v, %v : …         // where a lane is NaN, all bits
        %z = wasm_simd.op "v128.or" %0, %1 : …

    Leaves alone: operations with an instruction of their own. Integer division never traps: by zero it gives what
    division by one gives. Run after `wasm-expand-math`,
    and after `wasm-form-pointers`, whose conversions of half floats need it too.
    """

    name = "wasm-select-instructions"
    relaxed: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp | func.FuncOp):
                select(list(function.walk()), self.relaxed)
