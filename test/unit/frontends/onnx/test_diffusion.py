"""Operators of diffusion models, of which onnxruntime's CPU has no kernels, against what their documentation says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.operator_cases import Case, floats
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.reference import Reference

Array = NDArray[np.floating]

GROUPS = {"groups": 2, "epsilon": 1e-3}


def results(case: Case) -> list[Array]:
    found = Reference(import_onnx(case.model())).run(case.feeds)
    return [found[f"y{i}"].astype(float) for i in range(case.outputs)]


def normalized(x: Array, scale: Array, bias: Array) -> Array:
    """Channels last, in two groups."""
    groups = x.reshape(x.shape[0], -1, 2, x.shape[-1] // 2)
    mean, variance = groups.mean((1, 3), keepdims=True), groups.var((1, 3), keepdims=True)
    return ((groups - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape) * scale + bias


def gated(x: Array) -> Array:
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize("last", [True, False])
def test_norms_of_groups(last: bool) -> None:
    x, scale, bias = floats(2, 3, 4, 6), floats(6), floats(6, seed=1)
    given = x if last else x.transpose(0, 3, 1, 2)
    case = Case("GroupNorm", [given, scale, bias], attributes={**GROUPS, "channels_last": int(last), "activation": 1})
    (found,) = results(case)
    np.testing.assert_allclose(found if last else found.transpose(0, 2, 3, 1), gated(normalized(x, scale, bias)), 1e-4)


def test_norms_of_half_floats_are_as_exact_as_their_scale() -> None:
    x, scale, bias = floats(2, 3, 4, 6).astype(np.float16), floats(6), floats(6, seed=1)
    (found,) = results(Case("GroupNorm", [x, scale, bias], attributes={**GROUPS, "activation": 0}))
    np.testing.assert_allclose(found, normalized(x.astype(np.float32), scale, bias).astype(np.float16), 2e-3, 1e-3)


@pytest.mark.parametrize("skip", [(2, 3, 4, 6), (2, 1, 1, 6), (2, 6)])
@pytest.mark.parametrize("biased", [True, False])
def test_norms_of_sums(skip: tuple[int, ...], biased: bool) -> None:
    x, scale, bias, added = floats(2, 3, 4, 6), floats(6), floats(6, seed=1), floats(*skip)
    more = [floats(6, seed=2)] if biased else []
    attributes = {**GROUPS, "activation": 0}
    case = Case("SkipGroupNorm", [x, scale, bias, added, *more], outputs=2, attributes=attributes)
    total = x + added.reshape(2, *skip[1:-1] or (1, 1), 6) + (more[0] if biased else 0)
    norm, found = results(case)
    np.testing.assert_allclose(found, total, 1e-5)
    np.testing.assert_allclose(norm, normalized(total, scale, bias), 1e-4, 1e-5)


def test_sums_of_channels_that_are_first_are_refused() -> None:
    attributes = {**GROUPS, "activation": 0, "channels_last": 0}
    case = Case("SkipGroupNorm", [floats(2, 6, 3, 4), floats(6), floats(6), floats(2, 6)], attributes=attributes)
    with pytest.raises(DiagnosticError, match="has channels first"):
        import_onnx(case.model())


def test_gates_and_residuals() -> None:
    x, bias, skip = floats(2, 5, 8), floats(8), floats(2, 5, 8, seed=1)
    (found,) = results(Case("BiasAdd", [x, bias, skip]))
    np.testing.assert_allclose(found, x + bias + skip, 1e-5)
    total = x + bias
    (half,) = results(Case("BiasSplitGelu", [x, bias]))
    gelu = results(Case("Gelu", [np.ascontiguousarray(total[..., 4:])]))[0]
    np.testing.assert_allclose(half, total[..., :4] * gelu, 1e-4, 1e-5)
