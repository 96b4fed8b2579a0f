"""onnxruntime as the engine that outputs are compared with: installed by choice, its graph optimisations off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from onnx import ModelProto, TensorProto

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.tools.quantization_steps import RANGES, quantized_values, with_outputs, with_steps

FATAL = 4
"""The log level at which onnxruntime prints nothing but its end."""

EXTERNAL_DATA = "session.model_external_initializers_file_folder_path"

LAST_PLACES: Mapping[int, float] = {TensorProto.FLOAT16: 2.0**-10, TensorProto.BFLOAT16: 2.0**-7}
"""Of half floats near 1"""

HALVES = 4
"""How many last places outputs may differ by."""

DRAWS = 4
"""How often a model with quantization is computed with other roundings."""


class _Value(Protocol):
    name: str
    type: str


class _InferenceSession(Protocol):
    def get_inputs(self) -> Sequence[_Value]: ...
    def get_outputs(self) -> Sequence[_Value]: ...
    def run(self, names: Sequence[str], inputs: Mapping[str, Array]) -> Sequence[Array]: ...


class Oracle:
    """A model in onnxruntime. Raises DiagnosticError where that is not installed or refuses the model."""

    def __init__(self, path: Path) -> None:
        try:
            library = import_module("onnxruntime")
        except ImportError as error:
            raise DiagnosticError(
                "onnxruntime is not installed, and results are compared with its", hint="pip install onnxruntime"
            ) from error
        self._path, self._library = path, library
        if not path.is_file():
            raise DiagnosticError("no such file", where=str(path), hint="check the path of the model")
        self._session = self._opened(str(path))

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, from those of the inputs that the model has."""
        return self._computed(self._session, inputs)

    def steps(self, inputs: Mapping[str, Array]) -> dict[str, float]:
        """How far rounding inside of the model moves each output; empty where it computes in f32 and quantizes nothing.

        Half floats are rounded after each operator or less often, as an engine likes, which moves outputs by some of
        their last places, as large as these are at the deviation of the whole output.
        What lies between two steps, or nearly so, may be rounded to either of them, and what is computed from it
        differs. So this computes with a few of all quantized values a step away, and takes the farthest element.
        """
        model = ModelProto.FromString(self._path.read_bytes())
        values, place = quantized_values(model), last_place(model)
        if not values and not place:
            return {}
        reference = self.run(inputs)
        steps = {name: HALVES * place * deviation(array) for name, array in reference.items()}
        if not values:
            return steps
        outputs = self._opened(with_outputs(model, values).SerializeToString()).get_outputs()
        types = {value.name: value.type for value in outputs if value.type in RANGES}
        for draw in range(DRAWS):
            moved = self._computed(self._opened(with_steps(model, types, draw).SerializeToString()), inputs)
            for name, array in moved.items():
                steps[name] = max(steps[name], farthest(array, reference[name]))
        return steps

    def _opened(self, model: str | bytes) -> _InferenceSession:
        """A session for a path or a model, whose external data lies beside the path."""
        options = self._library.SessionOptions()
        options.graph_optimization_level = self._library.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = FATAL
        options.add_session_config_entry(EXTERNAL_DATA, str(self._path.parent.absolute()))
        try:
            opened: _InferenceSession = self._library.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise self._failure(error, "loads") from error
        return opened

    def _computed(self, session: _InferenceSession, inputs: Mapping[str, Array]) -> dict[str, Array]:
        known = {value.name for value in session.get_inputs()}
        names = [value.name for value in session.get_outputs()]
        try:
            found = session.run(names, {name: array for name, array in inputs.items() if name in known})
        except Exception as error:
            raise self._failure(error, "computes") from error
        return dict(zip(names, found, strict=True))

    def _failure(self, error: Exception, what: str) -> DiagnosticError:
        hint = f"check that onnxruntime {what} this model by itself, and that the bundle was compiled from it"
        return DiagnosticError(f"onnxruntime refuses the model: {error}", where=str(self._path), hint=hint)


def last_place(model: ModelProto) -> float:
    """How large the last place of numbers near 1 is in the coarsest half floats that a model computes in; else 0."""
    kinds = {value.type.tensor_type.elem_type for value in [*model.graph.input, *model.graph.value_info]}
    kinds |= {a.i for node in model.graph.node if node.op_type == "Cast" for a in node.attribute if a.name == "to"}
    return max((place for kind, place in LAST_PLACES.items() if kind in kinds), default=0.0)


def deviation(array: Array) -> float:
    """The standard deviation of what is finite."""
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    return float(finite.std()) if finite.size else 0.0


def farthest(found: Array, reference: Array) -> float:
    """The largest difference of finite elements; none where there are other numbers of elements."""
    if found.shape != reference.shape:
        return 0.0
    a, b = found.astype(np.float64), reference.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    return float(np.abs(a[finite] - b[finite]).max(initial=0))
