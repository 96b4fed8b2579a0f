"""The tables of a bench: times, start-up, results and sizes; and the page that they stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import geometric_mean

from webdnn.tools.bench.profile import shares
from webdnn.tools.bench.results import (
    GPU_BACKENDS,
    OURS,
    Cell,
    Engine,
    Machine,
    Profile,
    Results,
    complaints,
    middle,
    minimum,
    ratio,
    spell_threads,
)
from webdnn.tools.bench.table import NOTHING, Table, spell_exponent, spell_number
from webdnn.tools.summary import spell_bytes

LONGEST_NODES = 48
"""How much of the names of a kernel's nodes a table shows."""


def engine_names(results: Results) -> list[str]:
    """All engines that ran, ours first."""
    names = dict.fromkeys(engine["name"] for cell in results["cells"] for engine in cell["engines"])
    return sorted(names, key=lambda name: name != OURS)


def engine_of(cell: Cell, name: str) -> Engine | None:
    return next((engine for engine in cell["engines"] if engine["name"] == name), None)


def labels(cell: Cell, machine: Machine) -> list[str]:
    """The first columns of a row: model, backend, threads."""
    software = machine["software"] and cell["backend"] in GPU_BACKENDS
    backend = f"{cell['backend']} (software)" if software else cell["backend"]
    return [cell["model"], backend, str(cell["threads"])]


LABELS = ("model", "backend", "threads")


def times(results: Results) -> Table:
    """Fastest and median run of each engine, and how many times as long as ours each peer takes."""
    names = engine_names(results)
    heads = [*LABELS]
    for name in names:
        heads += [name, "median"] if name == OURS else [name, "median", "ratio"]
    rows = [[*labels(cell, results["machine"]), *times_of(cell, names)] for cell in results["cells"]]
    return Table("Milliseconds of one run", heads, rows, range(len(LABELS), len(heads)), mean_ratios(results, names))


