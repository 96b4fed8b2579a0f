"""Numpy meanings of convolutions."""

from collections.abc import Iterator

import numpy as np

from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning


def groups_of(outputs: int, inputs: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """The output and the input channels of each group."""
    for group in range(groups):
        yield (
            slice(group * outputs // groups, (group + 1) * outputs // groups),
            slice(group * inputs // groups, (group + 1) * inputs // groups),
        )


def with_bias(result: Array, bias: Array | None) -> Array:
    return result if bias is None else result + wide(bias).reshape(-1, *[1] * (result.ndim - 2))


@meaning(ConvOp)
def conv(op: ConvOp, x: Array, w: Array, b: Array | None) -> Array:
    """A sum of shifted products, one for each tap of the kernel."""
    x, w, rank = wide(x), wide(w), x.ndim - 2
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    shape = op.infer()[0].get_shape()
    padded = np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[i + rank]) for i in range(rank))])
    result = np.zeros(shape, x.dtype)
    for outputs, inputs in groups_of(w.shape[0], x.shape[1], op.groups.value.data):
        for tap in np.ndindex(*w.shape[2:]):
            window = tuple(
                slice(tap[i] * dilations[i], tap[i] * dilations[i] + (shape[i + 2] - 1) * strides[i] + 1, strides[i])
                for i in range(rank)
            )
            own = padded[:, inputs][(slice(None), slice(None), *window)]
            result[:, outputs] += np.einsum("nc...,oc->no...", own, w[outputs][(..., *tap)])
    return with_bias(result, b)


@meaning(ConvTransposeOp)
def conv_transpose(op: ConvTransposeOp, x: Array, w: Array, b: Array | None) -> Array:
    """Each tap of the kernel adds its multiple of the input, at strides, to the result; then the padding is cut off."""
    x, w, rank = wide(x), wide(w), x.ndim - 2
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    shape = op.infer()[0].get_shape()
    whole = [shape[i + 2] + pads[i] + pads[i + rank] for i in range(rank)]
    result = np.zeros((x.shape[0], w.shape[0], *whole), x.dtype)
    for outputs, inputs in groups_of(w.shape[0], x.shape[1], op.groups.value.data):
        for tap in np.ndindex(*w.shape[2:]):
            window = tuple(
                slice(tap[i] * dilations[i], tap[i] * dilations[i] + (x.shape[i + 2] - 1) * strides[i] + 1, strides[i])
                for i in range(rank)
            )
            product = np.einsum("nc...,oc->no...", x[:, inputs], w[outputs][(..., *tap)])
            result[(slice(None), outputs, *window)] += product
    kept = tuple(slice(pads[i], whole[i] - pads[i + rank]) for i in range(rank))
    return with_bias(result[(slice(None), slice(None), *kept)], b)
