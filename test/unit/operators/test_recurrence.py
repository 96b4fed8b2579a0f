"""Recurrent layers against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from helpers.recurrent_layers import GATES, Attributes, Layer, layers
from webdnn.dialects.dnn.recurrence import ACTIVATIONS, RecurrentOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.converters.recurrence import NAMES
from webdnn.support.diagnostic import DiagnosticError

Check = Callable[..., ModuleOp]
Noise = Callable[..., NDArray[np.float64]]

WITH_PARAMETERS = {"Affine": (0.7, 0.1), "ScaledTanh": (1.5, 0.6), "HardSigmoid": (0.3, 0.4), "LeakyRelu": (0.2, None)}


bounded = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@bounded
@given(drawn=layers(), constant=st.booleans())
def test_layers(check: Check, noise: Noise, drawn: tuple[Layer, Attributes], constant: bool) -> None:
    """Every combination of what ONNX lists, with weights that are known and that are not."""
    layer, attributes = drawn
    constants = [1, 2, 3, 7] if constant else []
    check(layer.op, *layer.operands(noise), constants=constants, outputs=layer.outputs, **attributes)


@pytest.mark.parametrize("op", GATES)
def test_batches_first(check: Check, noise: Noise, op: str) -> None:
    """onnxruntime refuses this layout: what is expected is the result of the other one, transposed."""
    layer = Layer(op, directions=2, states=True)
    operands = layer.operands(noise)
    attributes: Attributes = {"hidden_size": layer.hidden, "direction": "bidirectional"}
    module = check(op, *operands, outputs=layer.outputs, **attributes)
    y, *states = run_function(module, [as_array(a) for a in operands if a is not None])
    expected = [y.transpose(2, 0, 1, 3), *(state.swapaxes(0, 1) for state in states)]
    given = [None if a is None else a.swapaxes(0, 1) if i in (0, 5, 6) else a for i, a in enumerate(operands)]
    check(op, *given, outputs=layer.outputs, expected=expected, layout=1, **attributes)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_activations(check: Check, noise: Noise, name: str) -> None:
    """Every one that ONNX lists, as the activation of a state."""
    spelled = {known.replace("_", ""): known for known in ACTIVATIONS}[name]
    onnx_name = "".join(word.capitalize() for word in spelled.split("_"))
    alpha, beta = WITH_PARAMETERS.get(onnx_name, (None, None))
    attributes = {
        **({} if alpha is None else {"activation_alpha": [alpha]}),
        **({} if beta is None else {"activation_beta": [beta]}),
    }
    if onnx_name == "ThresholdedRelu":  # onnxruntime's threshold is 0 here, whatever alpha says
        attributes["activation_alpha"] = [0.0]
    layer = Layer("LSTM")
    activations = ["Sigmoid", onnx_name, onnx_name]
    doubled = {key: value * 2 for key, value in attributes.items()}
    check("LSTM", *layer.operands(noise), outputs=3, hidden_size=5, activations=activations, **doubled)


def test_parameters_go_to_the_activations_that_have_them(noise: Noise, check: Check) -> None:
    layer = Layer("GRU", directions=2)
    activations = ["HardSigmoid", "Tanh", "Sigmoid", "LeakyRelu"]
    module = check(
        "GRU",
        *layer.operands(noise),
        outputs=2,
        hidden_size=5,
        direction="bidirectional",
        activations=activations,
        activation_alpha=[0.25, 0.125],
        activation_beta=[0.375],
    )
    found = [op.functions for op in module.walk() if isinstance(op, RecurrentOp)]
    assert found == [
        [("hard_sigmoid", 0.25, 0.375), ("tanh", 0.0, 0.0)],
        [("sigmoid", 0.0, 0.0), ("leaky_relu", 0.125, 0.0)],
    ]


def test_outputs_that_are_left_out(noise: Noise, check: Check) -> None:
    layer = Layer("LSTM")
    module = check("LSTM", *layer.operands(noise), outputs=1, hidden_size=5)
    assert "dnn.concat" not in str(module)


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"activations": ["Swish"]}, "the activation 'Swish', which ONNX does not list"),
        ({"activations": ["Affine"]}, "the activation 'affine' without its parameter"),
        ({"activations": ["Tanh", "Tanh"]}, "2 activations, expected 1"),
        ({"direction": "backward"}, "direction 'backward'"),
    ],
)
def test_refusals(noise: Noise, check: Check, attributes: dict[str, object], problem: str) -> None:
    with pytest.raises(DiagnosticError, match=problem):
        check("RNN", *Layer("RNN").operands(noise), outputs=2, hidden_size=5, expected=[], **attributes)
