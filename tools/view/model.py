"""What a page shows of a model: every step of its compilation for one target, its memory and its kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn import __version__
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.frontends.onnx.inputs import Dims
from webdnn.support.weights import Array
from webdnn.targets.pipelines import GRAPH
from webdnn.tools.backends import backends_named
from webdnn.tools.changes import UNCHANGED, Changes, all_passes
from webdnn.tools.context import new_context
from webdnn.tools.pipeline import Checks, parse_specs, passes_of, run_passes
from webdnn.tools.view.graphs import LEVELS, Node, Recorder, Step
from webdnn.tools.view.kernels import Kernel, kernels_of, schedules_in, sources_in, wasm_sources
from webdnn.tools.view.memory import Plan, plan_of, shapes

QUICK = Checks(verify=False)


class View(TypedDict):
    """All that a page shows. `remark` says what is missing, and why; `levels` are names and what each one says."""

    name: str
    target: str
    producer: str
    remark: str
    levels: list[list[str]]
    nodes: list[Node]
    steps: list[Step]
    plan: Plan | None
    kernels: list[Kernel]


def view_of_model(
    path: Path, target: str, dims: Dims, constants: Mapping[str, Array], changes: Changes = UNCHANGED
) -> View:
    """Compile a model for a target, and note every step. Raises DiagnosticError."""
    backend = backends_named([target], changes=changes)[target]
    module, context, recorder = import_onnx(path, dims=dims, constants=constants), new_context(), Recorder()
    recorder.note("import", module)
    types: list[str] = []
    for module_pass in passes(changes, (*GRAPH, *backend.passes)):
        run_passes(context, module, [module_pass], QUICK)
        recorder.note(str(module_pass.spec()), module)
        if recorder.steps[-1]["level"] == "buffers":
            types = shapes(module)
    language, rest = next(iter(backend.languages.items()))
    legal, schedules = module.clone(), dict[str, list[str]]()
    legalize(context, legal, changes, rest, schedules)
    if language == "wasm":
        sources = wasm_sources(legal, changes, context, schedules)
    else:
        sources = sources_in(language, legal)
    return View(
        name=path.stem,
        target=target,
        producer=f"webdnn {__version__}",
        remark="",
        levels=[[name, says] for name, says in LEVELS.items()],
        nodes=recorder.nodes,
        steps=recorder.steps,
        plan=plan_of(legal, types),
        kernels=kernels_of(module, schedules, sources),
    )


def legalize(
    context: Context, module: ModuleOp, changes: Changes, texts: Sequence[str], schedules: dict[str, list[str]]
) -> None:
    """Run the passes of a language; notes the schedules that kernels have on the way."""
    for module_pass in passes(changes, texts):
        run_passes(context, module, [module_pass], QUICK)
        schedules.update((name, found) for name, found in schedules_in(module) if found and name not in schedules)


def passes(changes: Changes, texts: Sequence[str]) -> Sequence[ModulePass]:
    """Passes that are given as text, with the changes."""
    if not texts:
        return ()
    return passes_of(changes.of(tuple(parse_specs(",".join(texts), all_passes()))), all_passes())
