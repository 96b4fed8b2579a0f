"""`kernel-expand-concat`: a concatenation becomes a kernel that gathers, for targets whose buffers have no parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import tensor_type
from webdnn.dialects.kernel.access import ReadOp, scalar_type
from webdnn.dialects.kernel.builder import Body, compute
from webdnn.dialects.kernel.program import ConcatOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.support.index import Index


def joined(axis: int, parts: Sequence[SSAValue]) -> ComputeOp:
    """y[i] = a[i], outside of it b[i - n], outside of that c[i - n - m], …"""
    shapes = [tensor_type(p).get_shape() for p in parts]
    sizes = [*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]]

    def point(body: Body, *at: Index) -> SSAValue:
        offset = sizes[axis]
        value = body.constant(0, scalar_type(parts[0]))
        for part, shape in zip(reversed(parts), reversed(shapes), strict=True):
            offset -= shape[axis]
            exprs = [e - offset if i == axis else e for i, e in enumerate(at)]
            value = body.add(ReadOp(part, exprs, value))
        return value

    return compute(sizes, [TensorType(tensor_type(parts[0]).element_type, sizes)], point)


def only(group: Sequence[SSAValue], groups: Sequence[Sequence[SSAValue]]) -> SSAValue | None:
    """The operand of a group that needs no kernel: it has no other, and the next step takes it."""
    return group[0] if len(group) == 1 and len(groups) > 1 else None


def join(op: ConcatOp, group: Sequence[SSAValue], made: list[ComputeOp]) -> SSAValue:
    """The result of a new kernel that joins the operands of a group."""
    made.append(joined(op.axis.data, group))
    made[-1].location = op.location
    return made[-1].res[0]


def expand(op: ConcatOp, most: int) -> None:
    """concat(a, b, …) -> compute { a[i] or else b[i - n] or else … }, of at most so many operands at once."""
    parts: list[SSAValue] = list(op.parts)
    made: list[ComputeOp] = []
    while len(parts) > 1 or not made:
        groups = [parts[i : i + most] for i in range(0, len(parts), most)]
        parts = [part if (part := only(group, groups)) else join(op, group, made) for group in groups]
    Rewriter.replace_op(op, made, [parts[0]])


@dataclass(frozen=True)
class KernelExpandConcatPass(ModulePass):
    """Make every concatenation a kernel: each point reads the operand that it lies in.

    A kernel takes at most `most` operands, because textures bound at a time are few; more are joined in steps.

    Before:

        %y = kernel.concat 0 %a, %b : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>

    After:

        %y = kernel.compute (%i = 5) -> tensor<5xf32> {
          %0 = arith.constant 0.0 : f32
          %1 = kernel.read %b[%i + -2] outside %0 : tensor<3xf32>
          %2 = kernel.read %a[%i] outside %1 : tensor<2xf32>
          kernel.yield %2 : f32
        }

    Leaves alone: everything else. Run after `convert-tensor-layout-to-kernel` and before `kernel-fuse-producers`; not
    for targets whose results can be made in their place inside another buffer.
    """

    name = "kernel-expand-concat"
    most: int = 7

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for concat in [o for o in op.walk() if isinstance(o, ConcatOp)]:
            expand(concat, self.most)
