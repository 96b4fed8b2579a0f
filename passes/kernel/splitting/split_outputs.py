"""`kernel-split-outputs`: a kernel that writes several buffers becomes one kernel for each of them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.access import WriteOp
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import FuncOp, YieldOp


def written(function: FuncOp) -> list[int]:
    """The positions of the arguments that a kernel writes."""
    targets = {op.target for op in function.walk() if isinstance(op, WriteOp)}
    return [i for i, argument in enumerate(function.body.block.args) if argument in targets]


def restricted(function: FuncOp, output: int) -> tuple[FuncOp, list[int]]:
    """The kernel of one output, and which buffers and counters, by position, it still takes."""
    clone = function.clone()
    clone.location = function.location
    block = clone.body.block
    target = block.args[output]
    for op in list(clone.walk()):
        if isinstance(op, WriteOp) and op.target is not target:
            Rewriter.erase_op(op)
    drop_dead(clone)
    kept = [i for i, argument in enumerate(block.args) if argument.uses.get_length()]
    for i in reversed(range(len(block.args))):
        if i not in kept:
            block.erase_arg(block.args[i])
    return clone, kept


def part_of(call: CallOp, part: FuncOp, kept: list[int]) -> CallOp:
    """The call of the kernel of one output."""
    arguments = [(call.operands[i], i < len(call.buffers)) for i in kept]
    buffers = [value for value, is_buffer in arguments if is_buffer]
    counters = [value for value, is_buffer in arguments if not is_buffer]
    return CallOp(part.sym_name.data, buffers, counters, once=call.once)


def drop_dead(function: FuncOp) -> None:
    """Erase scalars that nobody uses, uses before definitions."""
    for op in reversed(list(function.walk())):
        if op.results and not isinstance(op, YieldOp) and not any(is_used(r) for r in op.results):
            Rewriter.erase_op(op)


def is_used(value: SSAValue) -> bool:
    return value.first_use is not None


def split(function: FuncOp, calls: list[CallOp], outputs: list[int]) -> None:
    """f(x, y, z) -> f_0(x, y); f_1(x, z)"""
    parts: list[tuple[FuncOp, list[int]]] = []
    for n, output in enumerate(outputs):
        part, kept = restricted(function, output)
        part.sym_name = function.sym_name.__class__(f"{function.sym_name.data}_{n}")
        parts.append((part, kept))
    for call in calls:
        new: list[Operation] = [part_of(call, part, kept) for part, kept in parts]
        for op in new:
            op.location = call.location
        Rewriter.replace_op(call, new, [])
    Rewriter.insert_op([part for part, _ in parts], InsertPoint.before(function))
    Rewriter.erase_op(function)


@dataclass(frozen=True)
class KernelSplitOutputsPass(ModulePass):
    """Give every kernel one output; a fragment shader has no more.

    What the outputs share is computed for each of them anew.

    Before:

        kernel.func @k(%x: …, %y: …, %z: …) { … kernel.write %a, %y[%i]; kernel.write %b, %z[%i] }
        kernel.call @k(%0, %1, %2) : …

    After:

        kernel.func @k_0(%x: …, %y: …) { … kernel.write %a, %y[%i] }
        kernel.func @k_1(%x: …, %z: …) { … kernel.write %b, %z[%i] }
        kernel.call @k_0(%0, %1) : …
        kernel.call @k_1(%0, %2) : …

    Leaves alone: kernels that write one buffer. Run after `kernel-form-kernels`, with results never in place of
    operands.
    """

    name = "kernel-split-outputs"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        calls: dict[str, list[CallOp]] = {}
        for call in [o for o in op.walk() if isinstance(o, CallOp)]:
            calls.setdefault(call.callee.root_reference.data, []).append(call)
        for function in [o for o in op.body.block.ops if isinstance(o, FuncOp)]:
            outputs = written(function)
            if len(outputs) > 1:
                split(function, calls.get(function.sym_name.data, []), outputs)
