"""Builds of one model for wasm: with every rule, without each of them in turn, and without any."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from webdnn import __version__
from webdnn.targets.bundle.manifest import Backends, Manifest
from webdnn.targets.bundle.write import runner_files, write_bundle
from webdnn.targets.pipelines import GRAPH
from webdnn.targets.program import Program, runs_of
from webdnn.targets.rules import CPU_RULES, Rule
from webdnn.targets.wasm.bundle import build
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.ablation.results import EVERYTHING, NOTHING
from webdnn.tools.backends import BACKENDS
from webdnn.tools.bench.cost import cost_of
from webdnn.tools.changes import without
from webdnn.tools.compiler import Compiler, Files, dimensions, signature
from webdnn.tools.context import new_context
from webdnn.tools.summary import BackendSummary


@dataclass(frozen=True)
class Built:
    """A bundle in a folder.

    `digest` is equal for equal bundles; `moved` are the bytes that all launches of a run read and write.
    """

    without: str
    directory: Path
    digest: str
    summary: BackendSummary
    memory: int
    moved: int


def cases(rules: Sequence[Rule] = CPU_RULES) -> Iterator[tuple[str, Sequence[Rule]]]:
    """What is left out, one build after another."""
    yield NOTHING, ()
    yield from ((rule.name, (rule,)) for rule in rules)
    yield EVERYTHING, rules


def variants(threads: int) -> list[Variant]:
    """The modules that a page with so many threads takes, best first."""
    found = [variant for variant in VARIANTS if variant.relaxed and (threads > 1 or not variant.threads)]
    return sorted(found, key=lambda variant: not variant.threads)


def built(module: ModuleOp, name: str, rules: Sequence[Rule], threads: int, directory: Path) -> Built:
    """Compile a module of the `dnn` dialect without some rules. Raises DiagnosticError."""
    started = time.process_time()
    changes = without(rules)
    compiler = Compiler(new_context(), changes=changes)
    graph = module.clone()
    compiler.run("graph", graph, GRAPH)
    flat = compiler.lowered(graph, "wasm", BACKENDS["wasm"])["wasm"]
    modules = [replace(variant, rewrite=changes.of_passes) for variant in variants(threads)]
    section, files = build(flat, compiler.context, modules)
    seconds = time.process_time() - started
    inputs, outputs = signature(graph)
    manifest = Manifest(
        name=name,
        producer=f"webdnn {__version__}",
        inputs=inputs,
        outputs=outputs,
        dimensions=dimensions(graph) or None,
        backends=Backends(wasm=section),
    )
    write_bundle(directory, manifest, {**files, **runner_files()})
    summary = BackendSummary.of("wasm", flat, files, seconds)
    return Built(name, directory, digest_of(manifest, files), summary, section.memory_bytes, bytes_moved(flat))


def digest_of(manifest: Manifest, files: Files) -> str:
    """Equal for bundles that differ in nothing."""
    sums = {path: sha256(content).hexdigest() for path, content in sorted(files.items())}
    return sha256(repr((manifest.backends, sums)).encode()).hexdigest()


def bytes_moved(flat: ModuleOp) -> int:
    """What all launches of a run read and write."""
    launches = Program.of(flat).launches_of_a_run
    costs = {call.kernel: cost_of(call.kernel).bytes for call, _ in runs_of(launches)}
    return sum(costs[call.kernel] for call, _ in runs_of(launches))
