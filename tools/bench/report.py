"""The report of a bench, for a terminal and as a page: where and how it was measured, its tables, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from webdnn.tools.bench.results import OURS, Results, complaints
from webdnn.tools.bench.tables import tables

LEAST_SHARE = 0.01
"""Of the time of a run: kernels with less are summed up on the page."""

BUSY = 0.5
"""Processes for each core from which on a machine does other work."""

METHOD = (
    "Engines run in turn in one page, sample by sample, after warming up (10 runs or 2 s each); inputs and outputs are "
    "copied in every run. A time is that of the fastest of {rounds} samples, and the median stands beside it; runs "
    "shorter than 0.5 ms are timed several at once. A ratio is the peer's fastest run over ours: above 1, ours is "
    "faster. Errors are absolute, against onnxruntime without graph optimisations. A download is all that the page "
    "fetched for the engine and the model."
)


def text(results: Results) -> Iterator[str]:
    """The report for a terminal."""
    yield from setting(results)
    for table in tables(results):
        yield ""
        yield from table.text()
    if wrong := [line for line, _ in complaints(results)]:
        yield from ("", *wrong)


def markdown(results: Results) -> Iterator[str]:
    """The report as a page."""
    yield from ("# Results", "", "`webdnn bench --markdown` writes this page.", "")
    yield from (METHOD.format(rounds=results["rounds"]), "")
    yield from (f"- {line}" for line in setting(results))
    for table in tables(results, LEAST_SHARE):
        yield ""
        yield from table.markdown()
    if wrong := [line for line, _ in complaints(results)]:
        yield from ("", "## What went wrong", "", *(f"- {line}" for line in wrong))


def setting(results: Results) -> Iterator[str]:
    """Where it was measured, and with what, in a few lines."""
    found = results["machine"]
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    yield f"{found['cpu']}, {cores}, {found['system']}; Chromium {found['browser']}; {results['date']}"
    if found["load"] > BUSY * found["cores"]:
        yield f"{found['load']:.1f} other processes ran on these cores when it began: times are too long"
    if found["gpu"]:
        software = " (software: its times say nothing of real GPUs)" if found["software"] else ""
        yield f"GPU: {found['gpu']}{software}"
    versions = {
        engine["name"]: engine["version"]
        for cell in results["cells"]
        for engine in cell["engines"]
        if engine["version"]
    }
    if versions:
        yield ", ".join(f"{name} {version}" for name, version in versions.items())
    if results["features"] != "relaxed":
        yield f"{OURS} uses its wasm modules without relaxed SIMD alone"
