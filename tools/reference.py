"""The `reference` engine: an ONNX model, imported and interpreted with numpy, behind the runner's interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.frontends.onnx.inputs import Dims
from webdnn.runner.python.bundle import Bundle
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Dimension
from webdnn.runner.python.manifest import Tensor as RunnerTensor
from webdnn.runner.python.session import register_engine
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import DTYPES, filled
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.weights import Array, numpy_dtype
from webdnn.targets.bundle.manifest import Tensor
from webdnn.tools.compiler import dimensions, signature

NAME = "reference"


@dataclass(frozen=True)
class Reference:
    """A model that numpy computes; an engine for sessions (`reference:MODEL.onnx`), and a session by itself."""

    module: ModuleOp

    @classmethod
    def of(cls, path: Path, dims: Dims | None = None, constants: Mapping[str, Array] | None = None) -> Reference:
        """Import a model. Raises DiagnosticError."""
        return cls(import_onnx(path, dims=dims, constants=constants))

    @property
    def backend(self) -> str:
        """What computes."""
        return NAME

    @property
    def inputs(self) -> Sequence[RunnerTensor]:
        """Names, types and shapes, as those of a bundle; the model's own."""
        return self.checked.own

    @property
    def dimensions(self) -> Sequence[Dimension]:
        """The dimensions whose size varies from run to run."""
        return self.checked.dimensions

    @cached_property
    def checked(self) -> Inputs:
        """All inputs, as those of a bundle."""
        varying: list[Dimension] = [
            {"name": d.name, "least": d.least, "most": d.most, "input": d.input} for d in dimensions(self.module)
        ]
        return Inputs(runner_tensors(signature(self.module)[0]), varying)

    @property
    def outputs(self) -> Sequence[RunnerTensor]:
        """Names, types and shapes, as those of a bundle."""
        return runner_tensors(signature(self.module)[1])

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name. Raises SessionError where inputs do not fit."""
        results = self.compute(self.checked.in_order(inputs))
        return {tensor["name"]: result for tensor, result in zip(self.outputs, results, strict=True)}

    def compute(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs in order; in and out, arrays are as the runner has them."""
        stored = [interpreted(t, v) for t, v in zip(self.checked.all, self.checked.greatest(inputs), strict=True)]
        # What infinities and NaN do is part of the meaning of an operator, and nothing to warn of.
        with np.errstate(all="ignore"):
            results = run_function(self.module, stored)
        arrays = [result.view(DTYPES[t["type"]]) for t, result in zip(self.outputs, results, strict=True)]
        return filled(self.outputs, arrays)

    def open(self, bundle: Bundle) -> ReferenceExecutor:
        """Stand in for the code of a bundle. Raises SessionError where the bundle is of another model."""
        if bundle.manifest["inputs"] != self.checked.all or bundle.manifest["outputs"] != self.outputs:
            hint = "name the model that the bundle was compiled from, with the same --dim and --constant"
            raise SessionError(f"{bundle.directory} has other inputs or outputs than the model", hint)
        return ReferenceExecutor(self)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class ReferenceExecutor:
    """A model as a session runs it."""

    model: Reference
    backend: str = NAME

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Compute the outputs."""
        return self.model.compute(inputs)

    def close(self) -> None:
        """Nothing is held."""


def interpreted(tensor: RunnerTensor, value: Array) -> Array:
    """The runner's array with the element type that the compiler has: raw bits become bfloat16."""
    contiguous = np.ascontiguousarray(value).view(numpy_dtype(ELEMENT_TYPES[tensor["type"]]))
    return contiguous.reshape(value.shape)  # it has an axis where the array has none


def runner_tensors(tensors: Sequence[Tensor]) -> list[RunnerTensor]:
    return [runner_tensor(tensor) for tensor in tensors]


def runner_tensor(tensor: Tensor) -> RunnerTensor:
    """A tensor as it stands in the manifest."""
    found: RunnerTensor = {"name": tensor.name, "type": tensor.type, "shape": list(tensor.shape)}
    if tensor.counts:
        found["counts"] = [{"axis": count.axis, "output": count.output} for count in tensor.counts]
    if tensor.sizes:
        found["sizes"] = [{"axis": size.axis, "dimension": size.dimension} for size in tensor.sizes]
    return found


def engine(option: str) -> Reference:
    """The engine of a session that names `reference:MODEL.onnx`."""
    if not option:
        raise SessionError("the engine 'reference' computes a model, not a bundle", "name it: reference:MODEL.onnx")
    return Reference.of(Path(option))


register_engine(NAME, engine)
