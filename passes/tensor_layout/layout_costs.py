"""What an operator costs on a device in given layouts, in seconds: only ratios matter.

max(multiply-adds / rate, bytes / rate) / efficiency, where the efficiency follows from what the operator's vectors
hold: the neighbours along the innermost axis of what it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import Operation, SSAValue

from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.pooling import PoolOp
from webdnn.dialects.dnn.shape import ConcatOp, ReshapeOp, TransposeOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.tensor_layout.layout_rules import CHANNEL_WISE, tensorwise_axes
from webdnn.support.axis_layout import AxisLayout, Storage
from webdnn.support.device import DeviceModel
from webdnn.support.reshaped_layout import reshaped

UNALIGNED = 0.7
"""The share of its speed that a kernel keeps where rows do not begin at whole vectors."""

COMBINED = 0.8
"""The share of its speed that a reduction keeps along its own lanes: partial vectors are combined once, at the end."""


def operator_cost(
    op: Operation, inputs: Sequence[AxisLayout | None], outputs: Sequence[AxisLayout], device: DeviceModel
) -> float:
    """The time of an operator whose operands (None: constants) and results lie so; nothing where it is a view."""
    loaded = sum(stored_bytes(value, layout) for value, layout in zip(op.operands, inputs, strict=True))
    stored = sum(stored_bytes(value, layout) for value, layout in zip(op.results, outputs, strict=True))
    least = max(multiply_adds(op) / (device.rates.macs * device.rates.fetched), (loaded + stored) / device.rates.bytes)
    if isinstance(op, ReshapeOp | TransposeOp | ConcatOp):
        if moves_nothing(op, inputs, outputs, device):
            return 0.0
        return least / device.efficiency.crossing + device.rates.launch
    if isinstance(op, PoolOp) and inputs[0] and turns(op, inputs[0], outputs[0]):
        if innermost(op.input, inputs[0]) != 1:
            return least / device.efficiency.gathered
        least = max(multiply_adds(op) / device.rates.macs, loaded / device.rates.bytes)
        return least / device.efficiency.lanes + stored / device.rates.bytes / device.efficiency.crossing
    share = efficiency(op, inputs, outputs[0], device)
    layouts = [layout for layout in (*inputs, *outputs) if layout]
    values = [v for v, layout in zip((*op.operands, *op.results), (*inputs, *outputs), strict=True) if layout]
    whole = all(begins_rows_at_vectors(v, layout, device) for v, layout in zip(values, layouts, strict=True))
    return least / (share if whole else share * UNALIGNED)


def turns(op: PoolOp, source: AxisLayout, output: AxisLayout) -> bool:
    """Are neighbours in what is read no neighbours in the result?"""
    axis = innermost(op.output, output)
    return axis is not None and axis != innermost(op.input, source)


def conversion_cost(value: SSAValue, layouts: Sequence[AxisLayout], device: DeviceModel) -> float:
    """The time of storing a value another way."""
    most = max(stored_bytes(value, layout) for layout in layouts)
    return 2 * most / device.rates.bytes / device.efficiency.crossing + device.rates.launch


def stored_bytes(value: SSAValue, layout: AxisLayout | None) -> int:
    shape = shape_of(value)
    return prod(layout.stored_shape(shape) if layout else shape) * element_type(value.type).bytes


def begins_rows_at_vectors(value: SSAValue, layout: AxisLayout, device: DeviceModel) -> bool:
    stored = layout.stored_shape(shape_of(value))
    return device.align == 1 or not stored or stored[-1] % device.align == 0


def multiply_adds(op: Operation) -> int:
    """The arithmetic of an operator; one operation an element where it is not known better."""
    size = prod(shape_of(op.results[0]))
    match op:
        case ConvOp():
            return size * prod(shape_of(op.weight)[1:])
        case ConvTransposeOp():
            return prod(shape_of(op.input)) * prod(shape_of(op.weight)[1:])
        case MatmulOp():
            return size * shape_of(op.lhs)[-1]
        case PoolOp():
            return size * prod(op.kernel.get_values())
        case _:
            return max(size, *(prod(shape_of(operand)) for operand in op.operands)) if op.operands else size


def moves_nothing(
    op: Operation, inputs: Sequence[AxisLayout | None], outputs: Sequence[AxisLayout], device: DeviceModel
) -> bool:
    """Is the result a view of what was stored before, or made of places for its operands?"""
    shape, (output,), source = shape_of(op.results[0]), outputs, inputs[0]
    match op:
        case TransposeOp():
            moved = source and source.permuted(op.permutation.get_values())
        case ReshapeOp():
            moved = source and reshaped(source, shape_of(op.input), shape)
        case ConcatOp():
            outer = output.order[: output.order.index(op.axis.value.data)]
            return device.storage is Storage.LINEAR and all(shape[axis] == 1 for axis in outer)
        case _:
            return False
    return moved is not None and moved.essence(shape) == output.essence(shape)


def innermost(value: SSAValue, layout: AxisLayout) -> int | None:
    """The axis whose elements are neighbours in memory."""
    shape = shape_of(value)
    return next((axis for axis in reversed(layout.order) if shape[axis] > 1), None)


def efficiency(op: Operation, inputs: Sequence[AxisLayout | None], output: AxisLayout, device: DeviceModel) -> float:
    """The share of the device's rates that the operator reaches."""
    match op:
        case ConvOp() | ConvTransposeOp():
            return convolution_efficiency(op, inputs[0], output, device)
        case MatmulOp():
            return product_efficiency(op, inputs, output, device)
        case _:
            axis = innermost(op.results[0], output)
            if axis is None or axis in tensorwise_axes(op):
                return device.efficiency.lanes
            return device.efficiency.crossing if isinstance(op, CHANNEL_WISE) else device.efficiency.lanes * COMBINED


