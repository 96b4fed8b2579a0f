"""Inputs of any size: finds the sizes of a run, and makes the arrays that the compiled code has."""

from collections.abc import Mapping, Sequence

import numpy as np

from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Dimension, Manifest, Tensor
from webdnn.runner.python.tensors import DTYPES, Array


class Inputs:
    """The inputs of a model: its own, and those that hold the sizes of dimensions."""

    def __init__(self, tensors: Sequence[Tensor], dimensions: Sequence[Dimension] = ()) -> None:
        self.all = tensors
        self.dimensions = dimensions
        holding = {dimension["input"] for dimension in dimensions}
        self.own: Sequence[Tensor] = [tensor for i, tensor in enumerate(tensors) if i not in holding]

    @classmethod
    def of(cls, manifest: Manifest) -> "Inputs":
        """Those of a bundle."""
        return cls(manifest["inputs"], manifest.get("dimensions", []))

    def in_order(self, given: Mapping[str, Array]) -> list[Array]:
        """The arrays of the model's own inputs in order, or an error that says which one does not fit and why."""
        expected = [tensor["name"] for tensor in self.own]
        hint = f"the inputs are {', '.join(expected)}"
        if unknown := [name for name in given if name not in expected]:
            raise SessionError(f"there is no input {', '.join(map(repr, unknown))}", hint)
        if missing := [name for name in expected if name not in given]:
            raise SessionError(f"input {', '.join(map(repr, missing))} is missing", hint)
        arrays = [self._checked(tensor, given[tensor["name"]]) for tensor in self.own]
        self.sizes(arrays)
        return arrays

    def sizes(self, arrays: Sequence[Array]) -> list[int]:
        """The size of each dimension. Raises SessionError where one is not allowed, or two arrays disagree."""
        found: dict[int, tuple[int, str]] = {}
        for tensor, array in zip(self.own, arrays, strict=True):
            for axis, number in _axes(tensor).items():
                dimension, size = self.dimensions[number], array.shape[axis]
                self._check(dimension, size, tensor["name"])
                known, other = found.setdefault(number, (size, tensor["name"]))
                if known != size:
                    problem = f"{dimension['name']!r} is {known} in input {other!r} and {size} in {tensor['name']!r}"
                    raise SessionError(problem, "pass arrays that agree about its size")
        return [found[number][0] for number in range(len(self.dimensions))]

    def greatest(self, arrays: Sequence[Array]) -> list[Array]:
        """All inputs in the order of the manifest: arrays with zeros behind them, and the sizes of dimensions."""
        sizes, own = self.sizes(arrays), zip(self.own, arrays, strict=True)
        held = {d["input"]: size for d, size in zip(self.dimensions, sizes, strict=True)}
        return [np.array(held[i], DTYPES["i32"]) if i in held else _widened(*next(own)) for i in range(len(self.all))]

    def shape(self, tensor: Tensor, sizes: Mapping[str, int]) -> list[int]:
        """The shape of an input where dimensions have these sizes, the greatest where none is named."""
        shape = list(tensor["shape"])
        for axis, number in _axes(tensor).items():
            shape[axis] = sizes.get(self.dimensions[number]["name"], shape[axis])
        return shape

    def described(self, tensor: Tensor) -> str:
        """The type and the shape of an input, `f32[batch, 3]`."""
        axes = _axes(tensor)
        spelled = (
            self.dimensions[axes[axis]]["name"] if axis in axes else str(extent)
            for axis, extent in enumerate(tensor["shape"])
        )
        return f"{tensor['type']}[{', '.join(spelled)}]"

    def _checked(self, tensor: Tensor, value: Array) -> Array:
        dtype, shape, axes = DTYPES[tensor["type"]], tensor["shape"], _axes(tensor)
        expected = f"input {tensor['name']!r} ({self.described(tensor)})"
        if value.dtype != dtype:
            raise SessionError(f"{expected} has dtype {value.dtype}", f"pass an array of dtype {dtype}")
        fits = [axis in axes or a == b for axis, (a, b) in enumerate(zip(value.shape, shape, strict=False))]
        if len(value.shape) != len(shape) or not all(fits):
            varying = "".join(f", {_allowed(self.dimensions[number])}" for number in dict.fromkeys(axes.values()))
            hint = f"pass an array of shape {self.described(tensor)[len(tensor['type']) :]}{varying}"
            raise SessionError(f"{expected} has shape {list(value.shape)}", hint)
        return value

    def _check(self, dimension: Dimension, size: int, name: str) -> None:
        if not dimension["least"] <= size <= dimension["most"]:
            problem = f"{dimension['name']!r} is {size} in input {name!r}"
            raise SessionError(
                problem, f"the bundle takes {_allowed(dimension)}; compile it for other sizes with --dim"
            )


def _allowed(dimension: Dimension) -> str:
    return f"{dimension['name']} from {dimension['least']} to {dimension['most']}"


def _axes(tensor: Tensor) -> dict[int, int]:
    """The axes whose size varies, each with the number of its dimension."""
    return {size["axis"]: size["dimension"] for size in tensor.get("sizes", ())}


def _widened(tensor: Tensor, array: Array) -> Array:
    """The array in the first places of one of the greatest shape, zeros behind it."""
    behind = [(0, most - size) for most, size in zip(tensor["shape"], array.shape, strict=True)]
    return np.pad(array, behind) if any(more for _, more in behind) else array
