"""The library behind `webdnn compile`: from a model to the manifest and the files of a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from webdnn import __version__
from webdnn.dialects.element import element_type, is_tensor
from webdnn.dialects.signature import counted_axes, entries, name_of, sizes_of
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.frontends.onnx.inputs import Dims
from webdnn.passes.kernel.scheduling.file import Schedules
from webdnn.passes.kernel.scheduling.select_schedule import computes
from webdnn.passes.kernel.scheduling.signature import signature as kernel_signature
from webdnn.support.device import Limits
from webdnn.support.diagnostic import DiagnosticError, Problem
from webdnn.support.verification import verify_module
from webdnn.support.weights import Array
from webdnn.targets.bundle.manifest import Count, Dimension, Manifest, Size, Tensor
from webdnn.targets.bundle.names import ElementTypeName, WeightFormatName
from webdnn.targets.bundle.write import runner_files
from webdnn.targets.pipelines import graph_passes
from webdnn.tools.backends import BACKENDS, UNLIMITED, Backend, Lowered, Part, backends_named, merged
from webdnn.tools.changes import UNCHANGED, Changes, all_passes
from webdnn.tools.context import new_context
from webdnn.tools.memory_limit import fewer_tiles, within_memory
from webdnn.tools.pipeline import Checks, parse_specs, passes_of, run_passes
from webdnn.tools.summary import BackendSummary, Summary, magnitudes, operator_count
from webdnn.tools.weight_shares import weight_shares

Files = Mapping[str, bytes]
Progress = Callable[[str, str], None]
"""Is told each stage ("import", "graph", the name of a backend) and the step of it that begins."""

QUICK = Checks(verify=False)
CAREFUL = Checks(verify_each=True)
ELEMENTS: Mapping[str, ElementTypeName] = {name: name for name in get_args(ElementTypeName)}
WEIGHT_FORMATS: Mapping[str, WeightFormatName] = {name: name for name in get_args(WeightFormatName)}


def silent(stage: str, step: str) -> None:
    """Report no progress."""


def compile_model(
    path: Path | str,
    targets: Sequence[str] = tuple(BACKENDS),
    dims: Dims | None = None,
    constants: Mapping[str, Array] | None = None,
    progress: Progress = silent,
    accuracy: str = "normal",
    schedules: str = "",
    changes: Changes = UNCHANGED,
    weights: str = "f32",
    limits: Limits = UNLIMITED,
) -> tuple[Manifest, Files, Summary]:
    """A bundle, with the browser runner, of an ONNX model, ready for `write_bundle`. Raises DiagnosticError."""
    backends_named(targets, accuracy, changes, limits)
    started = time.perf_counter()
    progress("import", str(path))
    module = import_onnx(path, dims=dims, constants=constants)
    manifest, files, summary = compile_module(
        module,
        targets,
        name=Path(path).stem,
        progress=progress,
        accuracy=accuracy,
        schedules=schedules,
        changes=changes,
        weights=weights,
        limits=limits,
    )
    return manifest, {**files, **runner_files()}, replace(summary, seconds=time.perf_counter() - started)


def compile_module(
    module: ModuleOp,
    targets: Sequence[str],
    *,
    name: str,
    progress: Progress = silent,
    accuracy: str = "normal",
    schedules: str = "",
    changes: Changes = UNCHANGED,
    weights: str = "f32",
    limits: Limits = UNLIMITED,
) -> tuple[Manifest, Files, Summary]:
    """A bundle, without the runner, of a module of the `dnn` dialect. Raises DiagnosticError.

    `schedules` names a file of schedules for kernels of the wasm backend.
    """
    started = time.perf_counter()
    compiler = Compiler(new_context(), progress, schedules, changes=changes)
    module = module.clone()
    compiler.run("graph", module, graph_passes(weights))
    shares = () if weights == "f32" else weight_shares(module)
    parts = compiler.parts(module, backends_named(targets, accuracy, changes, limits))
    inputs, outputs = signature(module)
    manifest = Manifest(
        name=name,
        producer=f"webdnn {__version__}",
        inputs=inputs,
        outputs=outputs,
        dimensions=dimensions(module) or None,
        weights=WEIGHT_FORMATS[weights],
        backends=merged([part.section for part in parts.values()]),
    )
    files = {path: content for part in parts.values() for path, content in part.files.items()}
    seconds = time.perf_counter() - started
    operators, left_out = operator_count(module), compiler.left_out
    limited = limits.memory_bytes is not None
    summary = Summary(name, operators, compiler.summaries, seconds, compiler.unused, shares, left_out, limited)
    return manifest, files, summary


@dataclass
class Compiler:
    """Runs passes, tells of progress, and collects what each backend came to.

    `tiles` will be how many bytes all tiles of a convolution may take at most, of backends that so keep a limit of
    memory.
    `schedules` names a file of schedules, and `unused` will be those of its kernels that the model does not have;
    `left_out` the backends that a bundle can do without, and what stands in their way.
    """

    context: Context
    progress: Progress = silent
    schedules: str = ""
    tiles: dict[str, int] = field(default_factory=dict[str, int])
    unused: list[str] = field(default_factory=list[str])
    left_out: dict[str, DiagnosticError] = field(default_factory=dict[str, DiagnosticError])
    summaries: list[BackendSummary] = field(default_factory=list[BackendSummary])
    changes: Changes = UNCHANGED

    def run(self, stage: str, module: ModuleOp, passes: Sequence[str]) -> None:
        """Apply passes that are given as text, with the changes."""
        checks = CAREFUL if self.changes.adds_passes else QUICK
        specs = self.changes.of(tuple(parse_specs(",".join(passes), all_passes())))
        for module_pass in passes_of(specs, all_passes()):
            self.progress(stage, module_pass.name)
            run_passes(self.context, module, [module_pass], checks)

    def parts(self, module: ModuleOp, backends: Mapping[str, Backend]) -> dict[str, Part]:
        """The part of each backend. Raises DiagnosticError with what stands in the way of any of them."""
        built: dict[str, Part] = {}
        refused: dict[str, DiagnosticError] = {}
        for name, backend in backends.items():
            try:
                built[name] = self.part(module, name, backend)
            except DiagnosticError as error:
                refused[name] = error
            except Exception as error:
                error.add_note(f"for target '{name}'")
                raise
        if refused:
            raise refusal(refused, list(built))
        return built

    def part(self, module: ModuleOp, name: str, backend: Backend) -> Part:
        """The part of one backend; the module stays as it is."""
        started = time.perf_counter()
        modules = self.lowered(module, name, backend)
        self.progress(name, "emit")
        part = backend.build(Lowered(modules, *signature(module), self.context, self.schedules, self.changes))
        if self.schedules and "wasm" in modules:
            self.unused += unused_schedules(modules["wasm"], self.schedules)
        first = next(iter(modules.values()))
        seconds, limited = time.perf_counter() - started, backend.kernels.memory is not None
        found = BackendSummary.of(name, first, part.files, seconds, limited=limited)
        spelled = {language: f"{name} ({language})" if len(modules) > 1 else name for language in modules}
        limits = {spelled[language]: magnitudes(lowered) for language, lowered in modules.items()}
        self.summaries.append(replace(found, tiles=self.tiles.get(name), magnitudes=limits))
        return part

    def lowered(self, module: ModuleOp, name: str, backend: Backend) -> Mapping[str, ModuleOp]:
        """A module for each language of a backend, from one of the `dnn` dialect."""
        if backend.kernels.memory is None:
            kernels = module.clone()
            self.run(name, kernels, backend.kernels.before_buffers)
            return self.finished(self.placed(kernels, name, backend), name, backend)
        failure: DiagnosticError | None = None
        for tried in fewer_tiles(backend):
            try:
                modules = self.limited(module, name, tried)
            except DiagnosticError as error:
                failure = error
                continue
            if tried is not backend:
                self.tiles[name] = tried.kernels.room
            return modules
        assert failure is not None
        raise failure

    def limited(self, module: ModuleOp, name: str, backend: Backend) -> Mapping[str, ModuleOp]:
        """What a backend with a limit of memory is lowered to. Raises DiagnosticError where it cannot be kept."""
        kernels = module.clone()
        self.run(name, kernels, backend.kernels.before_buffers)
        return within_memory(
            backend,
            place=lambda tried: self.placed(kernels.clone(), name, tried),
            finish=lambda module, tried: self.finished(module, name, tried),
        )

    def placed(self, module: ModuleOp, name: str, backend: Backend) -> ModuleOp:
        """The module itself, whose values have got buffers at their places."""
        self.run(name, module, backend.kernels.placing)
        return module

    def finished(self, module: ModuleOp, name: str, backend: Backend) -> dict[str, ModuleOp]:
        """A module for each language, from one with buffers."""
        self.run(name, module, backend.kernels.from_places)
        return self.languages(module, name, backend)

    def languages(self, kernels: ModuleOp, name: str, backend: Backend) -> dict[str, ModuleOp]:
        """A module for each language of a backend, from one of kernels on flat buffers."""
        modules: dict[str, ModuleOp] = {}
        for language, passes in backend.languages.items():
            lowered = kernels.clone()
            try:
                self.run(name, lowered, passes)
            except DiagnosticError as error:
                if language not in backend.optional:
                    raise
                self.left_out[backend.optional[language]] = error
                continue
            verify_module(lowered)
            modules[language] = lowered
        return modules


def refusal(refused: Mapping[str, DiagnosticError], built: Sequence[str]) -> DiagnosticError:
    """One error for all backends that the model cannot be built for, with those that it can be built for."""
    problems = [
        Problem(p.where, f"{p.what} (for target '{name}')", with_working(p.hint, built))
        for name, error in refused.items()
        for p in error.problems
    ]
    first, *rest = problems
    return DiagnosticError(first.what, hint=first.hint, where=first.where, also=tuple(rest))


def with_working(hint: str, built: Sequence[str]) -> str:
    return f"{hint}; what works: --targets {','.join(built)}" if built else hint


def unused_schedules(module: ModuleOp, path: str) -> list[str]:
    """The kernels of a file of schedules that a module of kernels does not have."""
    return Schedules.read(Path(path)).unused(map(kernel_signature, computes(module)))


def wasm_kernels(
    path: Path | str,
    dims: Dims,
    constants: Mapping[str, Array],
    accuracy: str = "normal",
    weights: str = "f32",
    changes: Changes = UNCHANGED,
) -> ModuleOp:
    """The kernels on flat buffers that a model's wasm modules are made from. Raises DiagnosticError."""
    module = import_onnx(path, dims=dims, constants=constants)
    compiler = Compiler(new_context(), changes=changes)
    compiler.run("graph", module, graph_passes(weights))
    return compiler.lowered(module, "wasm", backends_named(["wasm"], accuracy, changes)["wasm"])["wasm"]


