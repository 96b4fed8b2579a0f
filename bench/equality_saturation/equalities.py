"""What `dnn-absorb-moves` and `dnn-aggregate-constants` know, as equalities of one operator and one before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from bench.equality_saturation.graph import EGraph
from xdsl.dialects import func
from xdsl.ir import Block, SSAValue

from webdnn.dialects.dnn.base import BinaryOp, DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, SubOp
from webdnn.dialects.dnn.gather import GatherOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.normalization import GroupNormOp, LayerNormOp, RmsNormOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.shape import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.dnn.traits import Associative, Commutative, Moving
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.absorb_moves import rewritten
from webdnn.passes.dnn.aggregation import producers
from webdnn.passes.dnn.aggregation.commuting import commutes
from webdnn.passes.dnn.aggregation.normalization import map_of
from webdnn.passes.dnn.aggregation.plan import changed, dtype_of, exact, reparametrize
from webdnn.passes.dnn.aggregation.products import merged
from webdnn.passes.dnn.aggregation.readers import reading_of
from webdnn.passes.dnn.aggregation.steps import Step, step_of
from webdnn.passes.dnn.rewriting import as_moved, replace
from webdnn.support.affine import Affine, fits, rounds, scaling, shifting

Equal = Iterator[SSAValue | None]
"""Values that are equal to the result of an operator; None for one that does not work out"""

WEIGHTED = (ConvOp, ConvTransposeOp, GroupNormOp, LayerNormOp, RmsNormOp)
"""Operators that do what a map does by weights of their own."""

MOVES = (ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp)


def equal(graph: EGraph, op: DnnOp) -> Equal:
    """All that one operator, and one before it, are equal to."""
    step = step_of(op)
    if step:
        yield from steps(graph, step)
    if isinstance(op, LayerNormOp | RmsNormOp):
        yield plain(graph, op)
    for at, operand in enumerate(op.operands):
        for inner in graph.nodes(operand):
            before = step_of(inner)
            if before and not step and element_type(operand.type).is_float:
                yield read(graph, op, at, before)
            yield from joined(graph, op, at, inner)


def steps(graph: EGraph, step: Step) -> Equal:
    """x * s + b = (x + b / s) * s; y * t + u = y * (t * s) + (u * s + b), where x = y * t + u; and f(x) = f'(x)"""
    x, affine = step.value, step.affine
    yield graph.mapped(x, affine)
    scale, shift = scaling(affine.scale), shifting(affine.bias)
    scaled = graph.mapped(x, scale)
    yield graph.mapped(scaled, shift) if scaled else None
    if not element_type(x.type).is_float:
        return
    first = affine.shift_first() if affine.scales and affine.shifts else None
    shifted = graph.mapped(x, shifting(first)) if first is not None else None
    yield graph.mapped(shifted, scale) if shifted else None
    for inner in graph.nodes(x):
        before = step_of(inner)
        if before:
            yield graph.mapped(before.value, before.affine.then(affine))
        else:
            yield from absorbed(graph, inner, affine)


def absorbed(graph: EGraph, op: DnnOp, affine: Affine) -> Equal:
    """f(x, w) * s + b = f(x * s + b, w) or f(x, w * s + b), of the operands and their places that this is true of"""
    if isinstance(op, WEIGHTED):
        yield alone(graph, op, affine)
    for operands in mapped_operands(op, affine):
        yield through(graph, op, operands)


def mapped_operands(op: DnnOp, affine: Affine) -> Iterator[Mapping[int, Affine]]:
    """The ways to map operands in place of the result."""
    if op.has_trait(Moving):
        shape = shape_of(op.operands[0])
        places = as_array(np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape))
        yield {0: affine.before(as_moved(op, places).astype(np.int64, copy=False), shape)}
        return
    match op:
        case AddOp() | SubOp():
            if any(rounds(c, dtype_of(op.output)) for value in op.operands if (c := exact(value)) is not None):
                return
            for at in (0, 1):
                bias = as_array(-affine.bias) if at == 1 and isinstance(op, SubOp) else affine.bias
                yield {at: Affine(affine.scale, bias), 1 - at: scaling(affine.scale)}
        case MulOp() | DivOp() if not affine.shifts:
            yield from ({at: affine} for at in ((0, 1) if isinstance(op, MulOp) else (0,)))
        case MatmulOp() if not affine.shifts:
            yield from ({at: affine} for at in (0, 1) if affine.scale.shape[-1 - at] == 1)
        case ConcatOp():
            axis, sizes = op.axis.value.data, [shape_of(value)[op.axis.value.data] for value in op.inputs]
            starts = np.cumsum([0, *sizes]).tolist()
            yield {at: affine.part(axis, starts[at], size) for at, size in enumerate(sizes)}
        case GatherOp():
            axis, indices = op.axis.value.data, len(shape_of(op.indices))
            if not affine.varies & set(range(axis, axis + indices)):
                parts = (p.reshape(*p.shape[:axis], 1, *p.shape[axis + indices :]) for p in (affine.scale, affine.bias))
                yield {0: Affine(*parts)}
        case _ if op.operands and type(op) not in producers.RULES and producers.follows(op, affine):
            before = affine.with_rank(len(shape_of(op.operands[0])))
            if commutes(op, before):
                yield {0: before}
        case _:
            pass


