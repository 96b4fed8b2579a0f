"""Kernel forms of convolutions by Winograd's minimal filtering: two transforms, and a matrix product between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import narrowed
from webdnn.lowering.tensor_layout_to_kernel.operators.window import read_or
from webdnn.support.index import Index, floordiv, mod
from webdnn.support.winograd import Matrix, winograd

Element = Callable[[Body, Index, Index], SSAValue]
"""(body, row, column) -> the element of a small matrix there"""


def transformed(
    body: Body, matrix: Matrix, row: Index, column: Index, element: Element, init: SSAValue | None = None
) -> SSAValue:
    """One element of M·E·M^T, plus `init`: a sum over columns of sums over rows, which the elements of a row share."""
    rows, size = [[float(v) for v in values] for values in matrix], len(matrix[0])

    def over_columns(outer: Body, b: Index) -> SSAValue:
        def over_rows(inner: Body, a: Index) -> SSAValue:
            return inner.times(inner.table(rows, [row, a]), element(inner, a, b))

        return outer.times(outer.table(rows, [column, b]), outer.reduce(ReduceKind.ADD, [size], over_rows, names="a"))

    return body.reduce(ReduceKind.ADD, [size], over_columns, names="b", init=init)


def stored_columns(columns: int, *channels: int) -> int:
    """How many tiles of a row are computed: one more where all elements of a tile would lie in one set of the cache."""
    return columns + (columns >= 8 and any(columns * n % 256 == 0 for n in channels))


def winograd_conv(op: ConvOp, low: Lowering, outputs: int) -> Sequence[SSAValue]:
    """A convolution with stride 1 in tiles of `outputs` x `outputs` results, each from (outputs + taps - 1)² products.

    U[i, j, c, o] = (G w[o, c] G^T)[i, j]; V[n, t, i, j, u, c] = (B^T x[n, c, tile t, u] B)[i, j];
    y[n, o, tile t, u] = bias[o] + A^T (sum(c) U[·, ·, c, o] · V[n, t, ·, ·, u, c]) A
    """
    batch, channels, *_ = shape_of(op.input)
    _, results, height, width = shape_of(op.output)
    taps, (top, left, *_) = shape_of(op.weight)[2], op.pads.get_values()
    matrices = winograd(outputs, taps)
    rows, columns, tile = -(-height // outputs), -(-width // outputs), matrices.tile
    stored = stored_columns(columns, channels, results)

    def weight(body: Body, i: Index, j: Index, c: Index, o: Index) -> SSAValue:
        return transformed(body, matrices.weight, i, j, lambda inner, a, b: low.read(inner, op.weight, [o, c, a, b]))

    def input_tile(body: Body, n: Index, t: Index, i: Index, j: Index, u: Index, c: Index) -> SSAValue:
        def element(inner: Body, a: Index, b: Index) -> SSAValue:
            place = [n, c, t * outputs + a - top, u * outputs + b - left]
            return read_or(low, inner, op.input, place, inner.constant(0), (2, 3))

        return transformed(body, matrices.input, i, j, element)

    (u_,) = low.compute([TensorType(f32, [tile, tile, channels, results])], weight)
    (v_,) = low.compute([TensorType(f32, [batch, rows, tile, tile, stored, channels])], input_tile)

    def product(body: Body, n: Index, t: Index, i: Index, j: Index, u: Index, o: Index) -> SSAValue:
        def term(inner: Body, c: Index) -> SSAValue:
            return inner.times(low.read(inner, v_, [n, t, i, j, u, c]), low.read(inner, u_, [i, j, c, o]))

        return body.reduce(ReduceKind.ADD, [channels], term, names="ci")

    (m_,) = low.compute([TensorType(f32, [batch, rows, tile, tile, stored, results])], product)

    def point(body: Body, n: Index, o: Index, y: Index, x: Index) -> SSAValue:
        t, u = (floordiv(at, outputs, range_of) for at in (y, x))
        down, right = mod(y, outputs, range_of), mod(x, outputs, range_of)

        def element(inner: Body, a: Index, b: Index) -> SSAValue:
            return low.read(inner, m_, [n, t, a, b, u, o])

        bias = low.read(body, op.bias, [o]) if op.bias else None
        total = transformed(body, matrices.output, down, right, element, bias)
        return narrowed(body, total, element_type(op.output.type))

    return low.compute([op.output], point)
