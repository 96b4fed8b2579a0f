"""Two products by constants, one after another, become one where that takes less arithmetic and fewer bytes."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.elementwise import AddOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import byte_size
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.aggregation.plan import Plan, changed, elements, exact
from webdnn.passes.dnn.aggregation.steps import cost_of, step_of
from webdnn.passes.dnn.rewriting import is_read_once, replace
from webdnn.support.operator_cost import FREE, Cost


def merged(op: Operation) -> Plan | None:
    """How an operator does what a product before it does too."""
    match op:
        case MatmulOp():
            return merged_matmuls(op)
        case ConvOp():
            return merged_convolutions(op)
        case _:
            return None


def merged_matmuls(op: MatmulOp) -> Plan | None:
    """matmul(matmul(x, a) + c, b) -> matmul(x, matmul(a, b)) + matmul(c, b), where nothing else reads the inner ones"""
    step = step_of(op.lhs.owner) if isinstance(op.lhs.owner, AddOp) else None
    product = step.value if step else op.lhs
    inner, b = product.owner, exact(op.rhs)
    if not isinstance(inner, MatmulOp) or not element_type(op.output.type).is_float or b is None or b.ndim != 2:
        return None
    a = exact(inner.rhs)
    alone = is_read_once(op.lhs) and is_read_once(product)
    if a is None or a.ndim != 2 or not alone or (step and step.affine.varies - {len(shape_of(product)) - 1}):
        return None
    weight = changed(as_array(a @ b), op.rhs, op.rhs)
    bias = changed(as_array(step.affine.vectors(len(b))[1] @ b), op.output) if step else None
    if weight is None or (step and bias is None):
        return None
    rows = elements(op.output) // b.shape[1]
    saved = Cost(rows * (a.size + b.size - weight.array.size)) + freed(inner) - weight.cost
    if step and bias:
        saved += cost_of(step) - bias.cost - Cost(elements=elements(op.output))

    def build() -> None:
        constants = [part.made() for part in (weight, bias) if part]
        new = MatmulOp.of(inner.lhs, constants[0].output)
        total = [AddOp(new.output, constants[1].output)] if bias else []
        replace(op, [*constants, new, *total], inner, *([step.op] if step else []))

    return Plan(saved, frozenset({(op, 1), (inner, 1)}), build)


def freed(op: DnnOp) -> Cost:
    """The bytes of weights that nothing needs when an operator is gone."""
    return sum((Cost(weight_bytes=byte_size(v)) for v in op.operands[1:] if is_read_once(v)), FREE)


def merged_convolutions(op: ConvOp) -> Plan | None:
    """conv(conv(x, v, a), w, b) -> conv(x, w v, w a + b), where one kernel has one element and neither pads between"""
    inner = op.input.owner
    if not isinstance(inner, ConvOp) or not is_read_once(op.input) or not element_type(op.output.type).is_float:
        return None
    one = {*shape_of(op.weight)[2:], *op.strides.get_values()} == {1} and not any(op.pads.get_values())
    if not one or op.groups.value.data != 1 or inner.groups.value.data != 1:
        return None
    v, w = exact(inner.weight), exact(op.weight)
    a, b = (exact(conv.bias) if conv.bias else as_array(np.zeros(shape_of(conv.weight)[0])) for conv in (inner, op))
    if v is None or w is None or a is None or b is None:
        return None
    matrix = as_array(w.reshape(w.shape[:2]))
    weight = changed(as_array(np.tensordot(matrix, v, 1)), op.weight, op.weight)
    bias = changed(as_array(matrix @ a + b), op.weight, op.bias)
    if weight is None or bias is None:
        return None
    points = elements(op.output) // len(w)
    biased = bool(inner.bias or op.bias)
    cost = weight.cost + bias.cost if biased else weight.cost
    saved = Cost(points * (v.size + w.size - weight.array.size)) + freed(inner) - cost

    def build() -> None:
        constants = [weight.made(), *([bias.made()] if biased else [])]
        operands = [constant.output for constant in constants] + ([] if biased else [None])
        replace(op, [*constants, ConvOp.of(inner.input, *operands, **inner.properties)], inner)

    return Plan(saved, frozenset({(op, 1), (inner, 1)}), build)
