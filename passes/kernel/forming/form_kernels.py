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
from webdnn.dialects.kernel.affine import AxesOp
from webdnn.dialects.kernel.clone import Cloner, clone_compute, identity_axes
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, YieldOp
from webdnn.support.index import symbol


@dataclass(frozen=True)
class Captures:
    """What a compute uses of the program: buffers, and counters of the loops around it, in order of their first use."""

    buffers: list[SSAValue]
    counters: list[SSAValue]

    @classmethod
    def of(cls, compute: ComputeOp) -> Captures:
        used = dict.fromkeys(operand for op in compute.walk() for operand in op.operands)
        buffers = [value for value in used if is_memref(value.type)]
        return cls(buffers, [v for v in used if isinstance(v.owner, IndexOp) and not compute.is_ancestor(v.owner)])


def outline(compute: ComputeOp, captured: Captures, name: str) -> FuncOp:
    """A function of the compute's buffers and counters."""
    values = [*captured.buffers, *captured.counters]
    block = Block(arg_types=[value.type for value in values])
    for argument, value in zip(block.args, values, strict=True):
        argument.name_hint = value.name_hint
    function = FuncOp(name, Region(block))
    function.location = compute.location
    cloner = Cloner(values=dict(zip(captured.buffers, function.buffers, strict=True)))
    for counter, argument in zip(captured.counters, function.counters, strict=True):
        assert isinstance(counter.owner, IndexOp)
        known = IndexOp(symbol(argument), counter.owner.index_count)
        known.result.name_hint = counter.name_hint
        cloner.values[counter], cloner.by[counter] = known.result, symbol(known.result)
        block.add_op(known)
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
    if "kernel.fold" in names:
        return "fold"
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

    What a loop counts is an argument too. Leaves alone: the loops; two computes that differ only in the buffers they
    use share one function.
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
            for compute in function.walk()
            if isinstance(compute, ComputeOp) and not isinstance(compute.parent_op(), AxesOp)
        ]
        for compute in computes:
            assert isinstance(compute, ComputeOp)
            captured = Captures.of(compute)
            function = outline(compute, captured, f"{kind(compute)}{len(known)}")
            text = spelling(function)
            if text not in known:
                known[text] = function.sym_name.data
                program = op.body.block.find_ancestor_op_in_block(compute)
                assert program is not None
                Rewriter.insert_op(function, InsertPoint.before(program))
            call = CallOp(known[text], captured.buffers, captured.counters, once=compute.once)
            call.location = compute.location
            Rewriter.replace_op(compute, call, [])