def convolution_efficiency(
    op: ConvOp | ConvTransposeOp, source: AxisLayout | None, output: AxisLayout, device: DeviceModel
) -> float:
    """Lanes hold output channels, or else neighbouring pixels.

    Under output channels each element read serves a whole vector, so that of few channels (a picture) any order is
    good, unless elements are fetched by four, which are channels or else mostly in vain; in a depthwise convolution the
    input's channels are lanes too.
    """
    rates = device.efficiency
    channels_out = innermost(op.results[0], output) in (1, None)
    channels_in = source is None or innermost(op.operands[0], source) in (1, None)
    if not channels_out:
        return rates.gathered if channels_in else rates.crossing
    if channels_in:
        return rates.lanes
    channels, groups = shape_of(op.operands[0])[1], op.groups.value.data
    if groups > 1:
        return rates.gathered
    few = channels <= device.lanes and device.storage is Storage.LINEAR
    return rates.lanes * 0.97 if few else rates.crossing


def product_efficiency(
    op: MatmulOp, inputs: Sequence[AxisLayout | None], output: AxisLayout, device: DeviceModel
) -> float:
    """Lanes hold columns of the result and of the right operand; elements of the left one are read singly."""
    rates = device.efficiency
    share = rates.lanes if along(op.output, output, 1) else rates.gathered
    if inputs[1] and not along(op.rhs, inputs[1], 1):
        share = min(share, rates.crossing if along(op.rhs, inputs[1], 2) else rates.gathered)
    if inputs[0] and not along(op.lhs, inputs[0], 1):
        share *= 0.9 if along(op.lhs, inputs[0], 2) else 0.6
    return share


def along(value: SSAValue, layout: AxisLayout, from_end: int) -> bool:
    """Is the innermost axis the last one (1) or the one before it (2)? One of extent 1 may be anywhere."""
    axis = len(shape_of(value)) - from_end
    return innermost(value, layout) in (axis, None)
