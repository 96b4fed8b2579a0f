"""Operators that are written as formulas of others: transforms, loops, columns, optimizers, trees, random numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


def parts(signal: NDArray[np.complex128]) -> Array:
    return as_array(np.stack([signal.real, signal.imag], -1).astype(np.float32))


@pytest.mark.parametrize("length", [8, 5, 12])
@pytest.mark.parametrize("numbers", [1, 2])
@pytest.mark.parametrize("inverse", [0, 1])
def test_dft(check: Check, noise: Noise, length: int, numbers: int, inverse: int) -> None:
    """Of real and complex signals that are cut, filled or taken whole."""
    x = noise(2, 8, 3, numbers)
    signal = x[..., 0] + (1j * x[..., 1] if numbers == 2 else 0)
    transform = np.fft.ifft if inverse else np.fft.fft
    size, axis = np.array(length, np.int64), np.array(1, np.int64)
    expected = [parts(transform(signal, length, axis=1))]
    check("DFT", x, size, axis, constants=[1, 2], opset=20, inverse=inverse, expected=expected, tolerance=1e-4)


@pytest.mark.parametrize("length", [8, 9])
def test_one_side_of_a_transform_and_back(check: Check, noise: Noise, length: int) -> None:
    x = noise(2, length, 1)
    half = parts(np.fft.rfft(x[..., 0], axis=1))
    axis, size = np.array(1, np.int64), np.array(length, np.int64)
    check("DFT", x, None, axis, constants=[2], opset=20, onesided=1, expected=[half], tolerance=1e-4)
    back = dict(opset=20, onesided=1, inverse=1, expected=[x], tolerance=1e-4)
    check("DFT", half, size, axis, constants=[1, 2], **back)


@pytest.mark.parametrize("onesided", [0, 1])
def test_stft(check: Check, noise: Noise, onesided: int) -> None:
    step, window = np.array(3, np.int64), np.abs(noise(8, seed=1))
    check("STFT", noise(2, 30, 1), step, window, constants=[1], opset=17, onesided=onesided, tolerance=1e-4)


def test_mel_weights(check: Check) -> None:
    numbers = (np.array(n, np.int64) for n in (8, 16, 8192))
    edges = (np.array(f, np.float32) for f in (20, 3500))
    check("MelWeightMatrix", *numbers, *edges, constants=range(5), opset=17, kernels=False)


@pytest.mark.parametrize(("size", "batch"), [(1, ()), (2, (3,)), (3, ()), (5, (2, 2))])
def test_determinants(check: Check, noise: Noise, size: int, batch: tuple[int, ...]) -> None:
    x = noise(*batch, size, size)
    check("Det", x, opset=22, expected=[np.asarray(np.linalg.det(x), np.float32)], tolerance=1e-4)


def test_columns_add_up(check: Check, noise: Noise) -> None:
    image, kernel = np.array([6, 5], np.int64), np.array([2, 3], np.int64)
    attributes = {"pads": [1, 0, 0, 1], "strides": [2, 1], "dilations": [1, 1]}
    check("Col2Im", noise(2, 12, 12), image, kernel, constants=[1, 2], opset=18, **attributes)


@pytest.mark.parametrize("mode", ["linear", "circular"])
def test_tensor_scatter(check: Check, noise: Noise, mode: str) -> None:
    past, update, start = noise(2, 3, 6, 2), noise(2, 3, 2, 2, seed=1), np.array([1, 4 if mode == "linear" else 5])
    wanted = past.copy()
    for batch in range(2):
        for i in range(2):
            wanted[batch, :, (start[batch] + i) % 6] = update[batch, :, i]
    check("TensorScatter", past, update, start, opset=24, mode=mode, expected=[wanted])


def body(
    inputs: list[tuple[str, int, list[int]]], nodes: list[tuple[str, list[str], str]], outputs: list[str]
) -> GraphProto:
    """A graph for the attribute of a loop."""
    made = [helper.make_node(op, names, [result]) for op, names, result in nodes]
    values = [helper.make_tensor_value_info(*value) for value in inputs]
    return helper.make_graph(made, "body", values, [helper.make_empty_tensor_value_info(name) for name in outputs])


def looped(trips: int | None) -> ModelProto:
    """x += x, as often as is said, with every value stacked; how often is an input unless it is known."""
    steps = body(
        [("i", TensorProto.INT64, []), ("c", TensorProto.BOOL, []), ("v", TensorProto.FLOAT, [2])],
        [("Add", ["v", "v"], "w"), ("Identity", ["c"], "d"), ("Identity", ["w"], "row")],
        ["d", "w", "row"],
    )
    node = helper.make_node("Loop", ["n", "k", "x"], ["y", "rows"], name="loop", body=steps)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])]
    held = [helper.make_tensor("k", TensorProto.BOOL, [], [True])]
    if trips is None:
        inputs.append(helper.make_tensor_value_info("n", TensorProto.INT64, []))
    else:
        held.append(helper.make_tensor("n", TensorProto.INT64, [], [trips]))
    outputs = [helper.make_tensor_value_info("y", 1, [2]), helper.make_tensor_value_info("rows", 1, [trips, 2])]
    graph = helper.make_graph([node], "loop", inputs, outputs, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_loops_are_written_out() -> None:
    x = as_array(np.array([1, 3], np.float32))
    last, rows = run_function(import_onnx(looped(4)), [x])
    np.testing.assert_array_equal(last, x * 16)
    np.testing.assert_array_equal(rows, [x * 2, x * 4, x * 8, x * 16])


def test_loops_of_unknown_length_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="needs the value of its operand 0") as error:
        import_onnx(looped(None))
    assert "--constant n=FILE.npy" in str(error.value)
    with pytest.raises(DiagnosticError, match="has 100000 steps"):
        import_onnx(looped(100000))


@pytest.mark.parametrize("backwards", [0, 1])
def test_scans_are_written_out(backwards: int, noise: Noise) -> None:
    steps = body(
        [("s", TensorProto.FLOAT, [2]), ("e", TensorProto.FLOAT, [2])],
        [("Add", ["s", "e"], "t"), ("Identity", ["t"], "row")],
        ["t", "row"],
    )
    node = helper.make_node("Scan", ["s0", "x"], ["y", "rows"], name="scan", body=steps, num_scan_inputs=1)
    directions = ("scan_input_directions", "scan_output_directions")
    node.attribute.extend(helper.make_attribute(name, [backwards]) for name in directions)
    inputs = [helper.make_tensor_value_info("s0", 1, [2]), helper.make_tensor_value_info("x", 1, [3, 2])]
    outputs = [helper.make_tensor_value_info("y", 1, [2]), helper.make_tensor_value_info("rows", 1, [3, 2])]
    graph = helper.make_graph([node], "scan", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    x = noise(3, 2)
    results = run_function(import_onnx(model), [as_array(np.zeros(2, np.float32)), x])
    last, rows = (result.astype(np.float64) for result in results)
    sums = np.cumsum(x[::-1] if backwards else x, 0)
    np.testing.assert_allclose(last, sums[-1], 1e-5, 1e-6)
    np.testing.assert_allclose(rows, sums[::-1] if backwards else sums, 1e-5, 1e-6)


def test_random_numbers_are_the_same_again(noise: Noise) -> None:
    """Each node has its own; the ratio of what a dropout keeps is about what is asked for."""
    nodes = [helper.make_node("RandomNormal", [], [f"y{i}"], name=f"draw{i}", shape=[200]) for i in range(2)]
    outputs = [helper.make_tensor_value_info(f"y{i}", 1, [200]) for i in range(2)]
    graph = helper.make_graph(nodes, "random", [], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    (first, second), again = (run_function(import_onnx(model), []) for _ in range(2))
    np.testing.assert_array_equal(first, again[0])
    assert abs(first.mean()) < 0.3
    assert abs(first.std() - 1) < 0.2
    assert not np.array_equal(first, second)


def test_distinct_rows_have_to_be_known(check: Check, noise: Noise) -> None:
    x = np.array([[0, 3], [5, 0]], np.float32)
    check("NonZero", x, constants=[0], opset=13, kernels=False)
    check("Unique", x, constants=[0], opset=13, kernels=False)
    with pytest.raises(DiagnosticError, match="needs the value of its operand 0"):
        check("Unique", x, opset=13, axis=0)


def test_suppressed_boxes(check: Check, noise: Noise) -> None:
    boxes, scores = np.abs(noise(2, 12, 4)), np.abs(noise(2, 3, 12, seed=1))
    limits = (np.array([4], np.int64), np.array([0.3], np.float32), np.array([0.2], np.float32))
    for centred in (0, 1):
        operands = (boxes, scores, *limits)
        check("NonMaxSuppression", *operands, constants=range(5), opset=11, center_point_box=centred, kernels=False)


def test_distinct_elements(check: Check, noise: Noise) -> None:
    x = np.round(noise(4, 5))
    for attributes in ({}, {"sorted": 0}, {"axis": 1}, {"axis": 0, "sorted": 0}):
        check("Unique", x, constants=[0], opset=11, outputs=4, kernels=False, **attributes)
