"""Kernel forms of convolutions by Winograd's minimal filtering: two transforms, and a matrix product between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import narrowed
from webdnn.lowering.tensor_layout_to_kernel.operators.window import read_or
from webdnn.support.index import ZERO, Index, floordiv, mod
from webdnn.support.winograd import Matrix, Winograd, transposed, winograd

Element = Callable[[Body, Sequence[Index]], SSAValue]
"""(body, indices) -> the element of a small array there"""


def transformed(
    body: Body, matrices: Sequence[Matrix], at: Sequence[Index], element: Element, init: SSAValue | None = None
) -> SSAValue:
    """One element of an array with each matrix applied along its axis, plus `init`.

    It is a sum over the last axis of sums over the one before, and so on, which the elements of a line share.
    """
    if not matrices:
        return element(body, [])
    *others, matrix = matrices
    *before, row = at

    def inner(within: Body, place: Index) -> SSAValue:
        return transformed(within, others, before, lambda body, places: element(body, [*places, place]))

    if matrix == ((1,),):
        return inner(body, ZERO) if init is None else body.plus(init, inner(body, ZERO))
    rows = [[float(v) for v in values] for values in matrix]

    def term(within: Body, place: Index) -> SSAValue:
        return within.times(within.table(rows, [row, place]), inner(within, place))

    return body.reduce(ReduceKind.ADD, [len(matrix[0])], term, names=f"k{len(others)}", init=init)


def stored_columns(columns: int, *channels: int) -> int:
    """How many tiles of a row are computed: one more where all elements of a tile would lie in one set of the cache."""
    return columns + (columns >= 8 and any(columns * n % 256 == 0 for n in channels))


def conv_axis(outputs: int, taps: int, stride: int, pad: int) -> tuple[Winograd, int]:
    """The algorithm along an axis, and where the window of the first tile begins."""
    return winograd(outputs, taps, stride), -pad


def transposed_axis(outputs: int, taps: int, stride: int, pad: int) -> tuple[Winograd, int]:
    """The same of a transposed convolution: result p sees the element (p + pad) floordiv stride and those before it."""
    return transposed(outputs, taps, stride, pad % stride), pad // stride + 1 - -(-taps // stride)


def in_tiles(op: ConvOp | ConvTransposeOp, low: Lowering, outputs: Sequence[int]) -> Sequence[SSAValue]:
    """A convolution, or a transposed one, in tiles; for two axes, where i, j count products

    U[i, j, c, o] = (G w[o, c] G^T)[i, j]; V[n, t, i, j, u, c] = (B^T x[n, c, window t, u] B)[i, j];
    y[n, o, tile t, u] = bias[o] + A^T (sum(c) U[·, ·, c, o] · V[n, t, ·, ·, u, c]) A
    """
    batch, channels, *_ = shape_of(op.input)
    _, results, *extents = shape_of(op.output)
    rank, along = len(outputs), conv_axis if isinstance(op, ConvOp) else transposed_axis
    strides, pads = op.strides.get_values(), op.pads.get_values()[:rank]
    axes, first = zip(*map(along, outputs, shape_of(op.weight)[2:], strides, pads), strict=True)
    *rows, columns = (-(-extent // axis.outputs) for axis, extent in zip(axes, extents, strict=True))
    products, stored = [axis.products for axis in axes], stored_columns(columns, channels, results)

    def weight(body: Body, *at: Index) -> SSAValue:
        *point, c, o = at

        def element(inner: Body, k: Sequence[Index]) -> SSAValue:
            return low.read(inner, op.weight, [o, c, *k])

        return transformed(body, [axis.weight for axis in axes], point, element)

    def window(body: Body, n: Index, *at: Index) -> SSAValue:
        tile, point, c = (*at[: rank - 1], at[-2]), at[rank - 1 : -2], at[-1]

        def element(inner: Body, within: Sequence[Index]) -> SSAValue:
            place = [t * axis.step + k + start for axis, t, k, start in zip(axes, tile, within, first, strict=True)]
            return read_or(low, inner, op.input, [n, c, *place], inner.constant(0), range(2, 2 + rank))

        return transformed(body, [axis.input for axis in axes], point, element)

    (u_,) = low.compute([TensorType(f32, [*products, channels, results])], weight)
    (v_,) = low.compute([TensorType(f32, [batch, *rows, *products, stored, channels])], window)

    def product(body: Body, n: Index, *at: Index) -> SSAValue:
        *tile, o = at

        def term(inner: Body, c: Index) -> SSAValue:
            return inner.times(low.read(inner, v_, [n, *tile, c]), low.read(inner, u_, [*tile[rank - 1 : -1], c, o]))

        return body.reduce(ReduceKind.ADD, [channels], term, names="ci")

    (m_,) = low.compute([TensorType(f32, [batch, *rows, *products, stored, results])], product)

    def point(body: Body, n: Index, o: Index, *at: Index) -> SSAValue:
        *tile, last = (floordiv(place, axis.outputs, range_of) for place, axis in zip(at, axes, strict=True))
        within = [mod(place, axis.outputs, range_of) for place, axis in zip(at, axes, strict=True)]

        def element(inner: Body, found: Sequence[Index]) -> SSAValue:
            return low.read(inner, m_, [n, *tile, *found, last, o])

        bias = low.read(body, op.bias, [o]) if op.bias else None
        total = transformed(body, [axis.output for axis in axes], within, element, bias)
        return narrowed(body, total, element_type(op.output.type))

    return low.compute([op.output], point)
