"""DynamicQuantizeLSTM: the layer of its dequantized weights, from which onnxruntime is as far as it rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.operator_cases import Case, Floats, computed, floats, units
from webdnn.support.weights import Array

STEPS, BATCH, INPUT, HIDDEN = 6, 2, 8, 4


def weights(directions: int, size: int, apiece: bool) -> tuple[Array, Floats, Array]:
    """Integers, their scales and zero points: one for each direction, or for each gate of each direction."""
    held = units(directions, size, 4 * HIDDEN, dtype=np.int8)
    shape = (directions, 4 * HIDDEN) if apiece else (directions,)
    scale = (np.abs(floats(*shape)) * 0.004 + 0.002).astype(np.float32)
    return held, scale, np.zeros(shape, np.int8)


def dequantized(held: Array, scale: Floats) -> Array:
    """Rows of gates, as ONNX's own operator has them."""
    by = scale.reshape(scale.shape[0], 1, -1)
    return np.ascontiguousarray(np.transpose(held.astype(np.float32) * by, (0, 2, 1)))


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("apiece", [False, True])
def test_layers_of_dequantized_weights(directions: int, apiece: bool, tmp_path: Path) -> None:
    x, bias = floats(STEPS, BATCH, INPUT), floats(directions, 8 * HIDDEN)
    w, r = (weights(directions, size, apiece) for size in (INPUT, HIDDEN))
    options = {"hidden_size": HIDDEN, "direction": "bidirectional" if directions == 2 else "forward"}
    quantized = [x, w[0], r[0], bias, None, None, None, None, *w[1:], *r[1:]]
    case = Case("DynamicQuantizeLSTM", quantized, [1, 2, 3, 8, 9, 10, 11], 3, attributes=options)
    plain = Case("LSTM", [x, dequantized(*w[:2]), dequantized(*r[:2]), bias], [1, 2, 3], 3, "", options)
    exact = computed(plain, tmp_path)
    for name, (found, rounded) in computed(case, tmp_path).items():
        np.testing.assert_allclose(found.astype(float), exact[name][1].astype(float), 1e-4, 1e-5)
        np.testing.assert_allclose(found.astype(float), rounded.astype(float), atol=0.02)
