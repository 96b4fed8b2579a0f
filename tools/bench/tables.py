"""The tables of a bench: times, ratios, start-up, results and sizes, memory, kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import geometric_mean

from webdnn.tools.bench.profile import Share, shares
from webdnn.tools.bench.results import (
    GPU_BACKENDS,
    OURS,
    Cell,
    Engine,
    Machine,
    Profile,
    Results,
    middle,
    minimum,
    ratio,
)
from webdnn.tools.bench.table import NOTHING, Table, spell_exponent, spell_number
from webdnn.tools.summary import spell_bytes

PAGE_BYTES = 65536
LABELS = ("model", "backend", "threads")
"""The first columns of a row."""

LONGEST_NODES = 48
"""How much of the names of a kernel's nodes a table shows."""


def tables(results: Results, least_share: float = 0.0) -> list[Table]:
    """All tables that have rows; kernels with less than a share of the time stand in one row."""
    made = [times(results), ratios(results), starts(results), answers(results), memories(results)]
    made += [kernels(profile, least_share) for profile in results["profiles"]]
    return [table for table in made if table.rows]


def engine_names(results: Results) -> list[str]:
    """All engines that ran, ours first."""
    names = dict.fromkeys(engine["name"] for cell in results["cells"] for engine in cell["engines"])
    return sorted(names, key=lambda name: name != OURS)


def engine_of(cell: Cell, name: str) -> Engine | None:
    return next((engine for engine in cell["engines"] if engine["name"] == name), None)


def labels(cell: Cell, machine: Machine) -> list[str]:
    """What a row is about; times of a GPU that the CPU plays are marked."""
    software = machine["software"] and cell["backend"] in GPU_BACKENDS
    backend = f"{cell['backend']} (software)" if software else cell["backend"]
    return [cell["model"], backend, str(cell["threads"])]


def times(results: Results) -> Table:
    """Fastest and median run of each engine, and how many times as long as ours each peer takes."""
    names = engine_names(results)
    heads = [*LABELS]
    for name in names:
        heads += [name, "median"] if name == OURS else [name, "median", "ratio"]
    rows = [[*labels(cell, results["machine"]), *times_of(cell, names)] for cell in results["cells"]]
    return Table("Milliseconds of one run", heads, rows, range(len(LABELS), len(heads)))


def times_of(cell: Cell, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        engine = engine_of(cell, name)
        if engine is None:
            yield from [NOTHING] * (2 if name == OURS else 3)
            continue
        yield verdict(engine) or spell_number(minimum(engine))
        yield spell_number(middle(engine))
        if name != OURS:
            yield spell_number(ratio(cell, engine))


def verdict(engine: Engine) -> str:
    """Why an engine has no time that counts; empty where it has one."""
    if engine["failure"]:
        return "failed"
    return "" if engine["within"] else "WRONG"


def ratios(results: Results) -> Table:
    """For each peer, backend and number of threads: the mean of its ratios, and on how many models ours is faster."""
    groups: dict[tuple[str, str, int], list[float]] = {}
    for name in engine_names(results):
        for cell in results["cells"]:
            engine = engine_of(cell, name)
            value = ratio(cell, engine) if engine else None
            if value is not None:
                groups.setdefault((name, cell["backend"], cell["threads"]), []).append(value)
    rows = [
        [
            *(name, backend, str(threads), spell_number(geometric_mean(values)), spell_number(min(values))),
            f"{sum(value >= 1 for value in values)} of {len(values)}",
        ]
        for (name, backend, threads), values in groups.items()
    ]
    heads = ["peer", "backend", "threads", "geometric mean", "least", f"{OURS} ahead"]
    return Table("Ratios of each peer's fastest run to ours, over all models", heads, rows, range(2, len(heads)))


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
    title = "Milliseconds of the first run, and from the first script to its result"
    return Table(title, heads, rows, range(len(LABELS), len(heads)))


def answers(results: Results) -> Table:
    """How right the results are, and what was downloaded for them."""
    heads = [*LABELS, "engine", "largest error", "download", "code, compressed", "wasm memory"]
    rows = [
        [
            *labels(cell, results["machine"]),
            *(engine["name"], verdict(engine) or spell_exponent(engine["error"])),
            *map(spell_bytes, (engine["download"], engine["code"])),
            spell_bytes(engine["memory"]) if engine["memory"] else NOTHING,
        ]
        for cell in results["cells"]
        for engine in cell["engines"]
    ]
    return Table("Errors and sizes", heads, rows, range(len(LABELS) + 1, len(heads)))


def memories(results: Results) -> Table:
    """What the memory of our wasm backend holds."""
    rows = [
        [
            *(model["name"], str(model["memory"] // PAGE_BYTES)),
            *map(spell_bytes, (model["weights"], model["computed"], model["arena"])),
            f"{(model['memory'] - model['arena']) / model['weights']:.2f}" if model["weights"] else NOTHING,
        ]
        for model in results["models"]
        if model["memory"]
    ]
    heads = ["model", "pages of 64 KiB", "weights", "computed at load", "arena", "without arena, in weights"]
    note = "Weights that only loading reads are gone when it ends; what it computed from them, and other weights, stay."
    return Table(f"Memory of {OURS} on wasm", heads, rows, range(1, len(heads)), note)


def kernels(profile: Profile, least_share: float = 0.0) -> Table:
    """Where the time of a run goes, kernel by kernel."""
    numbers = ["launches", "ms", "share", "GFLOP/s", "of peak", "bytes", "GB/s", "code"]
    found = shares(profile)
    total = sum(share.time for share in found)
    shown = [share for share in found if share.time >= least_share * total]
    rows = [kernel_row(share, total, profile["peak"]) for share in shown]
    if hidden := found[len(shown) :]:
        time = sum(share.time for share in hidden)
        launches = sum(share.launches for share in hidden)
        rest = [str(launches), f"{time:.3f}", f"{time / total:.1%}", *[NOTHING] * (len(numbers) - 3)]
        rows.append([f"{len(hidden)} others", *rest, "", ""])
    title = f"Kernels of {profile['model']} on wasm ({profile['module']}), 1 thread"
    heads = ["kernel", *numbers, "shape", "nodes"]
    return Table(title, heads, rows, range(1, len(numbers) + 1), sum_of(found, total, profile["peak"]))


def kernel_row(share: Share, total: float, peak: float) -> list[str]:
    kernel = share.kernel
    return [
        *(kernel["name"], str(share.launches), f"{share.time:.3f}", f"{share.time / total:.1%}"),
        *(spell_number(share.rate / 1e9), f"{share.rate / peak:.0%}"),
        *(spell_bytes(share.launches * kernel["bytes"]), spell_number(share.traffic / 1e9)),
        *(spell_bytes(kernel["code"]), kernel["shape"], shortened(share.nodes)),
    ]


def shortened(nodes: str) -> str:
    return nodes if len(nodes) <= LONGEST_NODES else f"{nodes[:LONGEST_NODES]} …"


def sum_of(found: Sequence[Share], total: float, peak: float) -> str:
    """All kernels together, in a sentence."""
    operations = sum(share.launches * share.kernel["flops"] for share in found)
    rate = operations / total * 1e3
    return (
        f"All kernels: {total:.3f} ms, {operations / 1e6:.1f} MFLOP, {rate / 1e9:.1f} GFLOP/s, "
        f"{rate / peak:.0%} of the {peak / 1e9:.1f} GFLOP/s that multiply-adds alone reach."
    )
