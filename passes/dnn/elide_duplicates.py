"""`dnn-elide-duplicates`: operators that compute what an operator before them computes disappear."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.traits import Commutative
from webdnn.passes.dnn.rewriting import bodies, erase_dead, fused_location


def meaning_of(op: DnnOp, numbers: dict[object, int]) -> Hashable:
    """What two operators have in common that compute the same: `numbers` tells operands apart."""
    operands = [numbers.setdefault(operand, len(numbers)) for operand in op.operands]
    if op.has_trait(Commutative):
        operands.sort()
    return type(op), tuple(operands), tuple(op.properties.items()), tuple(op.attributes.items()), op.result_types


def elide(op: DnnOp, first: Operation) -> None:
    """f(x), f(x) -> f(x)"""
    if not isinstance(op, ConstantOp):
        first.location = fused_location(first, op)
    for old, new in zip(op.results, first.results, strict=True):
        new.name_hint = new.name_hint or old.name_hint
        old.replace_all_uses_with(new)
    erase_dead(op)


def elide_all(block: Block) -> None:
    met: dict[Hashable, DnnOp] = {}
    numbers: dict[object, int] = {}
    for op in list(block.ops):
        if not isinstance(op, DnnOp) or not op.has_trait(Pure) or op.regions:
            continue
        first = met.setdefault(meaning_of(op, numbers), op)
        if first is not op:
            elide(op, first)


@dataclass(frozen=True)
class DnnElideDuplicatesPass(ModulePass):
    """Let one operator stand for all that have the same operands and properties; constants are merged alike.

    Before:

        %a = dnn.add %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        %b = dnn.add %y, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        %z = dnn.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>

    After:

        %a = dnn.add %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        %z = dnn.mul %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>

    The operands of commutative operators may stand in either order. Leaves alone: operators that are not pure, loops,
    and those whose operands or properties differ in any way. Run after `dnn-fold-constants`.
    """

    name = "dnn-elide-duplicates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            elide_all(block)
