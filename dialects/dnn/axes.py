"""Axes that several families of operators name in their `Tensorwise` traits."""

from xdsl.ir import Operation

from webdnn.dialects.element import shape_of


def every_axis(op: Operation) -> frozenset[int]:
    """Each element of the result is computed by itself."""
    return frozenset(range(len(shape_of(op.results[0]))))


def batch_and_channels(op: Operation) -> frozenset[int]:
    """Nothing reaches across images or output channels."""
    return frozenset({0, 1})
