"""Results of a bench that nobody ran."""

from __future__ import annotations

from collections.abc import Sequence

from webdnn.tools.bench.results import FORMAT, VERSION, Cell, Engine, Kernel, Launch, Machine, Model, Profile, Results


def engine(
    name: str, times: Sequence[float] = (), *, within: bool = True, failure: str = "", error: float | None = 1e-6
) -> Engine:
    return Engine(
        name=name,
        version="1.2.3",
        failure=failure,
        load=40.0,
        first=8.0,
        times=list(times),
        error=error,
        within=within,
        download=2_000_000,
        code=30_000,
        memory=65536,
    )


def cell(*engines: Engine, model: str = "net", backend: str = "wasm", threads: int = 1) -> Cell:
    return Cell(model=model, backend=backend, threads=threads, engines=list(engines))


def profile() -> Profile:
    """Two kernels; the first is launched twice."""
    return Profile(
        model="net",
        module="relaxed",
        peak=100e9,
        within=True,
        kernels=[
            Kernel(name="map0", shape="8x8", flops=64, bytes=512, code=100),
            Kernel(name="sum1", shape="8 over 1000", flops=16_000_000, bytes=64_000, code=2000),
        ],
        launches=[
            Launch(kernel="map0", nodes="Relu_0", time=0.25),
            Launch(kernel="sum1", nodes="Conv_1", time=1.0),
            Launch(kernel="map0", nodes="Relu_2", time=0.25),
        ],
        stamps=[0.0, 0.2, 1.3, 1.5],
    )


def results(
    *cells: Cell, software: bool = False, load: float = 0.1, refusal: str = "", profiles: Sequence[Profile] = ()
) -> Results:
    gpu = "a card" if any(found["backend"] == "webgpu" for found in cells) else ""
    return Results(
        format=FORMAT,
        version=VERSION,
        date="2026-01-02T03:04:05+00:00",
        rounds=20,
        features="relaxed",
        machine=Machine(cpu="a CPU", cores=2, load=load, system="an OS", browser="140.0", gpu=gpu, software=software),
        models=[Model(name="net", refusal=refusal, memory=131072, weights=90_000, computed=20_000, arena=40_000)],
        cells=list(cells),
        profiles=list(profiles),
    )
