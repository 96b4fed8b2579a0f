"""Kernels that run for long are called piece by piece: engines replace code between two calls, but not within one.

Engines begin with code that is made at once and runs several times slower, and optimise a function while it is used.
The first run of a model is short where its long kernels get their optimised code before they have ended.
"""

from __future__ import annotations

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import FunctionType, StringAttr, i32
from xdsl.ir import Block, Region

from webdnn.targets.wasm.calls import word
from webdnn.targets.wasm.dialect import CHUNKS, chunks_of


def piece_of(name: str) -> str:
    """The name of the function that computes one chunk of a kernel."""
    return f"{name}.piece"


def called_in_pieces(kernel: func.FuncOp) -> list[func.FuncOp]:
    """The kernel itself, or where it computes one chunk, which its last argument numbers, that and a loop over all."""
    if CHUNKS not in kernel.attributes:
        return [kernel]
    chunks = chunks_of(kernel)
    del kernel.attributes[CHUNKS]
    name = kernel.sym_name.data
    kernel.sym_name = StringAttr(piece_of(name))
    types = list(kernel.function_type.inputs)[:-1]
    body = Block(arg_types=types)
    low, high, step = (word(v) for v in (0, chunks, 1))
    inner = Block(arg_types=[i32])
    inner.add_ops([func.CallOp(kernel.sym_name.data, [*body.args, inner.args[0]], []), scf.YieldOp()])
    body.add_ops([low, high, step, scf.ForOp(low, high, step, [], Region(inner)), func.ReturnOp()])
    return [kernel, func.FuncOp(name, FunctionType.from_lists(types, []), Region(body))]
