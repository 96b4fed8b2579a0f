"""One WGSL function for each way in which a kernel is called: which buffers are weights, which are the same."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.program import CallOp, WeightOp
from webdnn.dialects.kernel.structure import FuncOp

WEIGHTS = StringAttr("weights")
"""The memory space of constants, which are bound read-only."""

Signature = tuple[tuple[bool, int], ...]
"""For each buffer of a call: is it a weight that lies outside the arena, and at which position does it occur first?"""


def signature_of(call: CallOp) -> Signature:
    buffers: list[SSAValue] = list(call.buffers)
    return tuple((isinstance(b.owner, WeightOp) and b.owner.offset is None, buffers.index(b)) for b in buffers)


def specialize(module: ModuleOp) -> None:
    """Copy kernels that are called in several ways."""
    functions = {f.sym_name.data: f for f in module.body.block.ops if isinstance(f, FuncOp)}
    made: dict[tuple[str, Signature], FuncOp] = {}
    for call in [op for op in module.walk() if isinstance(op, CallOp)]:
        name, signature = call.callee.root_reference.data, signature_of(call)
        if (name, signature) not in made:
            earlier = sum(known == name for known, _ in made)
            suffix = f"_{earlier}" if earlier else ""
            made[name, signature] = function = copy(functions[name], suffix)
            for other in function.others:
                made[other.data, signature] = copy(functions[other.data], suffix)
            function.others = ArrayAttr([made[other.data, signature].sym_name for other in function.others])
        function = made[name, signature]
        kept = [call.buffers[i] for i, (_, first) in enumerate(signature) if first == i]
        new = CallOp(function.sym_name.data, kept, call.counters, once=call.once)
        new.location = call.location
        Rewriter.replace_op(call, new, [])
    for (_, signature), function in made.items():
        apply(function, signature)
    for name, function in functions.items():
        if any(known == name for known, _ in made):
            Rewriter.erase_op(function)


def copy(function: FuncOp, suffix: str) -> FuncOp:
    clone = function.clone()
    clone.location = function.location
    clone.sym_name = StringAttr(function.sym_name.data + suffix)
    Rewriter.insert_op(clone, InsertPoint.before(function))
    return clone


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
