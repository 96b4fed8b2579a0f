"""How small inputs must be for a proof: the greatest magnitudes, of as few inputs as need one."""

import pytest
from xdsl.dialects.builtin import i64
from xdsl.ir import Block, SSAValue

from webdnn.passes.kernel.forming.input_ranges import Magnitudes, greatest_magnitudes

ANY = 2**31
"""What an input may be that has no limit"""


def inputs(count: int) -> list[SSAValue]:
    return list(Block(arg_types=[i64] * count).args)


@pytest.mark.parametrize(("power", "expected"), [(2, 2**15 - 1), (4, 2**7 - 1), (31, 1)])
def test_a_power_stays_within_32_bits(power: int, expected: int) -> None:
    (x,) = inputs(1)
    assert greatest_magnitudes([x], lambda most: most.get(x, ANY) ** power < 2**31) == {x: expected}


def test_only_what_a_proof_needs_is_limited() -> None:
    x, y, z = inputs(3)

    def proves(most: Magnitudes) -> bool:
        return most.get(x, ANY) * most.get(z, ANY) * 8 < 2**31

    assert greatest_magnitudes([x, y, z], proves) == {x: 2**14 - 1, z: 2**14 - 1}


def test_what_no_magnitude_proves_is_left() -> None:
    assert greatest_magnitudes(inputs(2), lambda most: False) is None
    assert greatest_magnitudes([], lambda most: False) is None
