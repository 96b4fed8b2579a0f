"""onnxruntime as the engine that outputs are compared with: installed by choice, its graph optimisations off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array

FATAL = 4
"""The log level at which onnxruntime prints nothing but its end."""


class _Value(Protocol):
    name: str


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
        self._path = path
        if not path.is_file():
            raise DiagnosticError("no such file", where=str(path), hint="check the path of the model")
        options = library.SessionOptions()
        options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = FATAL
        try:
            self._session: _InferenceSession = library.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise self._failure(error, "loads") from error

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, from those of the inputs that the model has."""
        known = {value.name for value in self._session.get_inputs()}
        names = [value.name for value in self._session.get_outputs()]
        try:
            found = self._session.run(names, {name: array for name, array in inputs.items() if name in known})
        except Exception as error:
            raise self._failure(error, "computes") from error
        return dict(zip(names, found, strict=True))

    def _failure(self, error: Exception, what: str) -> DiagnosticError:
        hint = f"check that onnxruntime {what} this model by itself, and that the bundle was compiled from it"
        return DiagnosticError(f"onnxruntime refuses the model: {error}", where=str(self._path), hint=hint)
