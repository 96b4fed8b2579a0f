"""Operators with a body: the model's own functions, and those that ONNX defines by others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, TypeProto, defs, helper
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import Tensor
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.weights import numpy_dtype


@runtime_checkable
class FunctionSchema(Protocol):
    """What the bindings of an operator's schema have beyond their annotations."""

    @property
    def function_opset_versions(self) -> Sequence[int]: ...
    @property
    def context_dependent_function_opset_versions(self) -> Sequence[int]: ...
    def get_function_with_opset_version(self, version: int) -> bytes: ...
    def get_context_dependent_function_with_opset_version(
        self, version: int, node: bytes, types: Sequence[bytes]
    ) -> bytes: ...


def onnx_function(
    node: NodeProto, domain: str, opset: int, operands: Sequence[SSAValue | None]
) -> FunctionProto | None:
    """How ONNX defines an operator by others; None where it does not."""
    schema: object = schema_of(node.op_type, domain, opset)
    if not isinstance(schema, FunctionSchema):
        return None
    if versions := schema.function_opset_versions:
        return FunctionProto.FromString(schema.get_function_with_opset_version(nearest(versions, opset)))
    if versions := schema.context_dependent_function_opset_versions:
        version = nearest(versions, opset)
        types = [b"" if o is None else onnx_type(o).SerializeToString() for o in operands]
        body = schema.get_context_dependent_function_with_opset_version(version, node.SerializeToString(), types)
        return FunctionProto.FromString(body) if body else None
    return None


def has_function(op_type: str, domain: str, opset: int) -> bool:
    """Does ONNX define an operator by others?"""
    schema: object = schema_of(op_type, domain, opset)
    if not isinstance(schema, FunctionSchema):
        return False
    return bool(schema.function_opset_versions or schema.context_dependent_function_opset_versions)


def schema_of(op_type: str, domain: str, opset: int) -> defs.OpSchema | None:
    """What ONNX says of an operator; None where it says nothing."""
    try:
        return defs.get_schema(op_type, opset, domain)
    except defs.SchemaError:
        return None


def nearest(versions: Sequence[int], opset: int) -> int:
    """The newest version that is not newer than the opset, else the oldest."""
    return max((v for v in versions if v <= opset), default=min(versions))


def onnx_type(value: SSAValue | Tensor) -> TypeProto:
    element = element_type(value.type if isinstance(value, SSAValue) else value)
    code = helper.np_dtype_to_tensor_dtype(numpy_dtype(element))
    return helper.make_tensor_type_proto(code, shape_of(value))


def instantiated(function: FunctionProto, attributes: Mapping[str, AttributeProto]) -> list[NodeProto]:
    """The nodes of a function with the attributes of a call in place of those that refer to them."""
    actual = {a.name: a for a in function.attribute_proto} | dict(attributes)
    return [substituted(node, actual) for node in function.node]


def substituted(node: NodeProto, actual: Mapping[str, AttributeProto]) -> NodeProto:
    """The node itself where it refers to nothing."""
    if not any(a.ref_attr_name or a.type == AttributeProto.GRAPH for a in node.attribute):
        return node
    result = NodeProto()
    result.CopyFrom(node)
    del result.attribute[:]
    for attribute in node.attribute:
        if attribute.ref_attr_name in actual:
            result.attribute.add().CopyFrom(actual[attribute.ref_attr_name])
            result.attribute[-1].name = attribute.name
        elif not attribute.ref_attr_name:
            result.attribute.add().CopyFrom(attribute)
            if attribute.type == AttributeProto.GRAPH:
                substitute_in(result.attribute[-1].g, actual)
    return result


def substitute_in(graph: GraphProto, actual: Mapping[str, AttributeProto]) -> None:
    nodes = [substituted(node, actual) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
