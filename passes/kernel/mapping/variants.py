"""Kernels that do the same in several ways, of which a device launches the one that is fastest there."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.structure import FuncOp

ALONE = "alone"
"""Each invocation computes its results alone: what a device in software does best, to which a barrier is dear."""


def add_variants(function: FuncOp, names: Sequence[str]) -> list[FuncOp]:
    """The kernel, which becomes the first of these variants, and copies of it that are to become the others."""
    first, *others = names
    copies = [_copy(function, name) for name in others]
    function.variant = StringAttr(first)
    function.others = ArrayAttr([copy.sym_name for copy in copies])
    Rewriter.insert_op(copies, InsertPoint.after(function))
    return [function, *copies]


def _copy(function: FuncOp, name: str) -> FuncOp:
    copy = function.clone()
    copy.location = function.location
    copy.sym_name = StringAttr(f"{function.sym_name.data}_{name}")
    copy.variant = StringAttr(name)
    return copy
