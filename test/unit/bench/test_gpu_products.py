"""The table of products on GPUs: what it launches, together and alone, and a line of it in software."""

from __future__ import annotations

from pathlib import Path

from bench.gpu_products import HARDWARE, open_adapter, product, row, shapes, steps_of

from webdnn.runner.python.chromium import FLAGS
from webdnn.tools.compiler import compile_model


def test_both_kernels_of_a_product_are_timed(tmp_path: Path) -> None:
    (tmp_path / "product.onnx").write_bytes(product(1, 256, 64).model.SerializeToString())
    manifest, files, _ = compile_model(tmp_path / "product.onnx", ["webgpu"])
    section = manifest.backends.webgpu
    assert section is not None
    (together,), (alone,) = (steps_of(section, files, alone=a) for a in (False, True))
    assert "workgroupBarrier" in str(together["code"])
    assert "workgroupBarrier" not in str(alone["code"])
    assert together["bindings"] == alone["bindings"]


def test_a_line_of_the_table() -> None:
    browser, page, adapter = open_adapter(FLAGS)
    with browser:
        assert adapter is not None
        assert adapter["software"]
        name, *times, _, share = row(page, product(1, 256, 64), None).strip("| ").split(" | ")
    assert (name, share) == ("1 x 256 x 64", "-")
    assert all(float(time) > 0 for time in times)


def test_hardware_is_not_kept_from_the_browser() -> None:
    assert not any("swiftshader" in flag for flag in HARDWARE)
    assert len({shape.name for shape in shapes()}) == len(shapes())
