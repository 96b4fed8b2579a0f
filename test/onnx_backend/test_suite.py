"""The ONNX backend node tests, some of them on GPUs and in browsers: nothing wrong, and no fewer passed than known."""

import pytest

from onnx_backend.suite import KINDS, Outcome, run_suite, summary

AT_LEAST = {"reference": 1818, "wasmtime": 1810}
"""Node tests that passed when this was last raised, of the 1884 of onnx 1.23.2"""

SOME = "onehot|bitshift_left|nonzero|compress|top_k$|suppression_(ident|single)|weight_ii$|pow_types_int|shape_zero"
"""Tests of integers, of what is found at run time, and of tensors without elements"""

AT_LEAST_OF_SOME = {"js": 39, "webgpu": 35, "wgpu:together": 35, "webgl2": 35, "webgl1": 23}


@pytest.mark.parametrize("engine", AT_LEAST)
def test_node_tests(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = run_suite(engine, ["node"], workers=1)
    with capsys.disabled():
        print(f"\n{engine}: {summary(outcomes)}")
    assert wrong(outcomes) == []
    assert sum(o.status == "passed" for o in outcomes) >= AT_LEAST[engine]


def test_other_kinds_on_wasmtime() -> None:
    outcomes = run_suite("wasmtime", [kind for kind in KINDS if kind != "node"], workers=1)
    assert wrong(outcomes) == []


@pytest.mark.parametrize("engine", AT_LEAST_OF_SOME)
def test_some_node_tests(engine: str) -> None:
    outcomes = run_suite(engine, ["node"], SOME, workers=1)
    assert wrong(outcomes) == []
    assert sum(o.status == "passed" for o in outcomes) >= AT_LEAST_OF_SOME[engine]


def wrong(outcomes: list[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.status == "wrong"]
