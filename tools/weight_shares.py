"""What a compilation did with a model's constants: how many bytes are stored in which way, and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.quantization import DequantizeLinearOp, UnpackNibblesOp
from webdnn.dialects.dnn.reference.constants import byte_size
from webdnn.dialects.element import element_type
from webdnn.passes.dnn.compress_weights import FORMATS, PLAIN, why_left
from webdnn.tools.summary import WeightShare

SCALES = "scales"
TOO_FAR_OFF = "weights that would err by too much"


def weight_shares(module: ModuleOp) -> tuple[WeightShare, ...]:
    """By the way in which they are stored; of a module of the `dnn` dialect after `dnn-compress-weights`."""
    constants = [op for op in module.walk() if isinstance(op, ConstantOp)]
    found = sorted((*share_of(op), byte_size(op.output)) for op in constants)
    shares: list[WeightShare] = []
    for (stored, what), group in groupby(found, key=lambda item: item[:2]):
        sizes = [size for *_, size in group]
        shares.append(WeightShare(stored, sum(sizes), f"{len(sizes)} {what}"))
    order = (*FORMATS, PLAIN)
    return tuple(sorted(shares, key=lambda s: order.index(s.stored) if s.stored in order else len(order)))


def share_of(op: ConstantOp) -> tuple[str, str]:
    """How a constant is stored, and what it is."""
    name = element_type(op.output.type).name
    readers = list(users(op))
    if any(isinstance(r, UnpackNibblesOp) for r in readers):
        return "q4", "weights"
    if any(isinstance(r, DequantizeLinearOp) and r.input is op.output for r in readers):
        return ("f16" if element_type(op.output.type).bits == 16 else "q8"), "weights"
    if any(isinstance(r, DequantizeLinearOp) for r in readers) or is_scale(readers):
        return name, SCALES
    if name == "f16" and any(isinstance(r, CastOp) for r in readers):
        return name, "weights"
    return name, why_left(op) or TOO_FAR_OFF


def is_scale(readers: list[Operation]) -> bool:
    """Does the constant become the scale of something else?"""
    casts = [r for r in readers if isinstance(r, CastOp)]
    return any(isinstance(use.operation, DequantizeLinearOp) and use.index == 1 for c in casts for use in c.output.uses)


def users(op: ConstantOp) -> Iterator[Operation]:
    yield from (use.operation for use in op.output.uses)
