"""Operators of onnxruntime's domain against onnxruntime itself: within what their quantization or rounding leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from helpers.operator_cases import Attribute, Case, computed, f32, floats, u8, units
from webdnn.frontends.onnx.definitions import DEFINITIONS
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array


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


def named_blocks(columns: int, order: Sequence[int], zeros: bool = False) -> Case:
    """The same, where columns in this order belong to one block after another."""
    case, blocks = packed(4, columns, zeros), np.zeros(columns, np.int32)
    blocks[order] = np.arange(columns) // 16
    return replace(case, operands=[*case.operands, blocks], fixed=[*case.fixed, 4])


def shuffled(columns: int) -> Sequence[int]:
    return [int(column) for column in np.random.default_rng(columns).permutation(columns)]


def looked_up(bits: int, zeros: bool) -> Case:
    """Rows of a table of 48 columns in blocks of 16."""
    points = units(7, -(-3 * bits // 8)) if zeros else None
    operands = [units(7, 48 * bits // 8), ROW_NUMBERS, np.abs(floats(7, 3)), points]
    fixed = [0, 2, 3] if zeros else [0, 2]
    return Case("GatherBlockQuantized", operands, fixed, attributes={"bits": bits, "block_size": 16})


def nibbles(*shape: int) -> Array:
    return units(*shape, dtype=np.int8).astype(ml_dtypes.int4)


def of_codes(rows: int, columns: int, quant_type: int) -> Case:
    sizes = {"N": rows, "K": columns, "block_size": 16, "quant_type": quant_type}
    operands = [floats(3, columns), units(-(-rows * columns // 2)), np.abs(floats(-(-rows * columns // 16)))]
    return Case("MatMulBnb4", operands, fixed=[1, 2], attributes=sizes)


def quantized_conv(shape: tuple[int, ...], **attributes: Attribute) -> Case:
    weights = [units(6, 3, 3, 3), f32(0.02), u8(100), f32(0.3), u8(110), np.arange(6, dtype=np.int32) * 50]
    options = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3], **attributes}
    return Case("QLinearConv", [units(*shape), f32(0.05), u8(120), *weights], range(1, 9), attributes=options)


def quantized_embedding(segments: bool) -> Case:
    tables: list[Array | None] = [units(11, 8), units(5, 8), units(2, 8), units(8), units(8)]
    scales: list[Array | None] = [f32(scale) for scale in (0.05, 0.02, 0.01, 0.03, 0.02)]
    points: list[Array | None] = [u8(point) for point in (120, 100, 128, 5, 99)]
    if not segments:
        tables[2] = scales[2] = points[2] = None
    operands = [IDS, SEGMENTS if segments else None, *tables, ROWS, *scales, *points]
    return Case("QEmbedLayerNormalization", operands, [2, 3, *([4] if segments else []), 5, 6], outputs=2)


def table(*rows: Sequence[int]) -> Array:
    return np.array(rows, np.int32)


def attention(mask: Array | None = None, past: Array | None = None, outputs: int = 1, **attributes: Attribute) -> Case:
    """Two rows of five places, in two heads of four."""
    operands = [floats(2, 5, 6), floats(6, 24), floats(24), mask, past]
    return Case("Attention", operands, fixed=[1, 2], outputs=outputs, attributes={"num_heads": 2, **attributes})


def heads(*operands: Array | None, outputs: int = 1, **attributes: Attribute) -> Case:
    return Case("MultiHeadAttention", operands, outputs=outputs, attributes={"num_heads": 2, **attributes})


ROW_NUMBERS = np.array([[1, 2, 6], [0, -1, 3]])
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
    "blocks by name": named_blocks(48, shuffled(48)),
    "blocks by name, the last one cut": named_blocks(40, shuffled(40)),
    "blocks by name that are sorted": named_blocks(48, range(48)),
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
    "conv with channels last": quantized_conv((1, 4, 5, 3), channels_last=1),
    "conv with channels first": quantized_conv((1, 3, 4, 5)),
    "pool with channels last": Case(
        "NhwcMaxPool", [units(1, 6, 7, 3)], attributes={"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    ),
    "2 bits": packed(2, 40, zeros=True),
    "rows of 2 bits": looked_up(2, zeros=True),
    "rows of 4 bits": looked_up(4, zeros=False),
    "rows of 4 bits with zero points": looked_up(4, zeros=True),
    "rows of 8 bits": looked_up(8, zeros=False),
    "rows of a type of 4 bits": Case(
        "GatherBlockQuantized",
        [nibbles(7, 32), ROW_NUMBERS, floats(7, 2), nibbles(7, 2)],
        [0, 2, 3],
        attributes={"block_size": 16},
    ),
    "columns of a type of 4 bits": Case(
        "GatherBlockQuantized",
        [nibbles(32, 7), ROW_NUMBERS, floats(2, 7)],
        [0, 2],
        attributes={"block_size": 16, "gather_axis": 1, "quantize_axis": 0},
    ),
    "quantiles": of_codes(5, 20, quant_type=1),
    "quantiles in part of a block": of_codes(3, 15, quant_type=1),
    "floats of 4 bits": of_codes(6, 32, quant_type=0),
    "quantized embedding": quantized_embedding(segments=True),
    "quantized embedding without segments": quantized_embedding(segments=False),
    "range": Case("Range", [np.array(1), np.array(5)], [0, 1]),
    "range in halves": Case("Range", [f32(1), f32(5), f32(0.5)], [0, 1, 2]),
    "pads in an axis": Case("Pad", [floats(2, 3), np.array([[0, 1, 2, 0]]), floats(1)], [1, 2]),
    "pads of the edge": Case("Pad", [floats(2, 3), np.array([0, 1, 2, 0])], [1], attributes={"mode": "edge"}),
    "elements": Case("GatherND", [floats(2, 3), table([0, 1], [1, 2])]),
    "another axis": Case("ExpandDims", [floats(2, 3), np.array(-1, np.int32)], [1]),
    "grid": Case("GridSample", [floats(1, 2, 4, 5), floats(1, 3, 3, 2)], attributes={"padding_mode": "border"}),
    "grid of cubes": Case("GridSample", [floats(1, 2, 4, 5), floats(1, 3, 3, 2)], attributes={"mode": "bicubic"}),
    "distinct": Case("Unique", [np.array([2, 1, 1, 3, 4, 3], np.float32)], [0], outputs=3),
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
    for found, wanted in computed(CASES[name], tmp_path).values():
        step = 1 if wanted.dtype.kind in "iu" else 0
        np.testing.assert_allclose(found.astype(float), wanted.astype(float), rtol=1e-4, atol=step or 1e-5)
        # Its softmax of integers rounds down some of what lies between two steps.
        assert not step or (found != wanted).mean() <= 0.2


ELSEWHERE = ("BiasAdd", "BiasSplitGelu", "DynamicQuantizeLSTM", "GroupNorm", "GroupQueryAttention", "SkipGroupNorm")


def test_every_definition_is_compared() -> None:
    """Some have files of their own."""
    compared = {(case.domain, case.kind) for case in CASES.values()}
    elsewhere = {("com.microsoft", kind) for kind in ELSEWHERE}
    assert compared | elsewhere == DEFINITIONS.keys()


REFUSED: Mapping[str, tuple[Case, str]] = {
    "activation": (CASES["fused conv"].having(activation="Mish"), "has the activation 'Mish'"),
    "rotary": (attention().having(do_rotary=1), "rotates queries and keys"),
    "mask": (attention(np.ones((2, 1, 9, 9), np.int32)), "has a mask of shape [2, 1, 9, 9]"),
    "bits": (packed(4, 32, False).having(bits=3), "has weights of 3 bits"),
    "computed blocks": (
        replace(named_blocks(48, range(48)), fixed=[1, 2]),
        "has blocks of columns (g_idx) that are computed",
    ),
    "blocks and zero points": (named_blocks(48, range(48), zeros=True), "(g_idx) and zero points"),
    "uneven blocks": (named_blocks(48, range(48)).having(block_size=32), "not every 32 belong to one block"),
    "table": (looked_up(4, False).having(bits=3), "looks up places of axis 0 of 3 bits in a table"),
    "training": (of_codes(4, 16, 1).having(transB=0), "has weights that it does not transpose"),
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
