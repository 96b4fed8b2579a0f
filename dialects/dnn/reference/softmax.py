"""Numpy meanings of softmax and its logarithm. Half floats are computed in f32, as on the targets."""

import numpy as np

from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning
from webdnn.dialects.dnn.softmax import LogSoftmaxOp, SoftmaxOp


@meaning(SoftmaxOp)
def softmax(op: SoftmaxOp, x: Array) -> Array:
    x, axis = wide(x), op.axis.value.data
    power = np.exp(x - np.max(x, axis, keepdims=True))
    return power / np.sum(power, axis, power.dtype, keepdims=True)


@meaning(LogSoftmaxOp)
def log_softmax(op: LogSoftmaxOp, x: Array) -> Array:
    x, axis = wide(x), op.axis.value.data
    shifted = x - np.max(x, axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis, shifted.dtype, keepdims=True))
