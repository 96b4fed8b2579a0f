"""Holds both ways of rewriting against each other: `python -m bench.equality_saturation [--random 20] MODEL.onnx…`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.equality_saturation.cost import total_cost
from bench.equality_saturation.saturation import Saturation, saturate
from xdsl.dialects.builtin import ModuleOp

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.operator_cost import Cost
from webdnn.tools.bench.table import Table
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context
from webdnn.tools.report import run_tool
from webdnn.tools.summary import operator_count

BEFORE = ("dnn-fold-constants", "dnn-elide-duplicates", "dnn-elide-identities")
ORDERED = ("dnn-absorb-moves", "dnn-aggregate-constants")
AFTER = ("dnn-elide-identities", "dnn-elide-duplicates")

NOTE = (
    "Saved is what each way takes off the cost of the graph (`support/operator_cost.py`), in thousands: multiply-adds, "
    "elements and bytes of weights. Both is saturation of what ordered rewriting leaves. Nodes marked + are a limit "
    "that was reached."
)


@dataclass(frozen=True)
class Compared:
    """One graph: its cost as it is, after ordered rewriting, after saturation, and after one behind the other."""

    name: str
    before: Cost
    ordered: Cost
    saturated: Cost
    both: Cost
    seconds: float
    saturation: Saturation
    operators: tuple[int, int, int]


def compared(name: str, module: ModuleOp, most: int) -> Compared:
    """Raises DiagnosticError for what cannot be compiled."""
    compiler = Compiler(new_context())
    compiler.run("graph", module, BEFORE)
    ordered, saturated = module.clone(), module.clone()
    started = perf_counter()
    compiler.run("graph", ordered, ORDERED)
    seconds = perf_counter() - started
    saturation = saturate(saturated, most)
    both = ordered.clone()
    saturate(both, most)
    for rewritten in (ordered, saturated, both):
        compiler.run("graph", rewritten, AFTER)
    operators = (operator_count(module), operator_count(ordered), operator_count(saturated))
    costs = (total_cost(module), total_cost(ordered), total_cost(saturated), total_cost(both))
    return Compared(name, *costs, seconds, saturation, operators)


def tables(found: Sequence[Compared]) -> Iterator[Table]:
    rows = [
        (
            c.name,
            *map(str, c.operators),
            *(spell_thousands(c.before.total - cost.total) for cost in (c.ordered, c.saturated, c.both)),
            f"{c.seconds:.2f} s",
            f"{c.saturation.seconds:.1f} + {c.saturation.extraction_seconds:.1f} s",
            f"{c.saturation.operators}{'' if c.saturation.complete else '+'}",
        )
        for c in found
    ]
    heads = ("graph", "operators", "ordered", "saturated", "saved: ordered", "saturated", "both")
    yield Table("Rewriting", (*heads, "time: ordered", "saturated", "nodes"), rows, range(1, 10), NOTE)


def spell_thousands(cost: int) -> str:
    return f"{cost / 1e3:.1f}"


def random_graphs(count: int) -> Iterator[tuple[str, ModuleOp]]:
    """Those of the tests, in which constants can move."""
    sys.path.append(str(Path(__file__).parents[2] / "test"))
    from helpers.linear_graphs import LinearGraph

    for seed in range(count):
        yield f"random {seed}", LinearGraph(seed).grow(12)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.equality_saturation", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--random", type=int, default=0, metavar="COUNT", help="also so many random graphs")
    parser.add_argument("--nodes", type=int, default=5000, help="most operators of an e-graph (default %(default)s)")
    arguments = parser.parse_args()
    found: list[Compared] = []
    for path in arguments.models:
        print(f"{path.stem} …", file=sys.stderr)
        found.append(compared(path.stem, import_onnx(path), arguments.nodes))
    found += [compared(name, module, arguments.nodes) for name, module in random_graphs(arguments.random)]
    for table in tables(found):
        print(*table.text(), "", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_tool("bench.equality_saturation", main))
