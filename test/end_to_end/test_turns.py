"""Tables that hold bundles of one model against each other: bytes, errors and memory are right, and each is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.compressed import FORMATS, compressed
from bench.compressed import page as page_of_formats
from bench.limited import HEADING, limited
from bench.limited import page as page_of_limits
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError

CHANNELS, EXTENT = 128, 16


def model(path: Path) -> Path:
    """Two convolutions of one pixel: 128 KiB go in, as many are between them and come out."""
    generator = np.random.default_rng(0)
    shape = (CHANNELS, CHANNELS, 1, 1)
    weights = {name: generator.standard_normal(shape, np.float32) for name in ("v", "w")}
    nodes = [helper.make_node("Conv", ["x", "v"], ["a"], "a"), helper.make_node("Conv", ["a", "w"], ["y"], "b")]
    extents = [1, CHANNELS, EXTENT, EXTENT]
    return write_model(path / "pair.onnx", make_model(nodes, {"x": extents}, {"y": extents}, weights))


def test_formats_of_weights_have_a_row_each(browser: Browser, tmp_path: Path) -> None:
    found = compressed(browser, model(tmp_path), rounds=2)
    assert [row.weights for row in found] == [*FORMATS]
    stored, errors = [row.stored[1] for row in found], [row.timed[1].error for row in found]
    assert stored == sorted(stored, reverse=True)
    assert errors == sorted(errors)
    assert errors[0] < 1e-5 * found[0].largest < errors[-1] < found[0].largest
    assert all(row.timed[1].milliseconds > 0 for row in found)
    assert "\n".join(page_of_formats(found)).count("| pair |") == len(FORMATS)


def test_a_limit_of_memory_is_kept_and_told(browser: Browser, tmp_path: Path) -> None:
    found = limited(browser, model(tmp_path), "300kB", rounds=2)
    free, kept = found.held
    assert kept.arena_bytes <= 300_000
    assert free.arena_bytes >= kept.arena_bytes
    assert all(time > 0 for time in found.times)
    once = "\n".join(page_of_limits("# Page\n", [found]))
    assert "\n".join(page_of_limits(once, [found])) == once
    assert once.count(HEADING) == once.count("| pair |") == 1


def test_a_limit_that_cannot_be_kept_is_refused(browser: Browser, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="limit"):
        limited(browser, model(tmp_path), "1kB", rounds=2)
