"""The option that names limits: what it takes, what it refuses, and what becomes of the passes."""

from __future__ import annotations

import pytest

from webdnn.support.device import Limits
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.backends import BACKENDS, backends_named
from webdnn.tools.limits import limits_of


def test_sizes_have_units() -> None:
    assert limits_of(["texture=2048", "binding=16MiB"]) == Limits(texture_extent=2048, binding_bytes=16 << 20)
    assert limits_of(["binding=1000"]).binding_bytes == 1000
    assert limits_of(["buffer=1GiB"]).buffer_bytes == 1 << 30
    assert limits_of([]) == Limits()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("texture", "--limit texture"),
        ("binding=much", "--limit binding=much"),
        ("buffers=3", "there is no limit 'buffers'"),
        ("texture=1024", "rows of 2048"),
        ("binding=16", "a vector is larger"),
        ("binding=-1", "a vector is larger"),
        ("buffer=0", "a vector is larger"),
    ],
)
def test_what_has_no_meaning_is_refused(text: str, what: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        limits_of([text])
    assert what in caught.value.what
    assert caught.value.hint


def test_limits_reach_the_passes_of_their_backends() -> None:
    found = backends_named(list(BACKENDS), limits=limits_of(["texture=2048", "binding=16MiB"]))
    assert "kernel-split-buffers{bytes=16777216 bindings=8}" in found["webgpu"].pipeline("wgsl")
    assert "kernel-expand-concat{most=3}" in found["webgpu"].pipeline("wgsl")
    for language in ("glsl", "glsl100"):
        assert "kernel-split-buffers{bytes=67108864 bindings=16}" in found["webgl"].pipeline(language)
    for name in ("wasm", "js"):
        assert found[name] == BACKENDS[name]


def test_what_no_buffer_of_webgpu_holds_is_refused_unless_devices_are_said_to_allow_it() -> None:
    plain, large = (backends_named(["webgpu"], limits=limits_of(given)) for given in ([], ["buffer=1GiB"]))
    assert f"kernel-assign-offsets{{alignment=256 most={256 << 20}}}" in plain["webgpu"].pipeline("wgsl")
    assert f"kernel-assign-offsets{{alignment=256 most={1 << 30}}}" in large["webgpu"].pipeline("wgsl")


def test_webgpu_is_not_cut_without_a_limit() -> None:
    assert "kernel-split-buffers" not in backends_named(["webgpu"])["webgpu"].pipeline("wgsl")
