"""How far outputs are from those of another engine, and whether that is close enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from webdnn.support.weights import Array

RELATIVE = 1e-3
"""Of the value."""

EXACT = "f32"
"""The format of weights that are as the model has them."""

OF_DEVIATION = 1e-4
"""Of the standard deviation of the whole output: what cancels to almost nothing is not exact in f32."""


@dataclass(frozen=True)
class Comparison:
    """The largest errors of an output, the root of the mean square as a part of std(ref), and whether they pass.

    Those of a model in f32 pass within RELATIVE·|ref| + OF_DEVIATION·std(ref), and `steps` more where a model has
    rounding of its own, which moves this output so far. Where `weights` were compressed, errors are the format's;
    they are told, and only what is not finite where it should be does not pass.
    """

    absolute: float
    relative: float
    mean: float
    within: bool
    weights: str = EXACT
    steps: float = 0.0

    def __str__(self) -> str:
        if self.weights != EXACT:
            found = f"largest error {self.absolute:.3g}, mean {self.mean:.3g}·std(ref)"
            verdict = "there are no bounds" if self.within else "NOT finite"
            return f"{found}: {verdict} for weights in {self.weights}"
        verdict = "within" if self.within else "NOT within"
        bounds = f"{RELATIVE:g}·|ref| + {OF_DEVIATION:g}·std(ref)"
        if self.steps:
            bounds += f" + {self.steps:.3g}, which rounding in the model makes"
        return f"largest error {self.absolute:.3g}, relative {self.relative:.3g}: {verdict} {bounds}"


def compare(found: Array, reference: Array, weights: str = EXACT, steps: float = 0.0) -> Comparison:
    """Compare elements; NaN equals NaN, and infinities equal themselves.

    `weights` is the format of a bundle's, and `steps` how far steps of quantization move elements (`Oracle.steps`).
    """
    if found.shape != reference.shape:
        return Comparison(np.inf, np.inf, np.inf, within=False, weights=weights, steps=steps)
    a, b = found.astype(np.float64), reference.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    comparable = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(same, 0.0, np.where(comparable, np.abs(a - b), np.inf))
        relative = np.where(same, 0.0, error / np.abs(b))
    finite = b[np.isfinite(b)]
    deviation = float(finite.std()) if finite.size else 0.0
    bound = RELATIVE * np.where(np.isfinite(b), np.abs(b), 0.0) + OF_DEVIATION * deviation + steps
    largest, mean = float(error.max(initial=0)), float(np.sqrt(np.square(error).mean())) if error.size else 0.0
    within = bool((error <= bound).all()) if weights == EXACT else bool(np.isfinite(largest))
    part = mean / deviation if deviation else mean
    return Comparison(largest, float(relative.max(initial=0)), part, within, weights, steps)
