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
from webdnn.frontends.onnx.converters.recurrence import NAMES
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
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
    """onnxruntime refuses this layout: what is expected is the other one, transposed."""
    layer = Layer(op, directions=2, states=True)
    operands = layer.operands(noise)
    attributes = {"hidden_size": layer.hidden, "direction": "bidirectional"}
    check(op, *operands, outputs=layer.outputs, **attributes)
    given = [None if a is None else a.swapaxes(0, 1) if i in (0, 5, 6) else a for i, a in enumerate(operands)]
    y, *states = by_numpy(op, operands, layer)
    expected = [y.transpose(2, 0, 1, 3), *(state.swapaxes(0, 1) for state in states)]
    check(op, *given, outputs=layer.outputs, expected=expected, layout=1, **attributes)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def by_numpy(op: str, operands: list[Array | None], layer: Layer) -> list[Array]:
    """A bidirectional layer without lengths, written out once more."""
    x, w, r, b, _, h0, *rest = operands
    assert x is not None
    assert w is not None
    assert r is not None
    assert b is not None
    assert h0 is not None
    size, gates = layer.hidden, GATES[op]
    y = np.zeros((layer.steps, 2, layer.batch, size), np.float32)
    last = [h0.copy(), *(state.copy() for state in rest[:1] if state is not None)]
    for d in range(2):
        of_input, of_state = b[d].reshape(2, gates, size)
        states = [state[d] for state in last]
        for t in reversed(range(layer.steps)) if d else range(layer.steps):
            p = (x[t] @ w[d].T).reshape(-1, gates, size).swapaxes(0, 1) + of_input[:, None]
            q = (states[0] @ r[d].T).reshape(-1, gates, size).swapaxes(0, 1) + of_state[:, None]
            if op == "LSTM":
                i, o, f, c = p + q
                cell = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(c)
                states = [sigmoid(o) * np.tanh(cell), cell]
            elif op == "GRU":
                z, reset = sigmoid(p[0] + q[0]), sigmoid(p[1] + q[1])
                linear = (reset * states[0]) @ r[d].reshape(gates, size, size)[2].T + of_state[2]
                states = [(1 - z) * np.tanh(p[2] + linear) + z * states[0]]
            else:
                states = [np.tanh((p + q)[0])]
            y[t, d] = states[0]
        for whole, state in zip(last, states, strict=True):
            whole[d] = state
    return [y, *last]


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
