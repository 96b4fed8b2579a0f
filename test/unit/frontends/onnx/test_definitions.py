"""Operators of onnxruntime's domain against onnxruntime itself: within what their quantization or rounding leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from webdnn.frontends.onnx.definitions import DEFINITIONS
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError
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


def binary(kind: str) -> Case:
    a, b = units(2, 3, 4), units(3, 1)
    return Case(kind, [a, f32(0.05), u8(120), b, f32(0.02), u8(3), f32(0.07), u8(99)])


def unary(kind: str, shape: Sequence[int] = (2, 3, 4), scale: float = 0.01, **attributes: Attribute) -> Case:
    x = [units(*shape), f32(0.03), u8(100), f32(scale), u8(20)]
    return Case(kind, x, attributes=attributes)


def gemm(**attributes: Attribute) -> Case:
    a, b = units(3, 8), units(5, 8, dtype=np.int8)
    scales, zeros = np.linspace(0.001, 0.004, 5, dtype=np.float32), np.zeros(5, np.int8)
    c = np.arange(-200, 300, 100).astype(np.int32)
    operands = [a, f32(0.05), u8(120), b, scales, zeros, c, f32(0.03), u8(130)]
    return Case("QGemm", operands, fixed=range(3, 7), attributes={"transB": 1, **attributes})


def packed(bits: int, columns: int, zeros: bool) -> Case:
    """A product with weights in blocks of 16."""
    rows, blocks = 6, -(-columns // 16)
    w = units(rows, blocks, 16 * bits // 8)
    scales = np.abs(floats(rows * blocks)) * np.float32(0.1)
    points = units(rows * -(-blocks * bits // 8)) if zeros else None
    sizes = {"N": rows, "K": columns, "bits": bits, "block_size": 16}
    operands = [floats(3, columns), w, scales, points]
    return Case("MatMulNBits", operands, fixed=[1, 2, 3] if zeros else [1, 2], attributes=sizes)


def table(*rows: Sequence[int]) -> Array:
    return np.array(rows, np.int32)


def attention(mask: Array | None = None, past: Array | None = None, outputs: int = 1, **attributes: Attribute) -> Case:
    """Two rows of five places, in two heads of four."""
    operands = [floats(2, 5, 6), floats(6, 24), floats(24), mask, past]
    return Case("Attention", operands, fixed=[1, 2], outputs=outputs, attributes={"num_heads": 2, **attributes})


def heads(*operands: Array | None, outputs: int = 1, **attributes: Attribute) -> Case:
    return Case("MultiHeadAttention", operands, outputs=outputs, attributes={"num_heads": 2, **attributes})


ROWS = table([1, 1, 1, 0, 0], [1, 1, 1, 1, 1])
HOLES = table([1, 0, 1, 0, 0], [0, 1, 1, 1, 1])
ANGLES = np.outer(np.arange(16), [1.0, 0.3]).astype(np.float32)
PLACES = np.array([[0, 3, 1, 7, 9], [2, 4, 6, 8, 1]])
EMBEDDED = [floats(11, 8), floats(5, 8, seed=1), floats(2, 8), floats(8), floats(8, seed=1)]
SEGMENTS = table([0, 0, 1, 1, 1], [0, 0, 0, 0, 1])
IDS = table([1, 4, 10, 0, 2], [3, 3, 5, 9, 1])

CASES: Mapping[str, Case] = {
    "add": binary("QLinearAdd"),
    "mul": binary("QLinearMul"),
    "sigmoid": unary("QLinearSigmoid", scale=0.004),
    "leaky relu": unary("QLinearLeakyRelu", alpha=0.2),
    "softmax": unary("QLinearSoftmax", scale=0.004, axis=-1, opset=13),
    "softmax of several axes": unary("QLinearSoftmax", scale=0.004, axis=1, opset=11),
    "global average": unary("QLinearGlobalAveragePool", (2, 3, 4, 5)),
    "global average, channels last": unary("QLinearGlobalAveragePool", (2, 4, 5, 3), channels_last=1),
    "average": unary("QLinearAveragePool", (1, 3, 6, 6), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    "average, channels last": unary("QLinearAveragePool", (1, 6, 6, 3), kernel_shape=[2, 2], channels_last=1),
    "concat": Case(
        "QLinearConcat",
        [f32(0.06), u8(100), units(2, 3), f32(0.05), u8(120), units(2, 4), f32(0.03), u8(3)],
        attributes={"axis": 1},
    ),
    "where": Case(
        "QLinearWhere",
        [floats(2, 3) > 0, units(2, 3), f32(0.05), u8(120), units(3), f32(0.03), u8(9), f32(0.06), u8(90)],
    ),
    "gemm": gemm(),
    "scaled gemm": gemm(alpha=0.5),
    "gemm to floats": Case("QGemm", gemm().operands[:7], fixed=range(3, 7), attributes={"transB": 1}),
    "quantize": Case("QuantizeLinear", [floats(2, 3), f32(0.02), u8(99)]),
    "dequantize": Case("DequantizeLinear", [units(2, 3), f32(0.02), u8(99)]),
    "integers to floats": Case(
        "MatMulIntegerToFloat",
        [units(3, 8), units(8, 5), f32(0.05), np.abs(floats(5)), u8(120), units(5), floats(5)],
    ),
    "dynamic": Case("DynamicQuantizeMatMul", [floats(3, 8), units(8, 5), f32(0.02), u8(120), floats(5)], fixed=[1]),
    "4 bits": packed(4, 32, zeros=False),
    "4 bits with zero points": packed(4, 40, zeros=True),
    "8 bits": packed(8, 40, zeros=True),
    "fused conv": Case(
        "FusedConv",
        [floats(1, 3, 5, 5), floats(4, 3, 3, 3), floats(4), floats(1, 4, 5, 5)],
        attributes={"activation": "Relu", "pads": [1, 1, 1, 1]},
    ),
    "clipped conv": Case(
        "FusedConv",
        [floats(1, 4, 5), floats(4, 2, 3), floats(4)],
        attributes={"activation": "Clip", "activation_params": [-0.5, 1.5], "group": 2, "kernel_shape": [3]},
    ),
    "conv clipped from below": Case(
        "FusedConv",
        [floats(1, 4, 5), floats(4, 4, 3), floats(4)],
        attributes={"activation": "Clip", "activation_params": [0.5, float("inf")], "kernel_shape": [3]},
    ),
    "fused gemm": Case(
        "FusedGemm",
        [floats(3, 4), floats(5, 4), floats(5)],
        attributes={"transB": 1, "alpha": 0.5, "activation": "LeakyRelu", "activation_alpha": 0.3},
    ),
    "fused matmul": Case(
        "FusedMatMul", [floats(2, 4, 3), floats(2, 5, 4)], attributes={"transA": 1, "transB": 1, "alpha": 0.5}
    ),
    "transposed matmul": Case("TransposeMatMul", [floats(2, 4), floats(3, 4)], attributes={"transB": 1}),
    "batches turned": Case("FusedMatMul", [floats(3, 2, 4), floats(2, 4, 5)], attributes={"transBatchA": 1}),
    "bias gelu": Case("BiasGelu", [floats(2, 3, 8), floats(8)]),
    "gelu": Case("Gelu", [floats(2, 3)]),
    "fast gelu": Case("FastGelu", [floats(2, 3, 8), floats(8)]),
    "fast gelu without bias": Case("FastGelu", [floats(2, 3, 8)]),
    "quick gelu": Case("QuickGelu", [floats(2, 3)], attributes={"alpha": 1.5}),
    "skip layer norm": Case(
        "SkipLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8, seed=1), floats(8), floats(8, seed=1), floats(8)]
    ),
    "skip simplified layer norm": Case(
        "SkipSimplifiedLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8, seed=1), floats(8)]
    ),
    "simplified layer norm": Case(
        "SimplifiedLayerNormalization", [floats(2, 3, 8), floats(8)], domain="", attributes={"epsilon": 1e-3}
    ),
    "trilu": Case("Trilu", [floats(2, 4, 5), np.array(1)], fixed=[1], attributes={"upper": 0}),
    "embedding": Case("EmbedLayerNormalization", [IDS, SEGMENTS, *EMBEDDED, ROWS], range(2, 7), outputs=2),
    "embedding at places": Case(
        "EmbedLayerNormalization",
        [IDS, None, *EMBEDDED[:2], None, *EMBEDDED[3:], HOLES, table([4, 3, 2, 1, 0], [0, 0, 1, 1, 2])],
        range(2, 4),
        outputs=2,
    ),
    "attention": attention(),
    "attention with rows masked": attention(HOLES),
    "attention with lengths": attention(np.array([3, 5], np.int32)),
    "causal attention": attention(ROWS, unidirectional=1, scale=0.7),
    "attention with a past": attention(None, floats(2, 2, 2, 3, 4), outputs=2, unidirectional=1),
    "quantized attention": Case(
        "QAttention",
        [units(2, 5, 6), units(6, 24), floats(24), f32(0.01), f32(0.01), ROWS, u8(120), u8(130)],
        fixed=[1, 2],
        attributes={"num_heads": 2},
    ),
    "heads": heads(floats(2, 5, 8), floats(2, 6, 8), floats(2, 6, 8, seed=1), floats(24)),
    "heads of two widths": heads(floats(2, 5, 8), floats(2, 6, 8), floats(2, 6, 12), floats(28)),
    "heads with masks": heads(floats(2, 3, 8), floats(2, 5, 8), floats(2, 5, 8), None, ROWS, floats(2, 2, 3, 5)),
    "heads with a past": heads(
        *(floats(2, 3, 8), floats(2, 3, 8), floats(2, 3, 8), None, None, None),
        *(floats(2, 2, 4, 4), floats(2, 2, 4, 4, seed=1)),
        outputs=3,
        unidirectional=1,
    ),
    "heads of other keys": heads(floats(2, 3, 8), floats(2, 2, 5, 4), floats(2, 2, 5, 4, seed=1)),
    "rotated": Case("RotaryEmbedding", [floats(2, 5, 8), PLACES, np.cos(ANGLES), np.sin(ANGLES)]),
    "rotated in pairs": Case(
        "RotaryEmbedding",
        [floats(2, 3, 5, 4), PLACES, np.cos(ANGLES), np.sin(ANGLES)],
        attributes={"interleaved": 1},
    ),
    "rotated from a place on": Case(
        "RotaryEmbedding", [floats(2, 5, 8), np.array([6]), np.cos(ANGLES), np.sin(ANGLES)]
    ),
    "rotated in part": Case(
        "RotaryEmbedding",
        [floats(2, 5, 16), PLACES, np.cos(ANGLES), np.sin(ANGLES)],
        attributes={"num_heads": 2, "rotary_embedding_dim": 4},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(case.model().SerializeToString())
    wanted = Oracle(path).run(case.feeds)
    found = Reference(import_onnx(path)).run(case.feeds)
    for output, array in wanted.items():
        assert found[output].dtype == array.dtype
        assert found[output].shape == array.shape
        step = 1 if array.dtype.kind in "iu" else 0
        np.testing.assert_allclose(found[output].astype(float), array.astype(float), rtol=1e-4, atol=step or 1e-5)
        # Its softmax of integers rounds down some of what lies between two steps.
        assert not step or (found[output] != array).mean() <= 0.2


def test_every_definition_is_compared() -> None:
    assert {(case.domain, case.kind) for case in CASES.values()} == DEFINITIONS.keys()


def with_attributes(case: Case, **attributes: Attribute) -> Case:
    return Case(case.kind, case.operands, case.fixed, case.outputs, case.domain, {**case.attributes, **attributes})


REFUSED: Mapping[str, tuple[Case, str]] = {
    "activation": (with_attributes(CASES["fused conv"], activation="Mish"), "has the activation 'Mish'"),
    "rotary": (with_attributes(attention(), do_rotary=1), "rotates queries and keys"),
    "mask": (attention(np.ones((2, 1, 9, 9), np.int32)), "has a mask of shape [2, 1, 9, 9]"),
    "bits": (with_attributes(packed(4, 32, False), bits=2), "has weights of 2 bits"),
    "sum of embeddings": (
        Case("EmbedLayerNormalization", [IDS, SEGMENTS, *EMBEDDED], outputs=2),
        "has an output 1, 'y1', that is not supported",
    ),
    "packed": (heads(floats(2, 5, 2, 3, 4)), "packs queries, keys and values in one tensor"),
    "packed keys": (heads(floats(2, 3, 8), floats(2, 5, 2, 2, 4)), "packs queries, keys and values in one tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_definition(name: str) -> None:
    case, message = REFUSED[name]
    with pytest.raises(DiagnosticError) as refusal:
        import_onnx(case.model())
    assert "node: " in str(refusal.value)
    assert message in str(refusal.value)
