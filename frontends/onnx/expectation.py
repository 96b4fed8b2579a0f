"""What ONNX itself says of the values of a model: declared types, and those of its shape inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import Tensor
from webdnn.dialects.dnn.reference.registry import Array
from webdnn.dialects.element import element_type, shape_of
from webdnn.frontends.onnx.functions import onnx_type
from webdnn.frontends.onnx.inputs import Declared, declared
from webdnn.frontends.onnx.model import Model
from webdnn.support.diagnostic import DiagnosticError

SMALL = 1024
"""Most elements of an initializer whose values shape inference may need; larger ones are described by their shape."""


def declarations(values: Iterable[ValueInfoProto], dims: Mapping[str, int]) -> dict[str, Declared]:
    """What a graph declares of its values, as far as these are tensors that we know."""
    found: dict[str, Declared] = {}
    for value in values:
        try:
            found[value.name] = declared(value).bound(dims)
        except DiagnosticError:
            continue
    return found


def inferred(
    model: Model, nodes: Sequence[NodeProto], inputs: Mapping[str, Tensor], constants: Mapping[str, Array]
) -> dict[str, Declared]:
    """The types that ONNX's shape inference gives on the bound inputs; nothing where it fails."""
    graph = GraphProto(name="inference", node=nodes)
    for name, type in inputs.items():
        graph.input.append(helper.make_value_info(name, onnx_type(type)))
    for tensor in model.proto.graph.initializer:
        if tensor.name in constants:
            continue
        if prod(tensor.dims) <= SMALL and tensor.data_location != TensorProto.EXTERNAL:
            graph.initializer.append(tensor)
        else:
            type = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            graph.input.append(helper.make_value_info(tensor.name, type))
    for name, array in constants.items():
        if array.size <= SMALL:
            graph.initializer.append(numpy_helper.from_array(array, name))
    skeleton = ModelProto(ir_version=model.proto.ir_version, graph=graph, functions=model.proto.functions)
    skeleton.opset_import.extend(model.proto.opset_import)
    try:
        result = shape_inference.infer_shapes(skeleton, data_prop=True)
    except (InferenceError, ValidationError, RuntimeError, ValueError):
        return {}  # it knows less than we do, or the error is one that we report ourselves
    return declarations(result.graph.value_info, {})


def contradiction(value: SSAValue, expected: Declared) -> str | None:
    """How a value's type differs from what is expected of it, as far as that is known."""
    shape = shape_of(value)
    fits = expected.shape is None or (
        len(shape) == len(expected.shape)
        and all(isinstance(d, str) or d == n for d, n in zip(expected.shape, shape, strict=True))
    )
    if fits and element_type(value.type) == expected.element:
        return None
    return f"{element_type(value.type).name} {list(shape)}, not {expected}"
