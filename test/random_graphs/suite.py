"""Random graphs on our engines: `python test/random_graphs/suite.py --count 2000 --engine wasmtime --seed 0`.

Every graph ends as agreed (with onnxruntime, graph optimisations off), refused (a diagnostic says what we do not take),
or wrong. The seed that a line names makes the same graph again: `--seed N --count 1 --save graph.onnx` writes it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

sys.path.append(str(Path(__file__).parents[1]))  # where `random_graphs` lies: a script finds its own folder alone

from onnx_backend.suite import ENGINES, NUMBERS_HELD, imported
from random_graphs.elementwise import ELEMENTWISE
from random_graphs.graph import FLOATS, Graph, UnfitError, Value
from random_graphs.layers import LAYERS
from random_graphs.motifs import Motif
from random_graphs.movement import MOVEMENT
from webdnn.runner.python.error import SessionError
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.comparison import compare

Array = NDArray[np.generic]

FAMILIES = (ELEMENTWISE, MOVEMENT, LAYERS)
TRIES = 400

HALF = 2e-2
"""Of the value, and of the largest: what half floats may be off, which are rounded at every node or only once"""

LAST_PLACE = 2.0**-24
"""Of numbers next to 1 in f32: exp(x) - 1 is nothing else for small x"""


@dataclass(frozen=True)
class Outcome:
    """How one graph ended."""

    seed: int
    status: str
    operators: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Drawn:
    """A model, its inputs, and its outputs as onnxruntime computes them."""

    model: ModelProto
    inputs: dict[str, Array]
    outputs: list[Value]

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(node.op_type for node in self.model.graph.node)


def drawn(seed: int, most: int = 12, motifs: Sequence[Motif] = ()) -> Drawn:
    """The random graph of a seed: perhaps a motif, and nodes, each of a family and an operator drawn anew.

    There are three to `most` nodes, or as many as a motif has.
    """
    graph = Graph(np.random.default_rng(seed))
    if motifs and graph.chance(0.6):
        with suppress(UnfitError):
            motifs[graph.whole(0, len(motifs) - 1)](graph)
    wanted = max(graph.whole(3, most), len(graph.nodes) + 1)
    for _ in range(TRIES):
        family = FAMILIES[graph.whole(0, len(FAMILIES) - 1)]
        try:
            graph.add(family[graph.whole(0, len(family) - 1)])
        except UnfitError:
            continue
        if len(graph.nodes) == wanted:
            break
    model = graph.model()
    values = {value.name: value for value in graph.values}
    inputs = {name: value.array for name, value in graph.inputs.items()}
    return Drawn(model, inputs, [values[output.name] for output in model.graph.output])


def difference(found: Array, value: Value) -> str:
    """What is wrong with an output; empty where it agrees."""
    expected = value.array
    if found.shape != expected.shape:
        return f"{value.name}: found shape {list(found.shape)}, expected {list(expected.shape)}"
    if found.dtype != expected.dtype:
        return f"{value.name}: found {found.dtype}, expected {expected.dtype}"
    if value.half and value.type in FLOATS:
        a, b = found.astype(np.float64), expected.astype(np.float64)
        close = np.abs(a - b) <= HALF * (np.abs(b) + np.abs(b).max(initial=0))
        return "" if close.all() else f"{value.name}: largest error {np.abs(a - b).max():.3g} in half floats"
    comparison = compare(found, expected, steps=LAST_PLACE)
    return "" if comparison.within else f"{value.name}: {comparison}"


def run_seed(engine: str, seed: int) -> Outcome:
    """One graph on one engine."""
    graph = drawn(seed)
    outcome = partial(Outcome, seed, operators=graph.operators)
    try:
        results = ENGINES[engine](imported(graph.model, graph.inputs), graph.inputs)
        for found, value in zip(results, graph.outputs, strict=True):
            if problem := difference(np.asarray(found), value):
                return outcome("wrong", reason=problem)
    except DiagnosticError as error:
        return outcome("refused", reason=" / ".join(p.what for p in error.problems))
    except SessionError as error:
        return outcome("refused" if NUMBERS_HELD in str(error) else "wrong", reason=str(error).splitlines()[0])
    except Exception as error:  # whatever else happens is our mistake, and must not stop the others
        return outcome("wrong", reason=f"{type(error).__name__}: {error}".splitlines()[0][:300])
    return outcome("agreed")


def run_seeds(engine: str, seeds: Sequence[int], workers: int = 1) -> list[Outcome]:
    """A graph for each of the seeds."""
    if workers == 1:
        return [run_seed(engine, seed) for seed in seeds]
    with Pool(workers) as pool:
        return list(pool.imap(partial(run_seed, engine), seeds, chunksize=8))


def summary(outcomes: Sequence[Outcome]) -> str:
    """The counts, the refusals grouped by reason, and every graph that is wrong."""
    counts = Counter(o.status for o in outcomes)
    operators = Counter(op for o in outcomes for op in o.operators)
    lines = [
        f"{len(outcomes)} graphs of {operators.total()} nodes and {len(operators)} operators: "
        f"{counts['agreed']} agreed, {counts['refused']} refused, {counts['wrong']} wrong"
    ]
    reasons: dict[str, list[int]] = {}
    for o in outcomes:
        if o.status == "refused":
            reasons.setdefault(re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "…", o.reason)[:110], []).append(o.seed)
    for reason, seeds in sorted(reasons.items(), key=lambda item: -len(item[1])):
        lines.append(f"  {len(seeds):5} refused: {reason} (seed {', '.join(map(str, seeds[:4]))})")
    lines += [f"  wrong: seed {o.seed}: {o.reason} ({' '.join(o.operators)})" for o in outcomes if o.status == "wrong"]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="compare random graphs with onnxruntime")
    parser.add_argument("--engine", choices=list(ENGINES), default="reference")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save", type=Path, help="write the first graph here, and run nothing")
    options = parser.parse_args()
    if options.save:
        options.save.write_bytes(drawn(options.seed).model.SerializeToString())
        return 0
    outcomes = run_seeds(options.engine, range(options.seed, options.seed + options.count), options.workers)
    print(summary(outcomes))
    return int(any(o.status == "wrong" for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
