"""Random graphs agree with onnxruntime, on the reference and as bundles, and few of them are refused."""

import pytest

from random_graphs.suite import drawn, run_seeds, summary

COUNTS = {"reference": 60, "wasmtime": 12, "webgpu": 3, "webgl2": 3, "wgpu:together": 5}


@pytest.mark.parametrize("engine", COUNTS)
def test_random_graphs(engine: str) -> None:
    outcomes = run_seeds(engine, range(COUNTS[engine]))
    assert [o for o in outcomes if o.status == "wrong"] == []
    assert sum(o.status == "agreed" for o in outcomes) >= 0.9 * len(outcomes), summary(outcomes)


def test_a_seed_makes_one_graph() -> None:
    first, second = drawn(5), drawn(5)
    assert first.model.SerializeToString() == second.model.SerializeToString()
    assert first.inputs.keys() == second.inputs.keys()
