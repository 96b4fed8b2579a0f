"""What normalizations by statistics of the input scale and shift by becomes part of all that reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from xdsl.ir import Operation

from webdnn.dialects.dnn.normalization import LayerNormOp, RmsNormOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size
from webdnn.dialects.element import shape_of
from webdnn.passes.dnn.aggregation.plan import Plan, changed, elements, exact, reparametrize
from webdnn.passes.dnn.aggregation.readers import pushed
from webdnn.passes.dnn.aggregation.steps import trimmed
from webdnn.passes.dnn.rewriting import is_read_once
from webdnn.support.affine import Affine, aligned, scaling, shrunk
from webdnn.support.operator_cost import Cost


def plain(op: Operation) -> Iterator[Plan | None]:
    """f(norm(x, s, b)) -> f'(norm(x, 1)), or f'(norm(x, 1, b / s))"""
    affine = map_of(op) if isinstance(op, LayerNormOp | RmsNormOp) else None
    if affine is None or not isinstance(op, LayerNormOp | RmsNormOp) or not (affine.scales or affine.shifts):
        return
    yield ended_by(op, affine, pushed(op.output, affine), None)
    first = affine.shift_first() if affine.scales and affine.shifts else None
    if first is not None:
        yield ended_by(op, affine, pushed(op.output, scaling(affine.scale)), first)


def map_of(op: LayerNormOp | RmsNormOp) -> Affine | None:
    """The map that a normalization ends with; None where it is computed."""
    old = op.bias if isinstance(op, LayerNormOp) else None
    scale, bias = exact(op.scale), exact(old) if old else as_array(np.zeros(()))
    if scale is None or bias is None:
        return None
    rank = len(shape_of(op.output))
    parts = (part.reshape(aligned(part.shape, rank)) for part in (scale, bias))
    return Affine(*(shrunk(part) for part in parts))


def ended_by(op: LayerNormOp | RmsNormOp, affine: Affine, plan: Plan | None, bias: Array | None) -> Plan | None:
    """A plan, after which a normalization scales by nothing, and shifts by no more than a bias."""
    one = changed(as_array(np.ones(())), op.output)
    shift = changed(trimmed(bias), op.output) if bias is not None else None
    if plan is None or one is None or (bias is not None and shift is None):
        return None
    old = op.bias if isinstance(op, LayerNormOp) else None
    weights = [v for v in (op.scale, old) if v and is_read_once(v)]
    operations = int(affine.scales) + int(affine.shifts) - int(shift is not None)
    before = Cost(elements=operations * elements(op.output), weight_bytes=sum(byte_size(v) for v in weights))
    after = one.cost + shift.cost if shift else one.cost

    def build() -> None:
        plan.build_for(op)
        reparametrize(op, one, *([shift] if isinstance(op, LayerNormOp) else []))

    return Plan(plan.saved + before - after, plan.changed | {(op, 1)}, build)
