"""Models with steps of quantization here and there: how far roundings that end otherwise move the outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

QUANTIZERS = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "QGemm"})
"""Operators whose first result is quantized, beside all those that are called QLinear…"""

RANGES: Mapping[str, tuple[int, int, int]] = {
    "tensor(uint8)": (TensorProto.UINT8, 0, 255),
    "tensor(int8)": (TensorProto.INT8, -128, 127),
    "tensor(uint16)": (TensorProto.UINT16, 0, 65535),
    "tensor(int16)": (TensorProto.INT16, -32768, 32767),
}
"""The element types that activations are quantized to, as onnxruntime spells them, with their least and greatest"""

SHARE = 1 / 64
"""Of the elements of each quantized value that are moved by a step; at least about one."""


def quantized_values(model: ModelProto) -> list[str]:
    """The quantized values of the model's graph that are computed from its inputs; not those in graphs of nodes."""
    constant = {tensor.name for tensor in model.graph.initializer}
    computed = {value.name for value in model.graph.input} - constant
    found: list[str] = []
    for node in model.graph.node:  # which ONNX has in an order of computation
        if not computed.isdisjoint(node.input):
            computed.update(name for name in node.output if name)
            found += [node.output[0]] if is_quantizer(node) else []
    return found


def is_quantizer(node: NodeProto) -> bool:
    return node.op_type in QUANTIZERS or node.op_type.startswith("QLinear")


def with_outputs(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """The model with these values as its only outputs."""
    result = ModelProto()
    result.CopyFrom(model)
    del result.graph.output[:]
    result.graph.output.extend(ValueInfoProto(name=name) for name in names)
    return result


def with_steps(model: ModelProto, types: Mapping[str, str], seed: int) -> ModelProto:
    """The model with a part of the elements of these values (of onnxruntime's types) a step lower or higher."""
    result = ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    for i, node in enumerate(model.graph.node):
        kept = result.graph.node.add()
        kept.CopyFrom(node)
        name = node.output[0] if node.output else ""
        if name in types:
            kept.output[0] = f"{name}.exact"
            result.graph.node.extend(moved(kept.output[0], name, types[name], seed * len(model.graph.node) + i))
    return result


def moved(source: str, result: str, type: str, seed: int) -> Iterator[NodeProto]:
    """The nodes that make `result` of `source`: u of -1 … 1 for each element, a step where |u| is nearly 1.

    They compute in floats, which operators of all opsets take.
    """
    code, low, high = RANGES[type]

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: float | int) -> NodeProto:
        made = helper.make_node(kind, [f"{source}{name}" for name in inputs], [f"{source}{output}"])
        made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        return made

    def number(value: float, name: str) -> NodeProto:
        tensor = helper.make_tensor("", TensorProto.FLOAT, [], [value])
        return helper.make_node("Constant", [], [f"{source}{name}"], value=tensor)

    yield from (number(SHARE, ".share"), number(1, ".one"), number(low, ".low"), number(high, ".high"))
    yield node("Cast", [""], ".wide", to=TensorProto.FLOAT)
    yield node("RandomUniformLike", [".wide"], ".u", low=-1.0, high=1.0, seed=float(seed))
    yield node("Size", [""], ".size")
    yield node("Cast", [".size"], ".count", to=TensorProto.FLOAT)
    yield node("Div", [".one", ".count"], ".single")
    yield node("Max", [".share", ".single"], ".part")
    yield node("Sub", [".one", ".part"], ".limit")
    yield node("Neg", [".limit"], ".lower")
    yield node("Greater", [".u", ".limit"], ".above")
    yield node("Less", [".u", ".lower"], ".below")
    yield node("Cast", [".above"], ".up", to=TensorProto.FLOAT)
    yield node("Cast", [".below"], ".down", to=TensorProto.FLOAT)
    yield node("Add", [".wide", ".up"], ".raised")
    yield node("Sub", [".raised", ".down"], ".stepped")
    yield node("Max", [".stepped", ".low"], ".least")
    yield node("Min", [".least", ".high"], ".held")
    yield helper.make_node("Cast", [f"{source}.held"], [result], to=code)
