"""Numpy meanings of convolutions."""

import numpy as np

from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.reference.registry import Array, meaning


@meaning(ConvOp)
def conv(op: ConvOp, x: Array, w: Array, b: Array | None) -> Array:
    """A sum of shifted products, one for each tap of the kernel."""
    rank, groups = x.ndim - 2, op.groups.value.data
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    shape = op.infer()[0].get_shape()
    padded = np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[i + rank]) for i in range(rank))])
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    result = np.zeros(shape, np.result_type(x, np.float32) if x.dtype.kind == "f" else x.dtype)
    for group in range(groups):
        own = padded[:, group * inputs : (group + 1) * inputs]
        weights = w[group * outputs : (group + 1) * outputs]
        for tap in np.ndindex(*w.shape[2:]):
            window = tuple(
                slice(tap[i] * dilations[i], tap[i] * dilations[i] + (shape[i + 2] - 1) * strides[i] + 1, strides[i])
                for i in range(rank)
            )
            product = np.einsum("nc...,oc->no...", own[(slice(None), slice(None), *window)], weights[(..., *tap)])
            result[:, group * outputs : (group + 1) * outputs] += product
    return result if b is None else result + b.reshape(-1, *[1] * rank)
