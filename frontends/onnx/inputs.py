"""The inputs of a model as static types: element types known, every dimension bound to a size, or to several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from onnx import TypeProto, ValueInfoProto
from xdsl.dialects.builtin import TensorType

from webdnn.dialects.dnn.base import Tensor
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import ELEMENTS
from webdnn.dialects.element import element_attribute
from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.tensors import onnx_element
from webdnn.support.diagnostic import DiagnosticError, Diagnostics
from webdnn.support.element_type import ElementType
from webdnn.support.weights import Array as AnyArray
from webdnn.support.weights import numpy_dtype

Dims: TypeAlias = Mapping[str, int | Sizes]
"""Symbolic dimensions by name, each bound to its size, or to those that it takes from run to run"""

UNNAMED = frozenset({"", "?", "-1", "None"})
"""What exporters call dimensions that they do not know: two of one name need not be equal."""


@dataclass(frozen=True)
class Declared:
    """What a model says of a value: its element type, and its extents as far as they are known."""

    element: ElementType
    shape: tuple[int | str, ...] | None
    """A string is a symbolic dimension; one that has no name is called `VALUE.AXIS`, as in `x.2`."""

    def bound(self, dims: Dims) -> Declared:
        """The same with symbols replaced that are bound to one size."""
        return self.replaced({name: extent for name, extent in dims.items() if isinstance(extent, int)})

    def greatest(self, dims: Dims) -> Declared:
        """The same with symbols replaced by their greatest size."""
        return self.replaced({name: n.most if isinstance(n, Sizes) else n for name, n in dims.items()})

    def replaced(self, extents: Mapping[str, int]) -> Declared:
        if self.shape is None:
            return self
        return Declared(self.element, tuple(extents.get(d, d) if isinstance(d, str) else d for d in self.shape))

    def varying(self, dims: Dims) -> dict[int, str]:
        """The axes of which the size varies from run to run, each with its dimension."""
        return {axis: d for axis, d in enumerate(self.shape or ()) if isinstance(d, str) and is_varying(dims.get(d))}

    @property
    def symbols(self) -> list[str]:
        return [d for d in self.shape or () if isinstance(d, str)]

    def static(self) -> Tensor | None:
        """The type, where all extents are known."""
        extents = [d for d in self.shape or () if isinstance(d, int)]
        if self.shape is None or len(extents) != len(self.shape):
            return None
        return TensorType(element_attribute(self.element.name), extents)

    def admits(self, shape: Sequence[int], counted: Collection[int] = ()) -> bool:
        """Can this be the shape, as far as it is known? Of counted axes, `shape` says the most that they can be."""
        if self.shape is None:
            return True
        fits = [
            isinstance(d, str) or d == extent or (axis in counted and d < extent)
            for axis, (d, extent) in enumerate(zip(self.shape, shape, strict=False))
        ]
        return len(shape) == len(self.shape) and all(fits)

    def __str__(self) -> str:
        extents = "unknown shape" if self.shape is None else "[" + ", ".join(map(str, self.shape)) + "]"
        return f"{self.element.name} {extents}"


def is_varying(given: int | Sizes | None) -> bool:
    """Is a dimension bound to more than one size?"""
    return isinstance(given, Sizes)


def declared(value: ValueInfoProto) -> Declared:
    """What the model says of a value. Raises DiagnosticError where it is no tensor of a known element type."""
    where = f"value '{value.name}'"
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise DiagnosticError(
            f"is {'of unknown type' if kind is None else 'no tensor but a ' + kind.removesuffix('_type')}",
            where=where,
            hint="only tensors can be passed in and out; export the model with tensors there",
        )
    return declared_tensor(value.name, value.type.tensor_type, where)


def declared_tensor(name: str, type: TypeProto.Tensor, where: str) -> Declared:
    element = onnx_element(type.elem_type, where)
    if not type.HasField("shape"):
        return Declared(element, None)
    shape: list[int | str] = []
    for axis, dim in enumerate(type.shape.dim):
        if dim.HasField("dim_value") and dim.dim_value > 0:
            shape.append(dim.dim_value)
        else:  # exporters also write an unknown extent as 0 or -1
            shape.append(f"{name}.{axis}" if dim.dim_param in UNNAMED else dim.dim_param)
    return Declared(element, tuple(shape))


def bound_inputs(inputs: Sequence[ValueInfoProto], dims: Dims) -> dict[str, Tensor]:
    """The static types of inputs at their greatest size, every problem in one error. Raises DiagnosticError."""
    problems, types, symbols = Diagnostics(), dict[str, Tensor](), dict[str, None]()
    for value in inputs:
        where = f"input '{value.name}'"
        try:
            found = declared(value)
        except DiagnosticError as error:
            problems.note(where, error.what, hint=error.hint)
            continue
        greatest = found.greatest(dims)
        unbound = [d for d in dict.fromkeys(greatest.symbols) if d not in symbols]
        symbols |= dict.fromkeys(found.symbols)
        type = greatest.static()
        if type is not None:
            types[value.name] = type
        elif found.shape is None:
            hint = "give the input a shape in the model (onnx.tools.update_model_dims), or its value with --constant"
            problems.note(where, "has no shape", hint=hint)
        for symbol in unbound:
            hint = f"bind it: --dim {symbol}=1, or --dim {symbol}=1..8 for any size up to 8"
            problems.note(where, f"its dimension '{symbol}' is not bound", hint=hint)
    for name, extent in dims.items():
        if name not in symbols:
            listing = ", ".join(symbols) or "none: all inputs have static shapes"
            problems.note("", f"no input has a dimension '{name}'", hint=f"the dimensions to bind are: {listing}")
        elif (extent.least if isinstance(extent, Sizes) else extent) < 0:
            problems.note("", f"the dimension '{name}' is bound to {extent}", hint="bind it to a number of elements")
        elif isinstance(extent, Sizes) and extent.least >= extent.most:
            hint = "give the least size first, as in 1..8, or one size alone"
            problems.note("", f"the dimension '{name}' is bound to {extent}", hint=hint)
    problems.raise_if_any()
    return types


def checked_constants(
    constants: Mapping[str, AnyArray], inputs: Sequence[ValueInfoProto], dims: Dims
) -> dict[str, Array]:
    """The given values, those of inputs with their types. Raises DiagnosticError where one does not fit."""
    declarations = {value.name: value for value in inputs}
    found: dict[str, Array] = {}
    for name, array in constants.items():
        if array.dtype not in ELEMENTS:
            raise DiagnosticError(
                f"the constant given for it has elements of type {array.dtype}",
                where=f"value '{name}'",
                hint=f"save an array with one of the types {', '.join(str(dtype) for dtype in ELEMENTS)}",
            )
        wanted = declared(declarations[name]).bound(dims) if name in declarations else None
        found[name] = as_array(array) if wanted is None else fitting(name, array, wanted)
    return found


def fitting(name: str, array: AnyArray, wanted: Declared) -> Array:
    """A given value with the type of the input that it stands for. Raises DiagnosticError where it does not fit."""
    cast = array.astype(numpy_dtype(wanted.element))
    same = bool(np.array_equal(cast.astype(array.dtype), array, equal_nan=array.dtype.kind == "f"))
    if not (same and wanted.admits(array.shape)):
        raise DiagnosticError(
            f"the constant given for it is {array.dtype} {list(array.shape)}, expected {wanted}",
            where=f"input '{name}'",
            hint=f"save an array of that type and shape: numpy.save('{name}.npy', array)",
        )
    return as_array(cast)
