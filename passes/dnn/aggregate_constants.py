"""`dnn-aggregate-constants`: what constants scale and shift becomes part of other constants, where that costs less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from webdnn.passes.dnn.aggregation.association import aggregated
from webdnn.passes.dnn.aggregation.normalization import plain
from webdnn.passes.dnn.aggregation.plan import NOTHING, Plan, best
from webdnn.passes.dnn.aggregation.producers import absorbed
from webdnn.passes.dnn.aggregation.products import merged
from webdnn.passes.dnn.aggregation.readers import pushed
from webdnn.passes.dnn.aggregation.steps import Chain, chain_to, shortest
from webdnn.passes.dnn.rewriting import bodies, forward, is_read_once, replace
from webdnn.support.affine import Affine, identity, scaling, shifting

SWEEPS = 20
"""Most times that all operators are looked at. Each rewriting lowers the cost, so that few are needed; the bound keeps
a mistake in a cost from being a compiler that hangs."""


def plans_for(op: Operation) -> Iterator[Plan | None]:
    """All ways to do with less what an operator, and those that it ends, do by constants."""
    yield aggregated(op)
    yield from plain(op)
    yield merged(op)
    chain = chain_to(op)
    if chain is None:
        return
    affine, none = chain.affine, identity(chain.affine.scale.ndim)
    yield left(chain, NOTHING, affine)
    if is_read_once(chain.value):
        yield left(chain, absorbed(chain.value, affine), none)
        yield left(chain, absorbed(chain.value, scaling(affine.scale)), shifting(affine.bias))
    yield left(chain, pushed(chain.result, affine), none)
    first = affine.shift_first() if affine.scales and affine.shifts else None
    if first is not None:
        yield left(chain, pushed(chain.result, scaling(affine.scale)), shifting(first))


def left(chain: Chain, plan: Plan | None, affine: Affine) -> Plan | None:
    """A plan, after which only this map is left in the place of a chain."""
    there = shortest(affine, chain.value) if plan else None
    if plan is None or there is None:
        return None

    def build() -> None:
        before, name = chain.value, chain.result.name_hint
        plan.build_for(*[step.op for step in chain.steps])
        made = there.made(chain.value)
        if made:
            replace(chain.steps[-1].op, made, *[step.op for step in chain.steps[:-1]])
            return
        if chain.value is not before:
            chain.value.name_hint = name
        for step in chain.steps:
            forward(step.op, step.value)

    return Plan(plan.saved + chain.cost - there.cost, plan.changed, build)


def aggregate(block: Block) -> bool:
    """Do what gains most for each operator, the last one first; was there anything to do?"""
    done = False
    for op in reversed(list(block.ops)):
        plan = best(list(plans_for(op))) if op.parent else None
        if plan and plan.gains:
            plan.build()
            done = True
    return done


@dataclass(frozen=True)
class DnnAggregateConstantsPass(ModulePass):
    """Move what scales and shifts by constants along the graph until other constants take it up.

    Chains of additions, subtractions, products and quotients by constants, and batch normalizations, are one map
    x * s + b. What computes x, or all that reads the result, does it too where it can: by the weights and biases of
    convolutions, products, embeddings and normalizations, through whatever commutes with it (moves, pooling, relu of
    positive scales, sums, products, other parts of a split). What a layer normalization scales and shifts by moves
    on too. Constants of a tree of one associative and commutative operator are combined, and so are the weights of two
    products one after another.

    Before:

        %c = dnn.conv %x, %w {…} : …
        %y = dnn.batch_norm %c, %scale, %bias, %mean, %variance {epsilon = 1.0e-5 : f64} : …

    After:

        %y = dnn.conv %x, %w_scaled, %new_bias {…} : …

    Each rewriting lowers a cost (`support/operator_cost.py`), so none undoes another one, and weights that others
    read are not doubled unless it pays. Leaves alone: what is not finite, overflows or underflows; numbers that are
    added and taken away again to round; quotients of integers, whose other arithmetic wraps as before; values that
    something reads as they are. Run after `dnn-fold-constants`, which makes constants, and `dnn-elide-duplicates`.
    """

    name = "dnn-aggregate-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for _ in range(SWEEPS):
                if not aggregate(block):
                    break
