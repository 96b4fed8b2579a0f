"""One WGSL function for each way in which a kernel is called: which buffers are weights, which are the same."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.program import CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.mapping.copies import Copies

WEIGHTS = StringAttr("weights")
"""The memory space of constants, which are bound read-only."""

Signature = tuple[tuple[bool, int], ...]
"""For each buffer of a call: is it a weight that lies outside the arena, and at which position does it occur first?"""


def signature_of(call: CallOp) -> Signature:
    buffers: list[SSAValue] = list(call.buffers)
    return tuple((isinstance(b.owner, WeightOp) and b.owner.offset is None, buffers.index(b)) for b in buffers)


def specialize(module: ModuleOp) -> None:
    """Copy kernels that are called in several ways."""
    copies = Copies[Signature].of(module)
    for call in [op for op in module.walk() if isinstance(op, CallOp)]:
        signature = signature_of(call)
        function = copies.called(call, signature)
        kept = [call.buffers[i] for i, (_, first) in enumerate(signature) if first == i]
        new = CallOp(function.sym_name.data, kept, call.counters, once=call.once)
        new.location = call.location
        Rewriter.replace_op(call, new, [])
    for (_, signature), function in copies.made.items():
        apply(function, signature)
    copies.erase_originals()


def apply(function: FuncOp, signature: Sequence[tuple[bool, int]]) -> None:
    """Mark the weights, and let equal buffers be one argument."""
    block = function.body.block
    arguments = list(function.buffers)
    for i, (_, first) in reversed(list(enumerate(signature))):
        if first != i:
            arguments[i].replace_all_uses_with(arguments[first])
            block.erase_arg(block.args[i])
    kept = [is_weight for i, (is_weight, first) in enumerate(signature) if first == i]
    for argument, is_weight in zip(function.buffers, kept, strict=True):
        type = argument.type
        assert is_memref(type)
        if is_weight:
            new = MemRefType(type.element_type, type.get_shape(), type.layout, WEIGHTS)
            Rewriter.replace_value_with_new_type(argument, new)
