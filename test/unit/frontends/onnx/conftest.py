"""Small ONNX models to import, and the numpy meaning of what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx

Array = NDArray[np.generic]
Shape = Sequence[int | str | None] | None


def make_model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape] | Sequence[str],
    initializers: Mapping[str, Array] | None = None,
    *,
    types: Mapping[str, int] | None = None,
    opset: int = 18,
    ir_version: int = 10,
    domains: Mapping[str, int] | None = None,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    """A model; values are f32 unless `types` says otherwise, and outputs have unknown shapes unless these are given."""
    shapes = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs)
    kinds = types or {}

    def info(name: str, shape: Shape) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)

    graph = helper.make_graph(
        nodes,
        "test",
        [info(name, shape) for name, shape in inputs.items()],
        [info(name, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(array, name) for name, array in (initializers or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in (domains or {}).items())]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version, functions=functions)


@pytest.fixture
def model() -> Callable[..., ModelProto]:
    return make_model


@pytest.fixture
def run() -> Callable[..., list[Array]]:
    """Import a model and evaluate it."""

    def evaluated(
        proto: ModelProto,
        *inputs: Array,
        dims: Mapping[str, int] | None = None,
        constants: Mapping[str, Array] | None = None,
    ) -> list[Array]:
        module = import_onnx(proto, dims=dims, constants=constants)
        module.verify()
        return run_function(module, inputs)

    return evaluated
