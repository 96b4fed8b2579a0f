"""What planning saves on whole models: `python -m bench.memory [--light] MODEL.onnx…` writes docs/memory.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.light_models import LIGHT, randomize
from bench.limited import HEADING
from onnx import ModelProto
from xdsl.dialects.builtin import ModuleOp

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.targets.pipelines import GRAPH, PIPELINES
from webdnn.targets.rules import RULES, Rule
from webdnn.tools.ablation.builds import bytes_moved
from webdnn.tools.bench.table import Table
from webdnn.tools.changes import without
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context
from webdnn.tools.report import run_tool
from webdnn.tools.summary import BackendSummary, spell_bytes

PLANNING = ("places", "kernel-lower-peak", "in-place", "kernel-form-strips", "kernel-order-computes")
"""Rules that lower what has to be alive at a time: what is left without them is a fused graph as it was exported."""

METHOD = (
    "`python -m bench.memory --light MODEL.onnx… --markdown docs/memory.md` writes this page. Models are lowered to "
    "kernels that have buffers at places, as a compilation without a limit of memory does, and nothing is run. Sizes "
    "are decimal and leave constants out."
)

ARENAS = (
    "The arena is what a run holds on wasm: inputs, outputs, and all between kernels. The bound is the largest sum of "
    "bytes alive at a time, below which no plan of these kernels comes; a ratio of 1.00 is a plan that none beats. "
    f"Unplanned is the bound of the same graph, fused alike, without the rules {', '.join(f'`{p}`' for p in PLANNING)} "
    "(`webdnn compile --passes=-…`): nothing is computed in place or where it is joined, nothing is cut into strips, "
    "and kernels run in the order of the model's file. The saving is that of the arena over it."
)

LAUNCHES = (
    "What a run on WebGPU launches, and the bytes that all launches read and write, weights included: without any "
    "rule (`targets/rules.py`), and with all of them."
)


@dataclass(frozen=True)
class Found:
    """One model: what a run holds on wasm, what it would without planning, and launches and bytes moved on WebGPU."""

    name: str
    planned: BackendSummary
    unplanned: BackendSummary
    launches: tuple[int, int]
    moved: tuple[int, int]

    @property
    def saving(self) -> float:
        return 1 - self.planned.arena_bytes / self.unplanned.arena_bound


def kernels(graph: ModuleOp, backend: str, rules: Sequence[Rule] = ()) -> ModuleOp:
    """A model of the `dnn` dialect as kernels in order, on buffers with places, without some rules."""
    module = graph.clone()
    compiler = Compiler(new_context(), changes=without(rules))
    compiler.run(backend, module, (*GRAPH, *PIPELINES[backend].passes()))
    return module


def found(path: Path) -> Found:
    """Raises DiagnosticError for what cannot be compiled."""
    graph = import_onnx(path)
    unplanned = [rule for rule in RULES if rule.name in PLANNING]
    planned, without_planning = (kernels(graph, "wasm", rules) for rules in ((), unplanned))
    plain, full = (kernels(graph, "webgpu", rules) for rules in (RULES, ()))
    return Found(
        path.stem,
        summary_of(planned),
        summary_of(without_planning),
        (summary_of(plain).launches, summary_of(full).launches),
        (bytes_moved(plain), bytes_moved(full)),
    )


def summary_of(module: ModuleOp) -> BackendSummary:
    return BackendSummary.of("", module, {}, 0)


def light_models(directory: Path) -> Iterator[Path]:
    """The image classifiers inside the onnx package, with random weights: each is written when its turn comes."""
    for source in sorted(LIGHT.glob("light_*.onnx")):
        model = ModelProto.FromString(source.read_bytes())
        randomize(model)
        path = directory / source.name
        path.write_bytes(model.SerializeToString())
        yield path
        path.unlink()


def tables(models: Sequence[Found]) -> Iterator[Table]:
    rows = [
        (
            model.name,
            *map(spell_bytes, (model.planned.arena_bytes, model.planned.arena_bound)),
            f"{model.planned.arena_ratio:.2f}",
            spell_bytes(model.unplanned.arena_bound),
            f"{model.saving:.0%}",
        )
        for model in models
    ]
    heads = ("model", "arena", "bound", "ratio", "unplanned", "saving")
    yield Table("Memory of a run", heads, rows, range(1, len(heads)), ARENAS)
    rows = [(m.name, *map(str, m.launches), *map(spell_bytes, m.moved)) for m in models]
    heads = ("model", "launches without rules", "launches", "moved without rules", "moved")
    yield Table("Launches on WebGPU", heads, rows, range(1, len(heads)), LAUNCHES)


def markdown(models: Sequence[Found], before: str = "") -> Iterator[str]:
    """The page; what `bench.limited` has put at the end of the one before stays."""
    yield from ("# What planning saves", "", METHOD)
    for table in tables(models):
        yield ""
        yield from table.markdown()
    _, heading, limited = before.partition(f"\n## {HEADING}\n")
    if heading:
        yield f"{heading}{limited}".rstrip("\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--light", action="store_true", help="also the image classifiers inside the onnx package")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    arguments = parser.parse_args()
    models: list[Found] = []
    with TemporaryDirectory() as scratch:
        lights = light_models(Path(scratch)) if arguments.light else ()
        for path in chain(sorted(arguments.models), lights):
            print(f"{path.stem} …", file=sys.stderr)
            models.append(found(path))
            if (page := arguments.markdown) is not None:  # after each: large models take minutes
                page.write_text("\n".join(markdown(models, page.read_text() if page.exists() else "")) + "\n")
    for table in tables(models):
        print(*table.text(), "", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_tool("bench.memory", main))
