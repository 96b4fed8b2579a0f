"""The `dnn` dialect: what a network computes, free of layout and device."""

from xdsl.ir import Dialect, Operation

from webdnn.dialects.dnn import (
    activation,
    arithmetic,
    constant,
    control,
    convolution,
    elementwise,
    gather,
    linear_algebra,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    scatter,
    selection,
    shape,
    softmax,
)
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.weight import WeightAttr

FAMILIES = (
    activation,
    arithmetic,
    constant,
    control,
    convolution,
    elementwise,
    gather,
    linear_algebra,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resize,
    scatter,
    selection,
    shape,
    softmax,
)
"""The modules whose operators make up the dialect."""

OPERATORS: list[type[Operation]] = [
    op
    for family in FAMILIES
    for op in vars(family).values()
    if isinstance(op, type) and issubclass(op, DnnOp) and op.__module__ == family.__name__ and hasattr(op, "name")
]

DNN = Dialect("dnn", [*OPERATORS, control.YieldOp], [WeightAttr])
