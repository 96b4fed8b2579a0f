"""What ONNX itself says of the values of a model: declared types, and those of its shape inference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import Tensor
from webdnn.dialects.dnn.reference.arrays import Array
from webdnn.dialects.element import element_type, shape_of
from webdnn.frontends.onnx.counts import Counting, Counts
from webdnn.frontends.onnx.functions import onnx_type
from webdnn.frontends.onnx.inputs import Declared, Dims, declared
from webdnn.frontends.onnx.model import Model, canonical
from webdnn.frontends.onnx.order import described
from webdnn.support.diagnostic import DiagnosticError, Diagnostics

SMALL = 1024
"""Most elements of an initializer whose values shape inference may need; larger ones are described by their shape."""


def declarations(values: Iterable[ValueInfoProto], dims: Dims) -> dict[str, Declared]:
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
    try:
        result = shape_inference.infer_shapes(skeleton(model, nodes, inputs, constants), data_prop=True)
    except (InferenceError, ValidationError, RuntimeError, ValueError):
        return {}  # it knows less than we do, or the error is one that we report ourselves
    return declarations(result.graph.value_info, {})


def inferred_apart(
    model: Model, nodes: Sequence[NodeProto], inputs: Mapping[str, Tensor], constants: Mapping[str, Array]
) -> dict[str, Declared]:
    """The same in a process of its own: on a damaged model, the native code may abort."""
    sent = skeleton(model, nodes, inputs, constants).SerializeToString()
    done = subprocess.run([sys.executable, "-c", INFER], input=sent, capture_output=True, check=False)
    if done.returncode:
        return {}
    return declarations(ModelProto.FromString(done.stdout).graph.value_info, {})


INFER = """
import sys
from onnx.shape_inference import infer_shapes
sys.stdout.buffer.write(infer_shapes(sys.stdin.buffer.read(), data_prop=True).SerializeToString())
"""


def skeleton(
    model: Model, nodes: Sequence[NodeProto], inputs: Mapping[str, Tensor], constants: Mapping[str, Array]
) -> ModelProto:
    """The needed part of a model without its large weights."""
    weights = {node.output[0]: tensor for node in nodes if (tensor := large_constant(node)) is not None}
    graph = GraphProto(name="inference", node=[inferable(n) for n in nodes if large_constant(n) is None])
    for name, type in inputs.items():
        graph.input.append(helper.make_value_info(name, onnx_type(type)))
    for tensor in model.proto.graph.initializer:
        if tensor.name in constants:
            continue
        if is_large(tensor):
            weights[tensor.name] = tensor
        else:
            graph.initializer.append(tensor)
    for name, tensor in weights.items():
        type = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
        graph.input.append(helper.make_value_info(name, type))
    for name, array in constants.items():
        if array.size <= SMALL:
            graph.initializer.append(numpy_helper.from_array(array, name))
    result = ModelProto(ir_version=model.proto.ir_version, graph=graph, functions=model.proto.functions)
    result.opset_import.extend(model.proto.opset_import)
    return result


def inferable(node: NodeProto) -> NodeProto:
    """The node, or one that nothing is known of where inference is not to be believed.

    It counts windows that start in the padding behind, and joins the shapes of branches of which one may never run.
    """
    if node.op_type != "If" and not any(a.name == "ceil_mode" and a.i for a in node.attribute):
        return node
    unknown = NodeProto()
    unknown.CopyFrom(node)
    unknown.domain = "webdnn.unknown"
    return unknown


def is_large(tensor: TensorProto) -> bool:
    """Is it better described than sent along?"""
    return prod(tensor.dims) > SMALL or tensor.data_location == TensorProto.EXTERNAL


def large_constant(node: NodeProto) -> TensorProto | None:
    """What a constant holds, if that is large."""
    if (node.op_type, canonical(node.domain)) != ("Constant", "") or len(node.output) != 1:
        return None
    return next((a.t for a in node.attribute if a.name == "value" and is_large(a.t)), None)


def compare(
    nodes: Sequence[NodeProto],
    values: Mapping[str, SSAValue | None],
    expectations: Sequence[Mapping[str, Declared]],
    counting: Counting,
) -> None:
    """Raise DiagnosticError where a type is neither what the model says of a value nor what ONNX infers.

    What a model says is often left over from before somebody changed the extents of inputs, and all engines ignore it
    then. Of what `If` gives, only the element type counts: a shape comes from branches, of which one may never run.
    """
    problems = Diagnostics()
    hint = "the shapes that the model declares, or its inputs, contradict its operators; export it again"
    for node in nodes:
        for name in node.output:
            value = values.get(name)
            known = [expected[name] for expected in expectations if name in expected]
            if value is None or not known:
                continue
            if node.op_type == "If":
                known = [Declared(expected.element, None) for expected in known]
            difference = contradiction(value, known, counting.of(value))
            if difference is not None:
                problem = f"'{node.op_type}' gives '{name}' the type {difference} as the model says"
                problems.note(described(node), problem, hint=hint)
    problems.raise_if_any()


def contradiction(value: SSAValue, known: Sequence[Declared], counted: Counts) -> str | None:
    """How a value's type differs from all that is known of it: in the element type from any, in the shape from each."""
    shape, element = shape_of(value), element_type(value.type)
    others = [expected for expected in known if expected.element != element]
    if not others and any(expected.admits(shape, counted) for expected in known):
        return None
    return f"{element.name} {list(shape)}, not {(others or known)[0]}"