def through(graph: EGraph, op: DnnOp, maps: Mapping[int, Affine]) -> SSAValue | None:
    """An operator that reads mapped operands."""
    operands = list(op.operands)
    for at, affine in maps.items():
        shape = shape_of(operands[at])
        if not fits(affine.scale, shape) or not fits(affine.bias, shape):
            return None
        value = graph.mapped(operands[at], affine.of_rank(len(shape)))
        if value is None:
            return None
        operands[at] = value
    copy = op.clone()
    copy.operands = operands
    return graph.add(copy)


def scratch(*ops: DnnOp) -> Block:
    """A block of operators that returns what the last one computes, for the compiler's own rules to change."""
    block = Block(ops)
    block.add_op(func.ReturnOp(ops[-1].results[0]))
    return block


def taken(graph: EGraph, block: Block) -> SSAValue:
    """The class of what a block returns."""
    end = block.last_op
    assert end is not None
    value = end.operands[0]
    end.detach()
    end.drop_all_references()
    ops = [*block.ops]
    for op in ops:
        op.detach()
    return graph.adopt(ops, value)


def alone(graph: EGraph, op: DnnOp, affine: Affine) -> SSAValue | None:
    """f(x, w) * s + b = f(x, w * s + b)"""
    copy = op.clone()
    plan = producers.RULES[type(op)](copy, affine, producers.DEEPEST)
    block = scratch(copy)
    if plan:
        plan.build()
    return taken(graph, block) if plan else discarded(block)


def read(graph: EGraph, op: DnnOp, at: int, before: Step) -> SSAValue | None:
    """f(x * s + b) = f'(x) * t + u"""
    copy = op.clone()
    copy.operands[at] = before.value
    block = scratch(copy)
    reading = reading_of(copy, at, before.affine)
    if reading is None:
        return discarded(block)
    reading.plan.build()
    value = taken(graph, block)
    return value if reading.left is None else graph.mapped(value, reading.left)


def discarded(block: Block) -> None:
    block.drop_all_references()


def joined(graph: EGraph, op: DnnOp, at: int, inner: DnnOp) -> Equal:
    """f(g(x)) = h(x): of two products, of two moves, and of one associative and commutative operator twice"""
    products = type(inner) is type(op) and isinstance(op, ConvOp | MatmulOp)
    if at == 0 and (products or isinstance(inner, MOVES)):
        first, second = inner.clone(), op.clone()
        second.operands[0] = first.results[0]
        block = scratch(first, second)
        plan = merged(second) if products else None
        made = None if products else rewritten(second)
        if plan:
            plan.build()
        if made:
            replace(second, made)
        yield taken(graph, block) if plan or made else discarded(block)
    if isinstance(op, BinaryOp) and type(inner) is type(op) and not isinstance(op, AddOp | MulOp):
        if op.has_trait(Associative) and op.has_trait(Commutative):
            yield from regrouped(graph, op, op.operands[1 - at], inner)


def regrouped(graph: EGraph, op: BinaryOp, other: SSAValue, inner: DnnOp) -> Equal:
    """f(f(x, c), y) = f(f(x, y), c)"""
    for x, c in (inner.operands, reversed(inner.operands)):
        if isinstance(c.owner, ConstantOp):
            first, second = (c, x) if isinstance(other.owner, ConstantOp) else (x, c)
            yield graph.add(type(op)(graph.add(type(op)(first, other)), second))


def plain(graph: EGraph, op: LayerNormOp | RmsNormOp) -> SSAValue | None:
    """norm(x, s, b) = norm(x, 1) * s + b"""
    affine, one = map_of(op), changed(as_array(np.ones(())), op.output)
    if affine is None or one is None:
        return None
    copy = op.clone()
    block = scratch(copy)
    reparametrize(copy, one, *([None] if isinstance(op, LayerNormOp) else []))
    return graph.mapped(taken(graph, block), affine)
