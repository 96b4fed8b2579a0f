"""The values of codes against ml_dtypes."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from webdnn.support.float_format import FLOAT_FORMATS


@pytest.mark.parametrize("name", FLOAT_FORMATS)
def test_values_of_all_codes(name: str) -> None:
    format = FLOAT_FORMATS[name]
    codes = np.arange(format.count, dtype=np.uint8)
    wanted = codes.view(np.dtype(getattr(ml_dtypes, format.ml_dtypes))).astype(np.float64)
    found = np.array([format.value(int(code)) for code in codes])
    np.testing.assert_array_equal(found, wanted)
    signs = np.signbit(found) == np.signbit(wanted)
    assert signs[~np.isnan(wanted)].all()
