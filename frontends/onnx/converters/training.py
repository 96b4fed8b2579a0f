"""Converters of optimizers, which give the weights after one step: Momentum, Adagrad, Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import PowOp
from webdnn.dialects.dnn.elementwise import SqrtOp
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term

DOMAIN = "ai.onnx.preview.training"

Step = Callable[[Node, Term, Term, Sequence[Term]], Sequence[Term]]
"""(node, learning rate, number of the step as a float, weight and gradient and states) -> new weight and states"""


def stepped(node: Node, states: int, step: Step) -> list[SSAValue]:
    """A step for each weight; operands and results lie by kind: all weights, all gradients, all of each state."""
    rate, count = Term.operand(node, 0), Term.operand(node, 1)
    kinds, weights = 2 + states, (len(node.operands) - 2) // (2 + states)
    if len(node.operands) != 2 + kinds * weights:
        node.refuse(f"has {len(node.operands)} operands", hint=f"expected 2 and {kinds} for each weight")
    results: list[Sequence[Term]] = []
    for i in range(weights):
        own = [Term.operand(node, 2 + kind * weights + i) for kind in range(kinds)]
        element = node.element(2 + i).name
        results.append(step(node, rate.cast(element), count.cast(element), own))
    return [result[kind].value for kind in range(1 + states) for result in results]


def regularized(node: Node, weight: Term, gradient: Term) -> Term:
    return weight * node.number("norm_coefficient") + gradient


def momentum_step(node: Node, rate: Term, count: Term, own: Sequence[Term]) -> Sequence[Term]:
    weight, gradient, velocity = own
    slope = regularized(node, weight, gradient)
    alpha = node.number("alpha")
    factor = count.greater(0).where(count * 0 + node.number("beta"), 1)
    faster = velocity * alpha + slope * factor
    along = slope + faster * alpha if node.text("mode") == "nesterov" else faster
    return weight - along * rate, faster


@converter("Momentum", domain=DOMAIN)
def momentum(node: Node) -> Sequence[SSAValue]:
    return stepped(node, 1, momentum_step)


def adagrad_step(node: Node, rate: Term, count: Term, own: Sequence[Term]) -> Sequence[Term]:
    weight, gradient, squares = own
    slope = regularized(node, weight, gradient)
    more = squares + slope * slope
    slower = rate / (count * node.number("decay_factor", 0.0) + 1)
    return weight - slope * slower / (more.apply(SqrtOp) + node.number("epsilon", 1e-6)), more


@converter("Adagrad", domain=DOMAIN)
def adagrad(node: Node) -> Sequence[SSAValue]:
    return stepped(node, 1, adagrad_step)


def adam_step(node: Node, rate: Term, count: Term, own: Sequence[Term]) -> Sequence[Term]:
    weight, gradient, means, squares = own
    slope = regularized(node, weight, gradient)
    alpha, beta = node.number("alpha", 0.9), node.number("beta", 0.999)
    mean = means * alpha + slope * (1 - alpha)
    square = squares * beta + slope * slope * (1 - beta)
    bias, other = (1 - (count * 0 + base).meets(PowOp, count) for base in (beta, alpha))
    started = count.greater(0)
    corrected = started.where(rate * bias.apply(SqrtOp) / started.where(other, 1), rate)
    moved = weight - corrected * (mean / (square.apply(SqrtOp) + node.number("epsilon", 1e-6)))
    return moved * (1 - node.number("norm_coefficient_post", 0.0)), mean, square


@converter("Adam", domain=DOMAIN)
def adam(node: Node) -> Sequence[SSAValue]:
    return stepped(node, 2, adam_step)
