"""Kernel forms of convolutions."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, lowers
from webdnn.support.index import ZERO, Index, floordiv


@lowers(ConvOp)
def conv(op: ConvOp, low: Lowering) -> Sequence[SSAValue]:
    """y[n, o, p] = bias[o] + sum(k, c) x[n, group(o)·C/G + c, p·stride + k·dilation - pad] · w[o, c, k], zero outside.

    The kernel's taps are the outer axes of the reduction, its channels the inner one.
    """
    strides, dilations, pads = (a.get_values() for a in (op.strides, op.dilations, op.pads))
    outputs, inputs, *taps = shape_of(op.weight)
    per_group = outputs // op.groups.value.data
    scalar = low.scalar(op.output)

    def point(body: Body, n: Index, o: Index, *at: Index) -> SSAValue:
        group = floordiv(o, per_group, range_of) if op.groups.value.data > 1 else ZERO

        def product(inner: Body, *k: Index) -> SSAValue:
            *tap, c = k
            place = [
                p * s + t * d - low_pad
                for p, s, t, d, low_pad in zip(at, strides, tap, dilations, pads[: len(tap)], strict=True)
            ]
            x = low.read(inner, op.input, [n, group * inputs + c, *place])
            return inner.times(x, low.read(inner, op.weight, [o, c, *tap]))

        names = " ".join([*("kz ky kx".split()[-len(taps) :] if len(taps) <= 3 else map("k{}".format, taps)), "ci"])
        init = low.read(body, op.bias, [o]) if op.bias else None
        return body.reduce(ReduceKind.ADD, [*taps, inputs], product, names=names, init=init, type=scalar)

    return low.compute([op.output], point)