def times_of(cell: Cell, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        engine = engine_of(cell, name)
        if engine is None:
            yield from [NOTHING] * (2 if name == OURS else 3)
            continue
        yield "failed" if engine["failure"] else spell_number(minimum(engine))
        yield spell_number(middle(engine))
        if name != OURS:
            found = ratio(cell, engine)
            yield NOTHING if found is None else f"{found:.2f}"


def mean_ratios(results: Results, names: Sequence[str]) -> str:
    """For each peer, backend and number of threads: the geometric mean of its ratios, and how many models it wins."""
    found: list[str] = []
    for name in names:
        groups: dict[tuple[str, int], list[float]] = {}
        for cell in results["cells"]:
            engine = engine_of(cell, name)
            value = ratio(cell, engine) if engine else None
            if value is not None:
                groups.setdefault((cell["backend"], cell["threads"]), []).append(value)
        for (backend, threads), values in groups.items():
            ahead = sum(value >= 1 for value in values)
            where = f"{name}, {backend}, {spell_threads(threads)}"
            found.append(f"{where}: {geometric_mean(values):.2f} ({OURS} ahead on {ahead} of {len(values)})")
    return f"Geometric means of ratios: {'; '.join(found)}." if found else ""


def starts(results: Results) -> Table:
    """How long a page waits for its first result."""
    names = engine_names(results)
    heads = [*LABELS]
    for name in names:
        heads += [name, "load + first"]
    rows: list[list[str]] = []
    for cell in results["cells"]:
        row = labels(cell, results["machine"])
        for name in names:
            engine = engine_of(cell, name)
            if engine is None or engine["failure"]:
                row += [NOTHING, NOTHING]
            else:
                row += [spell_number(engine["first"]), spell_number(engine["load"] + engine["first"])]
        rows.append(row)
    return Table(
        "Milliseconds of the first run, and from the first script to its result",
        heads,
        rows,
        range(len(LABELS), len(heads)),
    )


def answers(results: Results) -> Table:
    """How right the results are, and what was downloaded for them."""
    names = engine_names(results)
    heads = [*LABELS]
    for name in names:
        heads += [f"{name} error", "download", "code", "memory"]
    rows = [[*labels(cell, results["machine"]), *answers_of(cell, names)] for cell in results["cells"]]
    return Table(
        "Largest errors against onnxruntime, downloads, WebAssembly memory", heads, rows, range(len(LABELS), len(heads))
    )


def answers_of(cell: Cell, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        engine = engine_of(cell, name)
        if engine is None or engine["failure"]:
            yield from [NOTHING] * 4
            continue
        yield spell_exponent(engine["error"]) + ("" if engine["within"] else " WRONG")
        yield from map(spell_bytes, (engine["download"], engine["code"]))
        yield spell_bytes(engine["memory"]) if engine["memory"] else NOTHING


def memories(results: Results) -> Table:
    """What the memory of our wasm backend holds."""
    rows = [
        [model["name"], str(model["memory"] // 65536), *map(spell_bytes, (model["weights"], model["arena"]))]
        for model in results["models"]
        if model["memory"]
    ]
    heads = ["model", "pages of 64 KiB", "weights", "arena"]
    return Table("Memory of webdnn on wasm", heads, rows, range(1, len(heads)))


def kernels(profile: Profile) -> Table:
    """Where the time of a run goes, kernel by kernel."""
    heads = [
        *("kernel", "launches", "ms", "share", "GFLOP/s", "of peak", "bytes", "GB/s", "code"),
        *("shape", "nodes"),
    ]
    found = shares(profile)
    total = sum(share.time for share in found)
    rows = [
        [
            *(share.kernel["name"], str(share.launches), f"{share.time:.3f}", f"{share.time / total:.1%}"),
            *(spell_number(share.rate / 1e9), f"{share.rate / profile['peak']:.0%}"),
            *(spell_bytes(share.launches * share.kernel["bytes"]), spell_number(share.traffic / 1e9)),
            *(spell_bytes(share.kernel["code"]), share.kernel["shape"], shortened(share.nodes)),
        ]
        for share in found
    ]
    operations = sum(share.launches * share.kernel["flops"] for share in found)
    rate = operations / total * 1e3
    note = (
        f"All kernels: {total:.3f} ms, {operations / 1e6:.1f} MFLOP, {rate / 1e9:.1f} GFLOP/s, "
        f"{rate / profile['peak']:.0%} of the peak of {profile['peak'] / 1e9:.1f} GFLOP/s that multiply-adds reach."
    )
    title = f"Kernels of {profile['model']} on wasm ({profile['module']}), one thread"
    return Table(title, heads, rows, numbers=range(1, len(heads) - 2), note=note)


def shortened(nodes: str) -> str:
    return nodes if len(nodes) <= LONGEST_NODES else f"{nodes[:LONGEST_NODES]} …"


def tables(results: Results) -> list[Table]:
    """All tables that have rows."""
    made = [times(results), starts(results), answers(results), memories(results), *map(kernels, results["profiles"])]
    return [table for table in made if table.rows]


def setting(results: Results) -> Iterator[str]:
    """Where and how it was measured, in a few lines."""
    found = results["machine"]
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    yield f"{found['cpu']}, {cores}, {found['system']}; Chromium {found['browser']}; {results['date']}."
    if found["gpu"]:
        software = " (software: its times say nothing of real GPUs)" if found["software"] else ""
        yield f"GPU: {found['gpu']}{software}."
    versions = {
        engine["name"]: engine["version"]
        for cell in results["cells"]
        for engine in cell["engines"]
        if engine["version"]
    }
    if versions:
        yield ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    if results["features"] != "relaxed":
        yield f"{OURS} uses its modules for '{results['features']}' alone."


METHOD = (
    "Engines run in turn in one page, after warming up (10 runs or 2 s each); inputs and outputs are copied in every "
    "run. A time is that of the fastest of {rounds} samples, and the median beside it; a ratio is the peer's fastest "
    "over ours, so above 1 ours is faster. Errors are absolute, against onnxruntime without graph optimisations."
)


def text(results: Results) -> Iterator[str]:
    """The report for a terminal."""
    yield from setting(results)
    for table in tables(results):
        yield ""
        yield from table.text()
    wrong = [line for line, _ in complaints(results)]
    if wrong:
        yield from ("", *wrong)


def markdown(results: Results) -> Iterator[str]:
    """The report as a page."""
    yield from ("# Results", "")
    yield from ("Written by `webdnn bench --markdown`. " + METHOD.format(rounds=results["rounds"]), "")
    for line in setting(results):
        yield from (f"- {line}",)
    for table in tables(results):
        yield ""
        yield from table.markdown()
    wrong = [line for line, _ in complaints(results)]
    if wrong:
        yield from ("", "## What went wrong", "", *(f"- {line}" for line in wrong))
