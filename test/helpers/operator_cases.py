"""Operators of onnxruntime as models of one node, with random operands, beside what onnxruntime computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.weights import Array
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

Attribute = int | float | str | Sequence[int] | Sequence[float]
Floats = NDArray[np.float32]


def floats(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def units(*shape: int, dtype: type[np.uint8] | type[np.int8] = np.uint8) -> Array:
    """Integers of a quantized tensor, over all of the range."""
    held = np.iinfo(dtype)
    return np.random.default_rng(shape).integers(held.min, held.max + 1, shape).astype(dtype)


def u8(value: int) -> Array:
    return np.array(value, np.uint8)


def f32(value: float) -> Array:
    return np.array(value, np.float32)


@dataclass(frozen=True)
class Case:
    """A node: its operands in order, of which those that are `fixed` are constants; None is left out."""

    kind: str
    operands: Sequence[Array | None]
    fixed: Sequence[int] = ()
    outputs: int = 1
    domain: str = "com.microsoft"
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])

    @property
    def feeds(self) -> dict[str, Array]:
        given = enumerate(self.operands)
        return {f"x{i}": array for i, array in given if array is not None and i not in self.fixed}

    def model(self) -> ModelProto:
        names = ["" if array is None else f"x{i}" for i, array in enumerate(self.operands)]
        outputs = [f"y{i}" for i in range(self.outputs)]
        node = NodeProto(op_type=self.kind, domain=self.domain, name="node", input=names, output=outputs)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in self.attributes.items())
        code = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in self.feeds.items()}
        constants = {f"x{i}": self.operands[i] for i in self.fixed}
        graph = helper.make_graph(
            [node],
            "one",
            [helper.make_tensor_value_info(name, code[name], array.shape) for name, array in self.feeds.items()],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in constants.items() if array is not None],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, ir_version=8, opset_imports=opsets)

    def having(self, **attributes: Attribute) -> Case:
        """The same with other attributes."""
        return replace(self, attributes={**self.attributes, **attributes})


def computed(case: Case, directory: Path) -> dict[str, tuple[Array, Array]]:
    """By output what is found and what onnxruntime gives, of one type and shape."""
    path = directory / "model.onnx"
    path.write_bytes(case.model().SerializeToString())
    wanted = Oracle(path).run(case.feeds)
    found = Reference(import_onnx(path)).run(case.feeds)
    for output, array in wanted.items():
        assert found[output].dtype == array.dtype
        assert found[output].shape == array.shape
    return {output: (found[output], array) for output, array in wanted.items()}
