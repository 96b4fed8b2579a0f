"""erf, relatively accurate everywhere: to 7 units in the last place of an f32 (4e-7), 2 of an f64."""

from __future__ import annotations

from webdnn.targets.wasm.math.builder import SINGLE, Real
from webdnn.targets.wasm.math.exponential import exp

ABOVE = (1.128379145, 0.1907807758, 0.05278987728, 0.003779478037, 0.0002848056761, 2.041993966e-06)
BELOW = (1.0, 0.5024077803, 0.1142562558, 0.01499717311, 0.001165181036, 3.800416328e-05)
"""erf(x) = x·P(x²) / Q(x²) for |x| <= 3.93 to 2e-8: a fit with Lawson's weights, all of whose terms add up"""

NEAR = (
    *(1.12837916709551257, -0.376126389031837475, 0.112837916709548517, -0.0268661706450717566),
    *(0.00522397762476933268, -0.000854832697805418251, 0.000120553310109367423, -1.49255928632219468e-05),
    *(1.64609621911320085e-06, -1.63499095553598551e-07, 1.46570826230628462e-08, -1.13625140319884353e-09),
    5.93981707386461876e-11,
)
"""erf(x) = x·P(x²) for |x| < 1, to 1.3e-19"""

FAR = (
    *(0.179001151181353168, -0.326233560045930305, 0.245603801664146592, -0.150115936335527156),
    *(0.0716658503024234945, -0.0243923262781954919, 0.00427036249320583513, 0.000713205134401308023),
    *(-0.000581026448082957182, 7.64843457852776e-05, 0.000103022394399432043, 1.52272570386788063e-05),
)
"""erf(x) = 1 - exp(-x²)·P(u) with u = (x - 3) / (x + 3), for 1 <= x <= 6, to 7e-18"""


def erf(x: Real) -> Real:
    if x.format is SINGLE:
        bounded = x.clamped(-4.1, 4.1)  # there the quotient exceeds 1 by more than it is rounded
        z = bounded * bounded
        return (bounded * z.polynomial(ABOVE) / z.polynomial(BELOW)).clamped(-1.0, 1.0)
    a = x.absolute().at_most(6.0)
    z = a * a
    far = 1.0 - exp(-z) * ((a - 3.0) / (a + 3.0)).polynomial(FAR)
    return far.unless(a < 1.0, a * z.polynomial(NEAR)).with_sign_of(x)
