"""Layers of textures: which of them a store writes, and how a kernel does without."""

from __future__ import annotations

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from webdnn.dialects.element import is_memref
from webdnn.dialects.kernel.access import layer_elements
from webdnn.dialects.kernel.affine import is_value
from webdnn.dialects.kernel.indexing import IndexOp
from webdnn.dialects.kernel.structure import FuncOp, IdOp
from webdnn.support.device import GLSL300
from webdnn.support.index import Index, symbol
from webdnn.targets.glsl.textures import LANES

MOST_LAYERS = GLSL300.limits.render_targets or 1
"""As many as every WebGL 2 device draws to at a time."""


def layers_of(buffer: SSAValue) -> int:
    """How many layers a buffer of texels has; 1 where it is whole."""
    type = buffer.type
    assert is_memref(type)
    layer = layer_elements(buffer)
    return 1 if layer is None else -(-type.get_shape()[0] * LANES // layer)


def layer_of(store: memref.StoreOp) -> int | None:
    """The layer that a store writes, at the place that the invocation has there; None where it is another place."""
    (index,) = store.indices
    (place,) = index.owner.exprs if isinstance(index.owner, IndexOp) else (symbol(index),)
    number, rest = divmod(place.constant * LANES, layer_elements(store.memref) or 1)
    return number if is_invocation(place - place.constant) and not rest else None


def is_invocation(place: Index) -> bool:
    """Is a place the number of the invocation?"""
    ((atom, step),) = place.terms.items() if len(place.terms) == 1 else ((None, 0),)
    return is_value(atom) and isinstance(atom.owner, IdOp) and step == 1


def drop_layers(function: FuncOp) -> None:
    """Textures have no layers in ES 1.00."""
    for buffer in function.buffers:
        if layer_elements(buffer) is not None:
            type = buffer.type
            assert is_memref(type)
            Rewriter.replace_value_with_new_type(buffer, MemRefType(type.element_type, type.get_shape(), type.layout))
