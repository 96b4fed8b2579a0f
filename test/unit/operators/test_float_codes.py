"""Floats of 8 and 4 bits and integers of 4 and 2: every half float encoded, as kernels too; what is done with codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from xdsl.context import Context

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.lowering.tensor_layout_to_kernel.convert import ConvertTensorLayoutToKernelPass
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.float_format import FLOAT_FORMATS

Array = NDArray[np.float64]

FORMATS = {
    "f8e4m3fn": TensorProto.FLOAT8E4M3FN,
    "f8e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "f8e5m2": TensorProto.FLOAT8E5M2,
    "f8e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
    "f4e2m1": TensorProto.FLOAT4E2M1,
    "f8e8m0": TensorProto.FLOAT8E8M0,
}


def model(nodes: Sequence[tuple[str, dict[str, int]]], element: int, result: int, shape: Sequence[int]) -> ModelProto:
    """A chain of nodes."""
    names = ["x", *(f"v{i}" for i in range(len(nodes) - 1)), "y"]
    chain = [helper.make_node(op, [names[i]], [names[i + 1]], name=op) for i, (op, _) in enumerate(nodes)]
    for node, (_, attributes) in zip(chain, nodes, strict=True):
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    inputs = [helper.make_tensor_value_info("x", element, shape)]
    outputs = [helper.make_tensor_value_info("y", result, shape)]
    graph = helper.make_graph(chain, "codes", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=11)


def run_both(proto: ModelProto, x: Array) -> Array:
    """What the reference gives; the kernel form gives the same."""
    module = import_onnx(proto)
    (reference,) = run_function(module, [x])
    ConvertTensorLayoutToKernelPass().apply(Context(), module)
    (found,) = run_function(module, [x])
    np.testing.assert_array_equal(found, reference)
    return as_array(reference)


def all_half_floats() -> Array:
    return as_array(np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "f8e8m0"])
@pytest.mark.parametrize("saturate", [0, 1])
def test_every_half_float(name: str, saturate: int) -> None:
    """The nearest number of the format; beyond the largest, that or what ONNX says."""
    format, x = FLOAT_FORMATS[name], all_half_floats()
    codes = run_both(model([("Cast", {"to": FORMATS[name], "saturate": saturate})], 1, FORMATS[name], x.shape), x)
    dtype = np.dtype(getattr(ml_dtypes, format.ml_dtypes))
    largest = np.float32(format.value(format.largest))
    with np.errstate(all="ignore"):
        wanted = x.astype(dtype).astype(np.float32)
        if saturate or name == "f4e2m1":
            wanted = np.where(np.isnan(x), wanted, np.clip(x, -largest, largest).astype(dtype).astype(np.float32))
    found = np.array([format.value(code) for code in range(format.count)], np.float32)[codes.astype(np.int64)]
    np.testing.assert_array_equal(found, np.where(np.isnan(x) & (name == "f4e2m1"), np.float32(0), wanted))


def test_powers_of_two_are_rounded_up() -> None:
    x = as_array(np.abs(all_half_floats()))
    codes = run_both(model([("Cast", {"to": TensorProto.FLOAT8E8M0})], 1, TensorProto.FLOAT8E8M0, x.shape), x)
    finite = np.isfinite(x) & (x > 0)
    found = np.exp2(codes.astype(np.float64) - 127)[finite]
    assert ((found >= x[finite]) & (found / 2 < x[finite])).all()
    assert set(codes[np.isinf(x)].tolist()) == {254}
    assert set(codes[np.isnan(x)].tolist()) == {255}
    assert set(codes[x == 0].tolist()) == {0}


@pytest.mark.parametrize(("type", "bits", "signed"), [("INT4", 4, True), ("UINT4", 4, False), ("INT2", 2, True)])
def test_low_bits_are_kept(type: str, bits: int, signed: bool) -> None:
    code = int(TensorProto.DataType.Value(type))
    x = as_array(np.arange(-40, 40, dtype=np.float32) * np.float32(0.75))
    found = run_both(model([("Cast", {"to": code})], 1, code, x.shape), x)
    low = np.trunc(x).astype(np.int64) % (1 << bits)
    wanted = np.where(low >= 1 << (bits - 1), low - (1 << bits), low) if signed else low
    np.testing.assert_array_equal(found, wanted.astype(np.int8 if signed else np.uint8))


@pytest.mark.parametrize("name", FORMATS)
def test_codes_become_numbers_again(name: str) -> None:
    """Moved between, as codes."""
    format, code = FLOAT_FORMATS[name], FORMATS[name]
    codes = as_array(np.arange(format.count, dtype=np.uint8))
    proto = model([("Identity", {}), ("Cast", {"to": 1})], code, 1, codes.shape)
    wanted = np.array([format.value(c) for c in range(format.count)], np.float32)
    np.testing.assert_array_equal(run_both(proto, codes), wanted)


def test_codes_are_not_computed_on() -> None:
    proto = model([("Neg", {}), ("Cast", {"to": 1})], TensorProto.FLOAT8E5M2, 1, [4])
    with pytest.raises(DiagnosticError, match="'Neg' computes on elements of type FLOAT8E5M2"):
        import_onnx(proto)


def test_constants_inside_of_the_graph_are_codes_too() -> None:
    """The same bytes as numbers and as codes are different constants."""
    tensors = {
        "codes": helper.make_tensor("codes", TensorProto.FLOAT8E4M3FN, [2], [1.5, -448.0]),
        "bytes": helper.make_tensor("bytes", TensorProto.UINT8, [2], [0x3C, 0xFE]),
    }
    nodes = [helper.make_node("Constant", [], [name], value=tensor) for name, tensor in tensors.items()]
    nodes += [helper.make_node("Cast", [name], [f"{name}_y"], to=1) for name in tensors]
    outputs = [helper.make_tensor_value_info(f"{name}_y", 1, [2]) for name in tensors]
    graph = helper.make_graph(nodes, "constants", [], outputs)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=11)
    codes, numbers = run_function(import_onnx(proto), [])
    np.testing.assert_array_equal(codes, [1.5, -448])
    np.testing.assert_array_equal(numbers, [0x3C, 0xFE])


def test_doubles_are_not_rounded_twice() -> None:
    proto = model([("Cast", {"to": TensorProto.FLOAT8E5M2})], TensorProto.DOUBLE, TensorProto.FLOAT8E5M2, [4])
    with pytest.raises(DiagnosticError, match="rounds f64 to FLOAT8E5M2"):
        import_onnx(proto)


Check = Callable[..., object]


def test_bits_of_floats(check: Check) -> None:
    x = np.array([1.0, -2.5, np.inf, 0.0], np.float32)
    check("BitCast", x, opset=26, to=TensorProto.INT32, expected=[x.view(np.int32)])
    check("BitCast", x.view(np.int32), opset=26, to=TensorProto.FLOAT, expected=[x], kernels=False)
    check(
        "BitCast", np.array([-1, 5], np.int8), opset=26, to=TensorProto.UINT8, expected=[np.array([255, 5], np.uint8)]
    )
