"""What invocations of a GPU share: memory of a workgroup, and the barriers that order its use."""

from xdsl.dialects import memref
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.structure import FuncOp

WORKGROUP = StringAttr("workgroup")
"""The memory space of what a workgroup has once, for all its invocations."""

FUNCTION = StringAttr("function")
"""The memory space of what each invocation has for itself: registers, as its places are known."""


@irdl_op_definition
class BarrierOp(IRDLOperation):
    """All invocations of a workgroup come here before any goes on, and see what the others wrote to its memory.

    It stands where all of them pass, or none: `kernel.barrier`
    """

    name = "kernel.barrier"
    assembly_format = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


def workgroup_memory(count: int, element: Attribute) -> memref.AllocaOp:
    """So many elements that a workgroup shares."""
    return memref.AllocaOp.get(element, shape=[count], memory_space=WORKGROUP)


def own_memory(count: int, element: Attribute) -> memref.AllocaOp:
    """So many elements that an invocation has for itself."""
    return memref.AllocaOp.get(element, shape=[count], memory_space=FUNCTION)


def is_shared(value: SSAValue) -> bool:
    """Is a buffer memory of a workgroup?"""
    return is_memref(value.type) and value.type.memory_space == WORKGROUP


def is_own(value: SSAValue) -> bool:
    """Is a buffer memory of an invocation?"""
    return is_memref(value.type) and value.type.memory_space == FUNCTION


def shared_memory(function: FuncOp) -> list[SSAValue]:
    """What the workgroups of a kernel share."""
    return [buffer for buffer in inner_memory(function) if is_shared(buffer)]


def inner_memory(function: FuncOp) -> list[SSAValue]:
    """The arrays that a kernel has beside its buffers."""
    allocas = [op.memref for op in function.body.block.ops if isinstance(op, memref.AllocaOp)]
    return [buffer for buffer in allocas if is_shared(buffer) or is_own(buffer)]
