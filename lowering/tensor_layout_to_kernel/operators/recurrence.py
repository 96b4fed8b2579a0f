"""Kernel forms of the recurrent layers: one product for the inputs of all steps, and a scan that does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import math
from xdsl.dialects.builtin import TensorType, i64
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.dnn.recurrence import GruOp, LstmOp, RecurrentOp, RnnOp
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.attributes import ReduceKind
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, Step, lowers
from webdnn.lowering.tensor_layout_to_kernel.operators.elementwise import Scalars
from webdnn.support.index import Index, constant

Function = Callable[[Scalars, SSAValue, float, float], SSAValue]
"""(…, x, alpha, beta) -> the activation"""


def line(s: Scalars, x: SSAValue, alpha: float, beta: float) -> SSAValue:
    return s.plus(s.times(s.number(alpha, x), x), s.number(beta, x))


def below_zero(s: Scalars, x: SSAValue, value: SSAValue) -> SSAValue:
    """The value where x < 0, else x."""
    return s.select(s.compare(x, s.number(0, x), "lt"), value, x)


FUNCTIONS: Mapping[str, Function] = {
    "affine": line,
    "elu": lambda s, x, a, b: below_zero(s, x, s.times(s.number(a, x), s.of(math.ExpM1Op, x))),
    "hard_sigmoid": lambda s, x, a, b: s.maximum(s.minimum(line(s, x, a, b), s.number(1, x)), s.number(0, x)),
    "leaky_relu": lambda s, x, a, b: below_zero(s, x, s.times(s.number(a, x), x)),
    "relu": lambda s, x, a, b: s.relu(x),
    "scaled_tanh": lambda s, x, a, b: s.times(s.number(a, x), s.of(math.TanhOp, s.times(s.number(b, x), x))),
    "sigmoid": lambda s, x, a, b: s.sigmoid(x),
    "softplus": lambda s, x, a, b: s.softplus(x),
    "softsign": lambda s, x, a, b: s.softsign(x),
    "tanh": lambda s, x, a, b: s.of(math.TanhOp, x),
    "thresholded_relu": lambda s, x, a, b: s.select(s.compare(x, s.number(a, x), "gt"), x, s.number(0, x)),
}


class Cell(Scalars):
    """The body of a step at one hidden unit of one element of the batch."""

    def __init__(self, body: Body, op: RecurrentOp) -> None:
        super().__init__(body, element_type(op.operands[0].type))
        self.op = op

    def activation(self, which: int, x: SSAValue) -> SSAValue:
        """The activation of that number."""
        name, alpha, beta = self.op.functions[which]
        return FUNCTIONS[name](self, x, alpha, beta)

    def gate(self, which: int, x: SSAValue) -> SSAValue:
        """The activation of a gate, which is clipped before."""
        if self.op.clip is not None:
            bound = self.op.clip.value.data
            x = self.minimum(self.maximum(x, self.number(-bound, x)), self.number(bound, x))
        return self.activation(which, x)

    def complement_of(self, x: SSAValue) -> SSAValue:
        """1 - x"""
        return self.minus(self.number(1, x), x)


Point = Callable[[Cell, Index, Index], Sequence[SSAValue]]
"""(cell, element of the batch, hidden unit) -> values"""


@dataclass
class Layer:
    """One layer being lowered; everything inside has the compute type of its elements."""

    op: RecurrentOp
    low: Lowering
    recurrent: SSAValue
    lengths: SSAValue | None

    def __post_init__(self) -> None:
        (self.steps, self.batch, _), (self.gates, self.hidden, self.width) = (shape_of(o) for o in self.op.operands[:2])
        self.scalar = self.low.scalar(self.op.operands[0])

    def type(self, *shape: int) -> TensorType[Attribute]:
        return TensorType(self.scalar, shape)

    @property
    def state_type(self) -> TensorType[Attribute]:
        return self.type(self.batch, self.hidden)

    def inputs(self) -> SSAValue:
        """What every gate takes from the input at every step, and the bias: (T, B, G, H)."""
        input, weights, _, bias = self.op.operands[:4]

        def point(body: Body, t: Index, b: Index, g: Index, j: Index) -> SSAValue:
            def product(inner: Body, i: Index) -> SSAValue:
                return inner.times(self.low.read(inner, input, [t, b, i]), self.low.read(inner, weights, [g, j, i]))

            total = body.reduce(ReduceKind.ADD, [self.width], product, names="i", type=self.scalar)
            return body.plus(total, self.low.read(body, bias, [g, j]))

        return self.low.compute([self.type(self.steps, self.batch, self.gates, self.hidden)], point)[0]

    def initial(self, state: SSAValue | None) -> SSAValue:
        """The state before the first step."""

        def point(body: Body, *at: Index) -> SSAValue:
            return body.constant(0, self.scalar) if state is None else self.low.read(body, state, at)

        return self.low.compute([self.state_type], point)[0]

    def recurred(self, body: Body, h: SSAValue, gate: Index, b: Index, j: Index) -> SSAValue:
        """What a gate takes from a state: sum(k) h[b, k] · R[gate, j, k]"""

        def product(inner: Body, k: Index) -> SSAValue:
            r = self.low.read(inner, self.recurrent, [gate, j, k])
            return inner.times(inner.read(h, [b, k]), r)

        return body.reduce(ReduceKind.ADD, [self.hidden], product, names="k", type=self.scalar)

    def products(self, h: SSAValue, gates: int, inputs: SSAValue | None, t: Index) -> SSAValue:
        """What the first gates take from a state, and from the inputs of a step: one product for all of them."""

        def point(body: Body, b: Index, g: Index, j: Index) -> SSAValue:
            total = self.recurred(body, h, g, b, j)
            return total if inputs is None else body.plus(total, body.read(inputs, [t, b, g, j]))

        return self.low.compute([self.type(self.batch, gates, self.hidden)], point)[0]

    def compute(self, count: int, point: Point) -> list[SSAValue]:
        """A kernel of a step: so many results, each the size of a state."""

        def at(body: Body, b: Index, j: Index) -> Sequence[SSAValue]:
            return point(Cell(body, self.op), b, j)

        return self.low.compute([self.state_type] * count, at)

    def kept(
        self, cell: Cell, t: Index, b: Index, values: Sequence[SSAValue], old: Sequence[SSAValue]
    ) -> list[SSAValue]:
        """New values while the element's sequence lasts, old ones after its end."""
        if self.lengths is None:
            return list(values)
        length = self.low.read(cell, self.lengths, [b])
        valid = cell.less(cell.index(t, i64 if length.type == i64 else length.type), length)
        return [cell.select(valid, new, other) for new, other in zip(values, old, strict=True)]

    def row(self, t: Index, h: SSAValue) -> SSAValue:
        """What a step gives out: the state, or zero after the end of a sequence."""
        if self.lengths is None:
            return h

        def point(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            return self.kept(cell, t, b, [cell.read(h, [b, j])], [cell.constant(0, self.scalar)])

        return self.compute(1, point)[0]

    def nothing(self, body: Body, *at: Index) -> SSAValue:
        """Any element of a result that nobody reads."""
        return body.constant(0, self.scalar)

    def run(self, initial: Sequence[SSAValue | None], step: Callable[..., Sequence[SSAValue]]) -> list[SSAValue]:
        """`step(t, *states)` gives the next states, the hidden one first. The operator's results."""
        y, *states = self.op.results
        wanted = y.first_use is not None

        def both(t: Index, carried: Sequence[SSAValue]) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
            nexts = step(t, *carried)
            return nexts, [self.row(t, nexts[0])] if wanted else []

        last, stacked = self.scan([self.initial(state) for state in initial], wanted, both)
        rows = stacked[0] if wanted else self.low.compute([y], self.nothing)[0]
        settled = self.low.settled(rows, y) if wanted else rows
        return [settled, *(self.low.settled(v, r) for v, r in zip(last, states, strict=True))]

    def scan(
        self, inits: Sequence[SSAValue], wanted: bool, step: Step
    ) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
        stacked = [self.type(self.steps, self.batch, self.hidden)] if wanted else []
        names, reverse = "h c"[: 2 * len(inits) - 1], bool(self.op.reverse.value.data)
        return self.low.scan(self.steps, inits, stacked, step, names=names, reverse=reverse)


@lowers(LstmOp)
def lstm(op: LstmOp, low: Lowering) -> Sequence[SSAValue]:
    """One kernel for the products of all gates, and one for both states."""
    layer = Layer(op, low, op.recurrent, op.lengths)
    inputs = layer.inputs()

    def step(t: Index, h: SSAValue, c: SSAValue) -> Sequence[SSAValue]:
        gates = layer.products(h, 4, inputs, t)

        def point(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            i, o, f, g = (cell.read(gates, [b, constant(n), j]) for n in range(4))
            old = cell.read(c, [b, j])

            def seen(x: SSAValue, which: int, state: SSAValue) -> SSAValue:
                if op.peepholes is None:
                    return x
                return cell.plus(x, cell.times(low.read(cell, op.peepholes, [constant(which), j]), state))

            i = cell.gate(0, seen(i, 0, old))
            f = cell.complement_of(i) if op.input_forget.value.data else cell.gate(0, seen(f, 2, old))
            new = cell.plus(cell.times(f, old), cell.times(i, cell.gate(1, g)))
            o = cell.gate(0, seen(o, 1, new))
            states = [cell.times(o, cell.activation(2, new)), new]
            return states if op.lengths is None else layer.kept(cell, t, b, states, [cell.read(h, [b, j]), old])

        return layer.compute(2, point)

    return layer.run([op.initial_h, op.initial_c], step)


@lowers(GruOp)
def gru(op: GruOp, low: Lowering) -> Sequence[SSAValue]:
    """One kernel for products and one for the state; where the reset comes before the product, one for each gate."""
    layer = Layer(op, low, op.recurrent, op.lengths)
    inputs, linear = layer.inputs(), bool(op.linear_before_reset.value.data)

    def reset_after(t: Index, h: SSAValue) -> Sequence[SSAValue]:
        gates = layer.products(h, 3, None, t)

        def point(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            z, r, n = (cell.read(inputs, [t, b, constant(i), j]) for i in range(3))
            of_z, of_r, of_n = (cell.read(gates, [b, constant(i), j]) for i in range(3))
            if op.hidden_bias is not None:
                of_n = cell.plus(of_n, low.read(cell, op.hidden_bias, [j]))
            reset = cell.gate(0, cell.plus(r, of_r))
            return mixed(cell, cell.plus(z, of_z), cell.plus(n, cell.times(reset, of_n)), t, h, b, j)

        return layer.compute(1, point)

    def reset_before(t: Index, h: SSAValue) -> Sequence[SSAValue]:
        gates = layer.products(h, 2, inputs, t)

        def reset(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            return [cell.times(cell.gate(0, cell.read(gates, [b, constant(1), j])), cell.read(h, [b, j]))]

        (left,) = layer.compute(1, reset)

        def point(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            n = cell.plus(layer.recurred(cell, left, constant(2), b, j), cell.read(inputs, [t, b, constant(2), j]))
            return mixed(cell, cell.read(gates, [b, constant(0), j]), n, t, h, b, j)

        return layer.compute(1, point)

    def mixed(
        cell: Cell, update: SSAValue, hidden: SSAValue, t: Index, h: SSAValue, b: Index, j: Index
    ) -> Sequence[SSAValue]:
        z, old = cell.gate(0, update), cell.read(h, [b, j])
        new = cell.plus(cell.times(cell.complement_of(z), cell.gate(1, hidden)), cell.times(z, old))
        return layer.kept(cell, t, b, [new], [old])

    return layer.run([op.initial_h], reset_after if linear else reset_before)


@lowers(RnnOp)
def rnn(op: RnnOp, low: Lowering) -> Sequence[SSAValue]:
    layer = Layer(op, low, op.recurrent, op.lengths)
    inputs = layer.inputs()

    def step(t: Index, h: SSAValue) -> Sequence[SSAValue]:
        def point(cell: Cell, b: Index, j: Index) -> Sequence[SSAValue]:
            x = cell.plus(layer.recurred(cell, h, constant(0), b, j), cell.read(inputs, [t, b, constant(0), j]))
            return layer.kept(cell, t, b, [cell.gate(0, x)], [cell.read(h, [b, j])] if op.lengths else [])

        return layer.compute(1, point)

    return layer.run([op.initial_h], step)
