"""Spans cover every element once, in whole grains, and none is larger than allowed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from webdnn.support.spans import GRAIN, cut, touched


@pytest.mark.parametrize("elements", [1, 4, 5, 16, 17, 99, 1000])
@pytest.mark.parametrize("most", [4, 7, 8, 30, 2000])
def test_cut(elements: int, most: int) -> None:
    spans = cut(elements, most)
    assert (spans[0].start, spans[-1].stop) == (0, elements)
    assert all(a.stop == b.start and b.start % GRAIN == 0 for a, b in pairwise(spans))
    assert all(0 < span.size <= most for span in spans)
    assert len(spans) <= -(-elements // (most // GRAIN * GRAIN))


def test_touched() -> None:
    spans = cut(20, 8)
    assert [(span.start, span.size) for span in spans] == [(0, 8), (8, 8), (16, 4)]
    assert list(touched(spans, 7, 8)) == [0, 1]
    assert list(touched(spans, 16, 19)) == [2]
    assert list(touched(spans, -3, 40)) == [0, 1, 2]
    assert list(touched(spans, -5, -1)) == [0]
