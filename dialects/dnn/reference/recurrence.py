"""Numpy meanings of the recurrent layers: a plain loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from webdnn.dialects.dnn.recurrence import GruOp, LstmOp, RecurrentOp, RnnOp
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.dnn.reference.elementwise import wide
from webdnn.dialects.dnn.reference.registry import meaning

Function = Callable[[Array, Array, Array], Array]
"""(x, alpha, beta) -> the activation"""

FUNCTIONS: Mapping[str, Function] = {
    "affine": lambda x, a, b: a * x + b,
    "elu": lambda x, a, b: np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x),
    "hard_sigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "leaky_relu": lambda x, a, b: np.where(x < 0, a * x, x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "softplus": lambda x, a, b: np.logaddexp(x, 0),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "tanh": lambda x, a, b: np.tanh(x),
    "thresholded_relu": lambda x, a, b: np.where(x > a, x, 0),
}


@dataclass
class Steps:
    """The state of a layer, step by step: `carried` holds the hidden state first, `rows` what each step gave."""

    op: RecurrentOp
    carried: list[Array]
    lengths: Array | None
    rows: dict[int, Array] = field(default_factory=dict[int, Array])

    def activation(self, which: int, x: Array, *, clipped: bool = True) -> Array:
        """The activation of that number, of a gate clipped before."""
        name, alpha, beta = self.op.functions[which]
        if self.op.clip is not None and clipped:
            bound = np.asarray(self.op.clip.value.data, x.dtype)
            x = np.clip(x, -bound, bound)
        return FUNCTIONS[name](x, np.asarray(alpha, x.dtype), np.asarray(beta, x.dtype))

    def run(self, count: int, step: Callable[[int, Sequence[Array]], Sequence[Array]]) -> list[Array]:
        """`step` gives the next carried values of all elements; those that have ended keep theirs."""
        for t in reversed(range(count)) if self.op.reverse.value.data else range(count):
            nexts = step(t, self.carried)
            if self.lengths is None:
                self.carried, self.rows[t] = list(nexts), nexts[0]
                continue
            valid = (t < self.lengths)[:, None]
            self.carried = [np.where(valid, new, old) for new, old in zip(nexts, self.carried, strict=True)]
            self.rows[t] = np.where(valid, nexts[0], 0)
        return [np.stack([self.rows[t] for t in range(count)]), *self.carried]


def projected(x: Array, w: Array, b: Array) -> Array:
    """What each gate takes from the input: (gates, steps, batch, hidden)."""
    return np.einsum("tbi,gji->gtbj", wide(x), wide(w)) + wide(b)[:, None, None]


def recurred(h: Array, r: Array) -> Array:
    """What each gate takes from the state: (gates, batch, hidden)."""
    return np.einsum("bk,gjk->gbj", h, wide(r))


def begun(x: Array, w: Array, *states: Array | None) -> list[Array]:
    """The states before the first step."""
    zero = np.zeros((x.shape[1], w.shape[1]), wide(x).dtype)
    return [zero if state is None else wide(state) for state in states]


@meaning(LstmOp)
def lstm(
    op: LstmOp,
    x: Array,
    w: Array,
    r: Array,
    b: Array,
    lengths: Array | None,
    h0: Array | None,
    c0: Array | None,
    peepholes: Array | None,
) -> Sequence[Array]:
    steps, inputs = Steps(op, begun(x, w, h0, c0), lengths), projected(x, w, b)
    pi, po, pf = np.zeros((3, w.shape[1]), inputs.dtype) if peepholes is None else wide(peepholes)

    def step(t: int, carried: Sequence[Array]) -> Sequence[Array]:
        h, c = carried
        i, o, f, g = inputs[:, t] + recurred(h, r)
        i = steps.activation(0, i + pi * c)
        f = 1 - i if op.input_forget.value.data else steps.activation(0, f + pf * c)
        c = f * c + i * steps.activation(1, g)
        o = steps.activation(0, o + po * c)
        return [o * steps.activation(2, c, clipped=False), c]

    return steps.run(x.shape[0], step)


@meaning(GruOp)
def gru(
    op: GruOp,
    x: Array,
    w: Array,
    r: Array,
    b: Array,
    hidden_bias: Array | None,
    lengths: Array | None,
    h0: Array | None,
) -> Sequence[Array]:
    steps, inputs = Steps(op, begun(x, w, h0), lengths), projected(x, w, b)

    def step(t: int, carried: Sequence[Array]) -> Sequence[Array]:
        (h,) = carried
        update, reset, hidden = inputs[:, t] + [*recurred(h, r[:2]), np.zeros_like(h)]
        update, reset = steps.activation(0, update), steps.activation(0, reset)
        if op.linear_before_reset.value.data:
            (linear,) = recurred(h, r[2:])
            hidden = hidden + reset * (linear if hidden_bias is None else linear + wide(hidden_bias))
        else:
            hidden = hidden + recurred(reset * h, r[2:])[0]
        return [(1 - update) * steps.activation(1, hidden) + update * h]

    return steps.run(x.shape[0], step)


@meaning(RnnOp)
def rnn(op: RnnOp, x: Array, w: Array, r: Array, b: Array, lengths: Array | None, h0: Array | None) -> Sequence[Array]:
    steps, inputs = Steps(op, begun(x, w, h0), lengths), projected(x, w, b)
    return steps.run(x.shape[0], lambda t, carried: [steps.activation(0, (inputs[:, t] + recurred(carried[0], r))[0])])