def signature(module: ModuleOp) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The inputs and outputs of a module of the `dnn` dialect as its runner sees them."""
    main = main_of(module)
    types, order = main.function_type, [dimension.input for dimension in dimensions(module)]
    inputs = tensors(main.arg_attrs, types.inputs.data, "input")
    sized = [
        replace(it, counts=None, sizes=tuple(Size(c.axis, order.index(c.output)) for c in it.counts))
        if it.counts
        else it
        for it in inputs
    ]
    return tuple(sized), tensors(main.res_attrs, types.outputs.data, "output")


def dimensions(module: ModuleOp) -> tuple[Dimension, ...]:
    """The dimensions whose size varies from run to run."""
    main = main_of(module)
    given = [sizes_of(attributes) for attributes in entries(main.arg_attrs, len(main.function_type.inputs))]
    found = [(i, *named) for i, named in enumerate(given) if named is not None]
    return tuple(Dimension(name, sizes.least, sizes.most, i) for i, name, sizes in found)


def main_of(module: ModuleOp) -> FuncOp:
    (main,) = [op for op in module.body.block.ops if isinstance(op, FuncOp)]
    return main


def tensors(
    attributes: ArrayAttr[DictionaryAttr] | None, types: Sequence[Attribute], default: str
) -> tuple[Tensor, ...]:
    found: list[Tensor] = []
    for i, (type, given) in enumerate(zip(types, entries(attributes, len(types)), strict=True)):
        assert is_tensor(type), f"{type} is no tensor"
        counts = tuple(Count(axis, output) for axis, output in counted_axes(given).items())
        name, element = name_of(given, f"{default}{i}"), ELEMENTS[element_type(type).name]
        found.append(Tensor(name, element, type.get_shape(), counts or None))
    return tuple(found)
