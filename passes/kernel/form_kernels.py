"""`kernel-form-kernels`: computes become functions that are called; equal ones are one function."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.clone import Cloner, clone_compute, identity_axes
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, YieldOp


def captures(compute: ComputeOp) -> list[SSAValue]:
    """The buffers that a compute uses, in the order of their first use."""
    found: dict[SSAValue, None] = {}
    for op in compute.walk():
        for operand in op.operands:
            if is_memref(operand.type):
                found[operand] = None
    return list(found)


def outline(compute: ComputeOp, buffers: list[SSAValue], name: str) -> FuncOp:
    """A function of the compute's buffers."""
    block = Block(arg_types=[b.type for b in buffers])
    for argument, buffer in zip(block.args, buffers, strict=True):
        argument.name_hint = buffer.name_hint
    function = FuncOp(name, Region(block))
    function.location = compute.location
    cloner = Cloner(values=dict(zip(buffers, block.args, strict=True)))
    own = clone_compute(compute, compute.shape, identity_axes(compute), cloner=cloner)
    own.once = None  # the call says so
    block.add_ops([own, YieldOp([])])
    return function


def spelling(function: FuncOp) -> str:
    """The function's text without its name and without hints: equal for equal kernels."""
    stream = StringIO()
    clone = function.clone()
    for op in clone.walk():
        for value in (*op.results, *(a for region in op.regions for b in region.blocks for a in b.args)):
            value.name_hint = None
    Printer(stream).print_region(clone.body)
    return stream.getvalue()


def kind(compute: ComputeOp) -> str:
    """A short word for what a kernel does, to name it by."""
    names = {o.name for o in compute.walk()}
    if "kernel.reduce" in names:
        return "sum" if "arith.mulf" in names else "reduce"
    return "map" if any(n.startswith(("arith.", "math.")) and n != "arith.constant" for n in names) else "move"


@dataclass(frozen=True)
class KernelFormKernelsPass(ModulePass):
    """Make every compute of the program a kernel function and a call of it.

    Before:

        kernel.compute (%i = 8) { … kernel.read %a[%i] … kernel.write %v, %b[%i] … }

    After:

        kernel.func @map0(%a: memref<8xf32>, %b: memref<8xf32>) { kernel.compute (%i = 8) { … } }
        …
        kernel.call @map0(%a, %b) : memref<8xf32>, memref<8xf32>

    Leaves alone: nothing; two computes that differ only in the buffers they use share one function.
    Run after `kernel-assign-buffers`.
    """

    name = "kernel-form-kernels"
    stage_before: ClassVar = "buffers"
    stage_after: ClassVar = "kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        known: dict[str, str] = {}
        computes: list[Operation] = [
            compute
            for function in op.body.block.ops
            if isinstance(function, func.FuncOp)
            for compute in function.body.block.ops
            if isinstance(compute, ComputeOp)
        ]
        for compute in computes:
            assert isinstance(compute, ComputeOp)
            buffers = captures(compute)
            function = outline(compute, buffers, f"{kind(compute)}{len(known)}")
            text = spelling(function)
            if text not in known:
                known[text] = function.sym_name.data
                program = compute.parent_op()
                assert program is not None
                Rewriter.insert_op(function, InsertPoint.before(program))
            call = CallOp(known[text], buffers, compute.once)
            call.location = compute.location
            Rewriter.replace_op(compute, call, [])
