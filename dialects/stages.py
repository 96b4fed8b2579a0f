"""The stages of the compiler: which operations may stand in a module between its passes.

A module holds the program, a `func.func`, and from `kernels` on the functions that it calls. Each stage names the
pass that leads to it, for whoever starts in the middle.
"""

from __future__ import annotations

from xdsl.ir import Operation

from webdnn.dialects.element import is_memref, is_tensor
from webdnn.dialects.kernel.access import ReadOp, WriteOp, buffer_type
from webdnn.dialects.kernel.lanewise import OPERATIONS as LANEWISE
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.support.legality import Stage

PROGRAM = ("builtin.module", "func.*")
SCALARS = ("arith.*", "math.*", "kernel.read", "kernel.inside", "kernel.index", "kernel.table", "kernel.yield")
PAIRS = ("kernel.dot_pairs", "kernel.spread_bytes")
BODIES = ("kernel.compute", "kernel.reduce", "kernel.fold")
STEPS = ("scf.for", "scf.yield")
PLANNED = ("kernel.alloc", "kernel.weight", "kernel.call", *STEPS)
BUFFERS = (*PLANNED, "kernel.func", "kernel.write")
LANES = ("vector.*", "kernel.lanes", *(op.name for op in LANEWISE))
TOGETHER = ("kernel.barrier", "kernel.subgroup_reduce", "kernel.subgroup_shuffle")
"""What the invocations of a workgroup do together."""

LOOPS = (*LANES, *TOGETHER, "scf.if", "kernel.id", "kernel.prefetch", "memref.alloca")


def on_tensors(op: Operation) -> bool:
    """Do reads and results use tensors?"""
    return not isinstance(op, ReadOp) or is_tensor(op.source.type)


def on_buffers(op: Operation) -> bool:
    """Do reads use buffers, and computes write instead of giving results?"""
    if isinstance(op, ComputeOp):
        return not op.res
    return not isinstance(op, ReadOp) or is_memref(op.source.type)


def in_kernel(op: Operation) -> bool:
    """Is work inside of kernel functions only?"""
    return on_buffers(op) and not (isinstance(op, ComputeOp) and kernel_around(op) is None)


def kernel_around(op: Operation) -> FuncOp | None:
    at = op.parent_op()
    while at is not None and not isinstance(at, FuncOp):
        at = at.parent_op()
    return at


def flat(op: Operation) -> bool:
    """Do accesses have one index, which stays inside or is tested apart?"""
    match op:
        case ReadOp():
            return op.outside is None and len(buffer_type(op.source).get_shape()) == 1
        case WriteOp():
            return len(buffer_type(op.target).get_shape()) == 1
        case _:
            return in_kernel(op)


DNN = Stage("dnn", (*PROGRAM, "dnn.*"))
TENSOR_LAYOUT = Stage(
    "tensor_layout", (*PROGRAM, "dnn.*", "tensor_layout.*"), lowered_by="convert-dnn-to-tensor-layout"
)
KERNEL = Stage(
    "kernel",
    (*PROGRAM, "dnn.constant", *SCALARS, *BODIES, "kernel.concat", "kernel.reshape", "kernel.scan"),
    condition=on_tensors,
    lowered_by="convert-tensor-layout-to-kernel",
)
BUFFERED = Stage(
    "buffers",
    (*PROGRAM, *SCALARS, *BODIES, *BUFFERS),
    condition=on_buffers,
    lowered_by="kernel-assign-buffers",
)
KERNELS = Stage(
    "kernels", (*PROGRAM, *SCALARS, *BODIES, *BUFFERS), condition=in_kernel, lowered_by="kernel-form-kernels"
)
FLAT = Stage(
    "flat", (*PROGRAM, *SCALARS, *PAIRS, *BODIES, *BUFFERS), condition=flat, lowered_by="kernel-flatten-buffers"
)
BLOCKS = Stage("blocks", (*PROGRAM, *SCALARS, *PAIRS, *BODIES, *BUFFERS, *LOOPS), condition=flat)
LOOPED = Stage(
    "loops", (*PROGRAM, *SCALARS, *PAIRS, *BUFFERS, *LOOPS), condition=flat, lowered_by="kernel-lower-blocks"
)
WASM = Stage(
    "wasm",
    (*PROGRAM, *PLANNED, "arith.*", "math.*", "scf.if", "wasm_simd.*", *PAIRS, *LANES),
    lowered_by="wasm-form-pointers",
)
