"""Kernel form of loops: a scan whose steps are the kernels of the body."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import TensorType, i64
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import plain
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.control import LoopOp
from webdnn.dialects.element import tensor_type
from webdnn.dialects.kernel.builder import Body
from webdnn.lowering.tensor_layout_to_kernel.lowering import Lowering, kernels_of, lowers
from webdnn.support.index import Index


@lowers(LoopOp)
def loop(op: LoopOp, low: Lowering) -> Sequence[SSAValue]:
    """Inside, every tensor is row-major; constants of the body are those of the program."""
    inside = op.body.block
    for constant in [inner for inner in op.walk() if isinstance(inner, ConstantOp)]:
        constant.detach()
        Rewriter.insert_op(constant, InsertPoint.before(op))
    outside = [low.plain(value) for value in op.operands]
    inits, captured = outside[: len(op.inits)], outside[len(op.inits) :]

    def step(counter: Index, carried: Sequence[SSAValue]) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
        def number(body: Body) -> SSAValue:
            return body.index(counter, i64)

        low.stored |= zip(inside.args, [*low.compute([TensorType(i64, [])], number), *carried, *captured], strict=True)
        for inner in op.step_ops:
            kernels, results = kernels_of(inner, low.stored)
            low.ops += kernels
            low.stored |= zip(inner.results, results, strict=True)
        values = [low.stored.get(value, value) for value in op.end.values]
        return values[: len(inits)], values[len(inits) :]

    names = " ".join(argument.name_hint or "carried" for argument in inside.args[1 : len(inits) + 1])
    rows = [plain(tensor_type(s)) for s in op.stacked]
    last, stacked = low.scan(op.steps, inits, rows, step, names=names)
    return [low.settled(made, result) for made, result in zip([*last, *stacked], op.output, strict=True)]
