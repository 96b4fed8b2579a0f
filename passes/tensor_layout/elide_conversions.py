"""`tensor-layout-elide-conversions`: drop conversions that move nothing, or that nobody needs."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.tensor_layout import ConvertOp, layout_of


class ElideUnreadConversion(RewritePattern):
    """convert(x) -> nothing, when nobody reads it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvertOp, rewriter: PatternRewriter) -> None:
        if op.result.first_use is not None:
            return

        rewriter.erase(op)


class ComposeConversions(RewritePattern):
    """convert(convert(x)) -> convert(x)"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvertOp, rewriter: PatternRewriter) -> None:
        inner = op.source.owner
        if not isinstance(inner, ConvertOp):
            return

        op.operands[0] = inner.source
        rewriter.notify_op_modified(op)
        if inner.result.first_use is None:
            rewriter.erase(inner)


class ReadConstantAsItIs(RewritePattern):
    """f(convert(constant)) -> f(constant), for operators f: constants are laid out offline for their readers."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvertOp, rewriter: PatternRewriter) -> None:
        if not isinstance(op.source.owner, ConstantOp) or is_returned(op.result):
            return

        rewriter.replace(op, (), [op.source])


class ElideConversionToTheSame(RewritePattern):
    """convert(x) -> x, when both are stored as the same array and the type of neither is the caller's."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvertOp, rewriter: PatternRewriter) -> None:
        if not stored_as_one(op.source, op.result):
            return
        if op.source.type != op.result.type and is_returned(op.result):
            return

        rewriter.replace(op, (), [op.source])


def stored_as_one(one: SSAValue, other: SSAValue) -> bool:
    """Do two layouts of a tensor give equal arrays?"""
    shape = shape_of(one)
    layout, wanted = layout_of(one.type), layout_of(other.type)
    return layout.essence(shape) == wanted.essence(shape) and layout.stored_shape(shape) == wanted.stored_shape(shape)


def is_returned(value: SSAValue) -> bool:
    """Does the caller see the type of this value?"""
    return any(isinstance(use.operation, func.ReturnOp) for use in value.uses)


@dataclass(frozen=True)
class TensorLayoutElideConversionsPass(ModulePass):
    """Drop conversions that do nothing, compose those in sequence, and let readers of constants read them directly.

    Before:

        %1 = tensor_layout.convert %x : tensor<1x3x8x8xf32> -> tensor<…, #tensor_layout.layout<[0, 2, 3, 1]>>
        %2 = tensor_layout.convert %1 : … -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 1, 2, 3]>>
        %3 = dnn.relu %2 : …

    After:

        %3 = dnn.relu %x : …

    Leaves alone: a conversion that moves elements; one whose result the caller gets, unless its type is already that
    of the source; one between arrays of different shapes, which is a view. Run after `tensor-layout-assign-layouts`.
    """

    name = "tensor-layout-elide-conversions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        patterns: list[RewritePattern] = [
            ElideUnreadConversion(),
            ComposeConversions(),
            ReadConstantAsItIs(),
            ElideConversionToTheSame(),
        ]
        PatternRewriteWalker(GreedyRewritePatternApplier(patterns, dce_enabled=False)).rewrite_module(op)
