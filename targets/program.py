"""The program that a target's kernels make up: what it takes and gives, its buffers, weights and calls, without IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Attribute, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import buffer_type
from webdnn.dialects.kernel.program import AllocOp, CallOp, WeightOp
from webdnn.dialects.signature import entries, logical_type, name_of
from webdnn.passes.kernel.assign_offsets import ARENA_BYTES, ARGUMENT_OFFSET
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.element_type import ElementType
from webdnn.support.weights import STORE, Array

MAIN = "main"


@dataclass(frozen=True)
class Port:
    """An input or output: its name, element type and shape as the caller sees them, and its buffer."""

    name: str
    element: ElementType
    shape: tuple[int, ...]
    buffer: SSAValue


@dataclass(frozen=True)
class Program:
    """A function of calls of kernels on placed buffers."""

    main: func.FuncOp
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights: tuple[WeightOp, ...]
    calls: tuple[CallOp, ...]
    arena_bytes: int

    @classmethod
    def of(cls, module: ModuleOp) -> Program:
        """The program of a module after `kernel-form-kernels`. Raises DiagnosticError where it has none."""
        main = next((f for f in module.body.block.ops if isinstance(f, func.FuncOp) and f.sym_name.data == MAIN), None)
        if main is None or not main.body.blocks:
            raise DiagnosticError(f"the module has no function @{MAIN}", hint="import a model with 'webdnn-translate'")
        block = main.body.block
        returned = block.last_op
        assert isinstance(returned, func.ReturnOp)
        arena = main.attributes.get(ARENA_BYTES)
        return cls(
            main,
            ports(block.args, entries(main.arg_attrs, len(block.args)), "input"),
            ports(returned.operands, entries(main.res_attrs, len(returned.operands)), "output"),
            tuple(op for op in block.ops if isinstance(op, WeightOp)),
            tuple(op for op in block.ops if isinstance(op, CallOp)),
            arena.value.data if isinstance(arena, IntegerAttr) else 0,
        )

    def offset(self, buffer: SSAValue) -> int:
        """Where a buffer lies in the arena, in bytes."""
        if isinstance(buffer.owner, AllocOp):
            found = buffer.owner.offset
        else:
            index = next(i for i, a in enumerate(self.main.body.block.args) if a is buffer)
            at = entries(self.main.arg_attrs, index + 1)[index].get(ARGUMENT_OFFSET)
            found = at.value.data if isinstance(at, IntegerAttr) else None
        if found is None:
            raise DiagnosticError("a buffer has no place in the arena", hint="run 'kernel-assign-offsets' first")
        return found


def ports(buffers: Sequence[SSAValue], given: Sequence[Mapping[str, Attribute]], default: str) -> tuple[Port, ...]:
    found: list[Port] = []
    for i, (buffer, attributes) in enumerate(zip(buffers, given, strict=True)):
        type = buffer_type(logical_type(attributes, buffer))
        name = name_of(attributes, f"{default}{i}")
        found.append(Port(name, element_type(type), type.get_shape(), buffer))
    return tuple(found)


def weight_bytes(op: WeightOp) -> bytes:
    """The stored elements of a weight."""
    return weight_elements(op).tobytes()


def weight_elements(op: WeightOp) -> Array:
    """The elements of a weight, in the shape in which it is stored."""
    type = op.value.type
    return STORE.get(op.value.key.data, element_type(type), type.get_shape())
