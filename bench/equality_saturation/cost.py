"""What a graph of the `dnn` dialect costs, in the unit of `dnn-aggregate-constants`."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.normalization import BatchNormOp, LayerNormOp, RmsNormOp
from webdnn.dialects.dnn.reference.constants import byte_size, known
from webdnn.dialects.dnn.traits import Moving
from webdnn.dialects.element import shape_of
from webdnn.passes.dnn.aggregation.plan import elements
from webdnn.passes.dnn.aggregation.steps import NORMALIZATION
from webdnn.support.operator_cost import FREE, Cost


def cost_of(op: Operation) -> Cost:
    """The cost of one operator: as the plans of ordered rewriting count it, and elements of those that they keep."""
    match op:
        case ConstantOp():
            return Cost(weight_bytes=byte_size(op.output))
        case ConvOp():
            return Cost(elements(op.output) * prod(shape_of(op.weight)[1:]))
        case ConvTransposeOp():
            return Cost(elements(op.input) * prod(shape_of(op.weight)[1:]))
        case MatmulOp():
            return Cost(elements(op.output) * shape_of(op.lhs)[-1])
        case BatchNormOp():
            return Cost(elements=NORMALIZATION * elements(op.output))
        case LayerNormOp() | RmsNormOp():
            scale, biased = known(op.scale), isinstance(op, LayerNormOp) and op.bias is not None
            scaled = scale is None or bool((scale != 1).any())
            return Cost(elements=(1 + int(scaled) + int(biased)) * elements(op.output))
        case DnnOp() if op.has_trait(Moving):
            return FREE
        case DnnOp():
            return Cost(elements=max(map(elements, [*op.operands[:1], *op.results]), default=0))
        case _:
            return FREE


def total_cost(module: ModuleOp) -> Cost:
    return sum((cost_of(op) for op in module.walk()), FREE)
