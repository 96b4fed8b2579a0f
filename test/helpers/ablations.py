"""Results of an ablation that nobody ran."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.bench_results import results
from webdnn.tools.ablation.results import FORMAT, VERSION, Ablation, Build, Model


def build(without: str, times: Sequence[float] = (), *, same: bool = False, failure: str = "") -> Build:
    """A build beside a full one that takes 2 ms."""
    return Build(
        without=without,
        same=same,
        failure=failure,
        error=1e-6,
        times=list(times),
        full=2.0,
        start=70.0,
        kernels=3,
        launches=4,
        moved=5_000_000,
        arena=60_000,
        download=700_000,
        seconds=0.8,
    )


def ablation(*builds: Build, name: str = "net") -> Ablation:
    """One model with the full build and these."""
    return Ablation(
        format=FORMAT,
        version=VERSION,
        date="2026-01-02T03:04:05+00:00",
        rounds=20,
        threads=1,
        machine=results()["machine"],
        models=[Model(name=name, noise=0.02, builds=[build("nothing", [2.0, 2.5]), *builds])],
    )
