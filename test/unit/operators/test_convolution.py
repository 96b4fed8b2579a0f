"""Convolutions against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 3, 6, 7), (4, 3, 3, 3), {}),
        ((2, 3, 6, 7), (4, 3, 3, 2), {"strides": [2, 1], "pads": [1, 0, 0, 2], "dilations": [1, 2]}),
        ((1, 6, 5, 5), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
        ((1, 6, 5, 5), (4, 3, 3, 3), {"group": 2, "strides": [2, 2]}),
        ((2, 3, 9), (5, 3, 4), {"auto_pad": "SAME_UPPER", "strides": [2]}),
        ((2, 3, 9), (5, 3, 4), {"auto_pad": "SAME_LOWER", "strides": [2]}),
        ((1, 3, 9), (5, 3, 4), {"auto_pad": "VALID", "kernel_shape": [4]}),
        ((1, 2, 4, 5, 6), (3, 2, 2, 3, 2), {"pads": [1, 1, 0, 0, 1, 1], "strides": [1, 2, 2]}),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_conv(
    check: Check, noise: Noise, x: tuple[int, ...], w: tuple[int, ...], attributes: dict[str, object], bias: bool
) -> None:
    operands = [noise(*x), noise(*w, seed=1), *([noise(w[0], seed=2)] if bias else [])]
    check("Conv", *operands, opset=11 if bias else 22, constants=[1, 2] if bias else [], **attributes)


def test_conv_refuses_a_kernel_shape_that_is_not_that_of_the_weights(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="kernel_shape"):
        check("Conv", noise(1, 3, 6), noise(4, 3, 3), kernel_shape=[2], expected=[])


@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((1, 3, 4, 5), (3, 4, 3, 3), {}),
        ((2, 3, 4, 5), (3, 4, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ((1, 3, 4, 5), (3, 2, 3, 2), {"strides": [3, 2], "dilations": [2, 3], "pads": [1, 0, 2, 1]}),
        ((1, 3, 6), (3, 2, 4), {"strides": [4], "dilations": [2]}),
        ((1, 3, 6), (3, 2, 3), {"strides": [6], "dilations": [4], "pads": [2, 1]}),
        ((1, 6, 4, 4), (6, 1, 2, 2), {"group": 6, "strides": [2, 2]}),
        ((1, 6, 4, 4), (6, 2, 3, 3), {"group": 2, "strides": [2, 2], "pads": [0, 1, 1, 0]}),
        ((1, 3, 5), (3, 2, 3), {"auto_pad": "SAME_UPPER", "strides": [2]}),
        ((1, 3, 5), (3, 2, 4), {"auto_pad": "SAME_LOWER", "strides": [3]}),
        ((1, 3, 5), (3, 2, 4), {"auto_pad": "VALID", "strides": [3]}),
        ((1, 3, 5, 4), (3, 2, 3, 3), {"output_shape": [10, 8], "strides": [2, 2]}),
        ((1, 2, 3, 2, 3), (2, 3, 2, 3, 2), {"strides": [2, 1, 2]}),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_conv_transpose(
    check: Check, noise: Noise, x: tuple[int, ...], w: tuple[int, ...], attributes: dict[str, object], bias: bool
) -> None:
    outputs = w[1] * int(str(attributes.get("group", 1)))
    operands = [noise(*x), noise(*w, seed=1), *([noise(outputs, seed=2)] if bias else [])]
    check("ConvTranspose", *operands, opset=11 if bias else 22, constants=[1, 2] if bias else [], **attributes)


def test_half_floats(check: Check, noise: Noise) -> None:
    x, w = noise(1, 3, 6, dtype="float16"), noise(4, 3, 3, dtype="float16")
    check("Conv", x, w, tolerance=2e-3)
