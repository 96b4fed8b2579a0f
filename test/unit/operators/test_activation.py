"""Activations against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.dnn.activation import ClipOp
from webdnn.dialects.kernel.reference import run_function
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]

ATTRIBUTES: list[tuple[str, dict[str, object]]] = [
    ("LeakyRelu", {}),
    ("LeakyRelu", {"alpha": 0.3}),
    ("LeakyRelu", {"alpha": -1.5}),
    ("Elu", {}),
    ("Elu", {"alpha": 2.0}),
    ("Selu", {}),
    ("Selu", {"alpha": 1.2, "gamma": 3.0}),
    ("Celu", {}),
    ("Celu", {"alpha": 2.5}),
    ("ThresholdedRelu", {}),
    ("ThresholdedRelu", {"alpha": 0.2}),
    ("HardSigmoid", {}),
    ("HardSigmoid", {"alpha": 0.5, "beta": 0.4}),
    ("HardSwish", {}),
    ("Gelu", {}),
    ("Gelu", {"approximate": "tanh"}),
    ("Shrink", {}),
    ("Shrink", {"bias": 0.3, "lambd": 0.7}),
    ("Mish", {}),
    ("Softplus", {}),
    ("Softsign", {}),
]


@pytest.mark.parametrize(("op_type", "attributes"), ATTRIBUTES)
def test_activation(check: Check, noise: Noise, op_type: str, attributes: dict[str, object]) -> None:
    check(op_type, noise(2, 3, 9), opset=20, **attributes)


@pytest.mark.parametrize("op_type", ["LeakyRelu", "Elu", "Celu", "HardSigmoid", "ThresholdedRelu", "Gelu"])
def test_special_numbers(check: Check, op_type: str) -> None:
    """What implementations of HardSigmoid, ThresholdedRelu and Gelu give of NaN and infinities differs."""
    x = np.array([-0.0, 0.0, 1e30, -1e30, np.inf, -np.inf, np.nan], np.float32)
    check(op_type, x if op_type in ("LeakyRelu", "Elu") else x[:4], opset=20)


@pytest.mark.parametrize("alpha", [1.0, 1.7])
def test_swish(check: Check, noise: Noise, alpha: float) -> None:
    x = noise(2, 3, 4)
    wanted = (x / (1 + np.exp(-alpha * x.astype(np.float64)))).astype(np.float32)
    check("Swish", x, opset=24, alpha=alpha, expected=[wanted])


@pytest.mark.parametrize("slope", [(), (1,), (4,), (3, 1), (2, 3, 4)])
def test_prelu(check: Check, noise: Noise, slope: tuple[int, ...]) -> None:
    check("PRelu", noise(2, 3, 4), noise(*slope, seed=1))


def test_prelu_of_integers(check: Check, noise: Noise) -> None:
    x, slope = noise(3, 4, dtype="int32"), noise(4, dtype="int32", seed=1)
    check("PRelu", x, slope, expected=[np.where(np.less(x, 0), np.multiply(x, slope), x)])


def test_prelu_refuses_a_slope_that_is_larger(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="does not fit into"):
        check("PRelu", noise(3, 4), noise(2, 3, 4), expected=[])


@pytest.mark.parametrize("bounds", [{}, {"min": -0.5}, {"max": 0.5}, {"min": -0.5, "max": 0.5}])
def test_clip_by_attributes(check: Check, noise: Noise, bounds: dict[str, float]) -> None:
    check("Clip", noise(2, 5), opset=6 + 1, **bounds)


@pytest.mark.parametrize("constants", [(1, 2), (1,), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "int8", "uint64"])
def test_clip_by_operands(check: Check, noise: Noise, dtype: str, constants: tuple[int, ...]) -> None:
    low, high = np.array(2, dtype), np.array(6, dtype)
    module = check("Clip", noise(3, 7, dtype=dtype), low, high, opset=13, constants=constants)
    assert any(isinstance(op, ClipOp) for op in module.walk()) == (len(constants) == 2)


def test_clip_with_one_bound(check: Check, noise: Noise) -> None:
    check("Clip", noise(2, 5), None, np.array(0.2, np.float32), constants=(2,))
    check("Clip", noise(2, 5), np.array(0.2, np.float32), constants=(1,))


def test_clip_with_crossed_and_infinite_bounds(check: Check, noise: Noise) -> None:
    one, two, inf = (np.array(v, np.float32) for v in (1, 2, np.inf))
    check("Clip", noise(2, 5), two, one, constants=(1, 2))
    check("Clip", noise(2, 5), -inf, inf, constants=(1, 2))
    check("Clip", noise(2, 5), one, inf, constants=(1, 2))


def test_clip_keeps_bounds_that_no_property_can_hold(check: Check) -> None:
    x = np.array([1, 2**63 + 5, 2**64 - 1], np.uint64)
    low, high = np.array(2, np.uint64), np.array(2**63 + 8, np.uint64)
    check("Clip", x, low, high, constants=(1, 2), expected=[np.clip(x, low, high)])


@pytest.mark.parametrize("op_type", ["LeakyRelu", "Elu", "Selu", "HardSigmoid", "Gelu"])
def test_half_and_double(check: Check, noise: Noise, op_type: str) -> None:
    """Compared with onnxruntime's f32: it has few of these."""
    x = noise(3, 5, dtype="float16")
    single = run_function(check(op_type, x.astype(np.float32), opset=20), [x.astype(np.float32)])
    check(op_type, x, opset=20, expected=[single[0].astype(np.float16)], tolerance=2e-3)
    check(op_type, x.astype(np.float64), opset=20, expected=[single[0].astype(np.float64)])
