"""The table of products on GPUs: what it launches, together and alone, and a line of it in software."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from bench.gpu_devices import HARDWARE, Device, InChromium, OnWgpu
from bench.gpu_products import launches_of, product, row, shapes

from webdnn.tools.compiler import compile_model


def test_both_kernels_of_a_product_are_timed(tmp_path: Path) -> None:
    (tmp_path / "product.onnx").write_bytes(product(1, 256, 64).model.SerializeToString())
    manifest, files, _ = compile_model(tmp_path / "product.onnx", ["webgpu"])
    section = manifest.backends.webgpu
    assert section is not None
    (together,), (alone,), (subgroups,) = (launches_of(section, files, v) for v in ("together", "alone", "subgroups"))
    assert "workgroupBarrier" in together.code
    assert "workgroupBarrier" not in alone.code
    assert "subgroup" not in together.code
    assert "subgroupShuffleXor" in subgroups.code
    assert together.bindings == alone.bindings == subgroups.bindings


@pytest.mark.parametrize("make", [partial(InChromium, software=True), OnWgpu], ids=["chromium", "wgpu"])
def test_a_line_of_the_table(make: Callable[[], Device]) -> None:
    with closing(make()) as device:
        name, *times, _, share = row(device, product(1, 256, 64), None).strip("| ").split(" | ")
    assert (name, share) == ("1 x 256 x 64", "-")
    assert all(float(time) > 0 for time in times)


def test_hardware_is_not_kept_from_the_browser() -> None:
    assert not any("swiftshader" in flag for flag in HARDWARE)
    assert len({shape.name for shape in shapes()}) == len(shapes())
