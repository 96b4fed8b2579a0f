"""How far outputs are from those of another engine, and whether that is close enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from webdnn.support.weights import Array

RELATIVE = 1e-3
"""Of the value."""

OF_DEVIATION = 1e-4
"""Of the standard deviation of the whole output: what cancels to almost nothing is not exact in f32."""


@dataclass(frozen=True)
class Comparison:
    """The largest errors of an output, and whether all lie within RELATIVE·|ref| + OF_DEVIATION·std(ref)."""

    absolute: float
    relative: float
    within: bool

    def __str__(self) -> str:
        verdict = "within" if self.within else "NOT within"
        bounds = f"{RELATIVE:g}·|ref| + {OF_DEVIATION:g}·std(ref)"
        return f"largest error {self.absolute:.3g}, relative {self.relative:.3g}: {verdict} {bounds}"


def compare(found: Array, reference: Array) -> Comparison:
    """Compare elements; NaN equals NaN, and infinities equal themselves."""
    if found.shape != reference.shape:
        return Comparison(np.inf, np.inf, within=False)
    a, b = found.astype(np.float64), reference.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    comparable = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(same, 0.0, np.where(comparable, np.abs(a - b), np.inf))
        relative = np.where(same, 0.0, error / np.abs(b))
    finite = b[np.isfinite(b)]
    deviation = float(finite.std()) if finite.size else 0.0
    bound = RELATIVE * np.where(np.isfinite(b), np.abs(b), 0.0) + OF_DEVIATION * deviation
    return Comparison(float(error.max(initial=0)), float(relative.max(initial=0)), bool((error <= bound).all()))
