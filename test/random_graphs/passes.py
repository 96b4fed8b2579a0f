"""Random graphs through every pass alone: `python test/random_graphs/passes.py --count 1000 [--pass NAME] [--seed S]`.

The passes of each target's pipeline run one after another, from the `dnn` dialect to what the emitter spells. Before
and after each the module is evaluated by the interpreter of its level (behind the last two of wasm, by wasmtime), and
its outputs must be the same: integers and booleans exactly, floats to 1e-5 of the value and of the largest, and a
hundredth of what noise of 1e-4 does to them. Odd seeds give passes options under which small graphs are cut, shared
and split, and put layouts, schedules and constants where passes seldom find them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, FunctionType, ModuleOp, TensorType
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

sys.path.append(str(Path(__file__).parents[1]))  # where `random_graphs` lies: a script finds its own folder alone

from helpers.execution import run_buffers
from helpers.schedules import scheduled
from helpers.wasm import run_wasm
from onnx_backend.suite import argument_names, imported
from random_graphs.graph import FLOATS, Value
from random_graphs.motifs import MOTIFS
from random_graphs.suite import HALF, drawn
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.element import is_tensor, shape_of, tensor_type
from webdnn.dialects.kernel.attributes import ScheduleAttr
from webdnn.dialects.kernel.reference import run_function
from webdnn.dialects.signature import entries
from webdnn.dialects.tensor_layout import ConvertOp, layout_of
from webdnn.passes.kernel.forming.input_ranges import magnitude_of
from webdnn.passes.kernel.scheduling.fit import misfit
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.select_schedule import computes
from webdnn.support.axis_layout import AxisLayout, channels_last, row_major
from webdnn.support.diagnostic import DiagnosticError, fail
from webdnn.support.dominance import verify_dominance
from webdnn.support.legality import stages_of, verify_stage
from webdnn.support.verification import verify_module
from webdnn.targets.pipelines import JS_PASSES, PIPELINES, glsl_passes, graph_passes, wgsl_passes
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.changes import all_passes, parse_changes
from webdnn.tools.pipeline import parse_specs, passes_of
from webdnn.universe import ALL_STAGES

Array = NDArray[np.generic]

CLOSE = 1e-5
"""Of a float, and of the largest of its output"""

NOISE_SHARE = 1e-2
"""Of what noise of 1e-4, a thousand roundings of f32, does to an output"""

EAGER = parse_changes(
    "dnn-compress-weights{smallest=1},dnn-pack-nibbles{smallest=1},kernel-pack-operands{stride=1},"
    "kernel-form-strips{limit=256},kernel-prefetch-panels{bytes=0},kernel-share-loops{nanoseconds=1 chunks=4},"
    "kernel-split-buffers{bytes=512 bindings=1000},kernel-assign-layers{busy=1},kernel-map-points{rows=3 busy=1}"
)
"""Options with which small graphs are cut, shared and split"""

FORMATS = ("f32", "f16", "f32", "q8")
"""Of weights, by the seed modulo 4"""

LOSSY = ("dnn-compress-weights",)
"""Passes that change floats by design: by what half floats lose, or with `q8` by more, which is not compared"""

MOST_NODES = 4
PANEL, LANES = 8, 4
LAYOUTS, SCHEDULES, NARROWING = "tensor-layout-assign-layouts", "kernel-select-schedule", "kernel-narrow-elements"
SHAPES, CONVERSION = "dnn-infer-shapes", "convert-tensor-layout-to-kernel"
PLACES = {"kernel-assign-offsets": True, "kernel-narrow-elements": False, "kernel-split-outputs": False}
"""The passes after which the offsets of buffers hold, or hold no more"""


@dataclass(frozen=True)
class Outcome:
    """What one pass did to one graph: `status` is ok, refused or wrong."""

    seed: int
    target: str
    name: str
    changed: bool
    status: str = "ok"
    reason: str = ""


def pipeline_text(target: str, seed: int) -> str:
    """The passes of a target and of the language that a seed is tried with."""
    small, kernels = bool(seed % 2), PIPELINES[target]
    languages: Mapping[str, Callable[[], Sequence[str]]] = {
        "wasm": lambda: [str(module_pass.spec()) for module_pass in variant_of(seed).passes()],
        "js": lambda: JS_PASSES,
        "webgpu": lambda: wgsl_passes(512 if small else 0),
        "webgl": lambda: glsl_passes(100 if seed % 4 > 1 else 300),
    }
    if small and target == "webgpu":
        kernels = kernels.with_pieces()
    return ",".join((SHAPES, *graph_passes(FORMATS[seed % 4]), *kernels.passes(), *languages[target]()))


def passes_for(target: str, seed: int) -> tuple[ModulePass, ...]:
    specs = tuple(parse_specs(pipeline_text(target, seed), all_passes()))
    return passes_of(EAGER.of(specs) if seed % 2 else specs, all_passes())


def variant_of(seed: int) -> Variant:
    """The wasm module that a seed is tried with."""
    return VARIANTS[seed % len(VARIANTS)]


@dataclass
class Walk:
    """One graph on its way through the passes of one target."""

    seed: int
    target: str
    module: ModuleOp
    inputs: list[Array]
    values: Sequence[Value]
    wanted: frozenset[str]
    context: Context = field(default_factory=Context)
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    layouts: tuple[Sequence[AxisLayout], Sequence[AxisLayout]] = ((), ())
    placed: bool = False
    before: list[Array] | None = None
    like: Sequence[Array] = ()
    """The outputs on the `dnn` level"""

    def __post_init__(self) -> None:
        self.flat, self.text = self.module, str(self.module)

    def run(self) -> list[Outcome]:
        if self.seed % 2:
            self.before = self.evaluated()
            forget_shapes(self.module)
            self.text = str(self.module)
        passes = passes_for(self.target, self.seed)
        last = max((i for i, p in enumerate(passes) if p.name in self.wanted), default=-1)
        for module_pass in passes[: last + 1]:
            try:
                self.step(module_pass, module_pass.name in self.wanted)
            except DiagnosticError as error:
                self.say(module_pass, "refused", " / ".join(p.what for p in error.problems))
                return self.outcomes
            except Exception as error:  # whatever else happens is our mistake, and must not stop the others
                self.say(module_pass, "wrong", f"{type(error).__name__}: {error}".splitlines()[0][:300])
                return self.outcomes
        return self.outcomes

    def say(self, module_pass: ModulePass, status: str, reason: str = "", changed: bool = True) -> None:
        self.outcomes.append(Outcome(self.seed, self.target, module_pass.name, changed, status, reason))

    def step(self, module_pass: ModulePass, compared: bool) -> None:
        """Apply one pass; where it is `compared`, the outputs must be what they were."""
        if compared and self.before is None:
            self.before = self.evaluated()
        name, text = module_pass.name, self.text
        if name == CONVERSION:
            self.like = self.evaluated()
            self.layouts = layouts_of(self.module)
        module_pass.apply(self.context, self.module)
        if name == NARROWING:
            refuse_large(self.module, self.inputs)
        if self.seed % 2:
            self.stir(name)
        if name == SCHEDULES:
            self.flat = self.module.clone()
        verify(self.module, module_pass)
        self.placed = PLACES.get(name, self.placed)
        self.text = str(self.module)
        changed = text != self.text
        if not compared:
            self.before = None if changed else self.before
            return
        problem = ""
        if changed:
            before, self.before = self.before, self.evaluated()
            problem = self.difference(self.before, before or [], name in LOSSY)
        self.say(module_pass, "wrong" if problem else "ok", problem, changed)

    def stir(self, name: str) -> None:
        """After some passes, make what those that follow seldom find in small graphs."""
        if name == SCHEDULES and self.seed % 4 == 1:
            by_panels(self.module)
        elif name == SCHEDULES:
            scheduled(self.module, Random(self.seed).randrange)
        elif name == LAYOUTS:
            detour(self.module, Random(self.seed))

    def evaluated(self) -> list[Array]:
        """The outputs as the level's interpreter computes them, as logical tensors."""
        took, gave = self.layouts
        inputs = self.inputs if not took else [stored(*pair) for pair in zip(self.inputs, took, strict=True)]
        main = main_of(self.module)
        with np.errstate(all="ignore"):
            if is_lowered(self.module):
                behind = passes_behind(SCHEDULES, self.seed)

                def own(_: Sequence[ModulePass]) -> Sequence[ModulePass]:
                    return behind

                variant = replace(variant_of(self.seed), rewrite=own)
                results = run_wasm(self.flat, inputs, variant)
            elif all(is_tensor(type) for type in main.function_type.outputs):
                results = run_function(self.module, inputs)
            else:
                results = run_buffers(self.module, inputs, placed=self.placed)
        if not gave:
            return list(results)
        pairs = zip(results, gave, self.like, strict=True)
        return [logical(a, layout, like) for a, layout, like in pairs]

    def difference(self, found: Sequence[Array], wanted: Sequence[Array], lossy: bool) -> str:
        """What is wrong with the outputs; empty where they agree. Those behind the model's own are counts."""
        for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
            value = self.values[i] if i < len(self.values) else None
            if lossy and (b.dtype.name not in FLOATS or FORMATS[self.seed % 4] == "q8"):
                continue
            if problem := difference(a, b, HALF if lossy or (value and value.half) else CLOSE, value):
                return f"output {i}: {problem}"
        return ""


def refuse_large(module: ModuleOp, inputs: Sequence[Array]) -> None:
    """Raise DiagnosticError where a runner refuses inputs, whose integers kernels are not right for."""
    main = main_of(module)
    for array, attributes in zip(inputs, entries(main.arg_attrs, len(inputs)), strict=True):
        most = magnitude_of(attributes)
        if most is not None and (array.max(initial=0) > most or array.min(initial=0) < -most):
            fail(main, f"takes integers from {-most} to {most}", hint="give it smaller ones")


def by_panels(module: ModuleOp) -> None:
    """Let products go through panels of columns with all rows inside, as they do with weights of a mebibyte."""
    for compute in computes(module):
        chosen, shape = compute.schedule, compute.shape
        if len(shape) == 2 and shape[1] >= PANEL:
            compute.schedule = ScheduleAttr.of([min(4, shape[0]), PANEL], order=[1, 0], vector=(1, LANES))
            plan = Plan.of(compute)
            compute.schedule = compute.schedule if plan and misfit(compute, plan) is None else chosen


def forget_shapes(module: ModuleOp) -> None:
    """Open the extents of what operators give."""
    for op in list(main_of(module).body.block.ops):
        for result in op.results if isinstance(op, DnnOp) and not isinstance(op, ConstantOp) else ():
            type = tensor_type(result)
            opened = TensorType(type.element_type, [DYNAMIC_INDEX] * len(type.get_shape()))
            Rewriter.replace_value_with_new_type(result, opened)
    main = main_of(module)
    end = main.body.block.last_op
    assert end is not None
    main.function_type = FunctionType.from_lists(main.body.block.arg_types, end.operand_types)


def detour(module: ModuleOp, random: Random) -> None:
    """Convert a third of the values to another layout and back."""
    for op in list(main_of(module).body.block.ops):
        if op.results and random.random() < 1 / 3:
            (value, *_), rank = op.results, len(shape_of(op.results[0]))
            there = ConvertOp(value, channels_last(rank) if rank > 2 else row_major(rank, align=4))
            back = ConvertOp(there.result, layout_of(value.type))
            value.replace_uses_with_if(back.result, lambda use, there=there: use.operation is not there)
            Rewriter.insert_op([there, back], InsertPoint.after(op))


def verify(module: ModuleOp, module_pass: ModulePass) -> None:
    verify_module(module)
    verify_dominance(module)
    if stage := stages_of(module_pass).after:
        kernels = [op for op in module.body.block.ops if stage == "wasm" and op is not main_of(module)]
        verify_stage(ModuleOp([op.clone() for op in kernels]) if kernels else module, ALL_STAGES[stage]())


def main_of(module: ModuleOp) -> func.FuncOp:
    (main,) = [op for op in module.body.block.ops if isinstance(op, func.FuncOp) and op.sym_name.data == "main"]
    return main


def is_lowered(module: ModuleOp) -> bool:
    """Are kernels functions of addresses?"""
    return sum(isinstance(op, func.FuncOp) for op in module.body.block.ops) > 1


def passes_behind(name: str, seed: int) -> Sequence[ModulePass]:
    """Those of wasm from one on."""
    passes = passes_for("wasm", seed)
    return passes[[p.name for p in passes].index(name) :]


def layouts_of(module: ModuleOp) -> tuple[list[AxisLayout], list[AxisLayout]]:
    types = main_of(module).function_type
    return [layout_of(type) for type in types.inputs], [layout_of(type) for type in types.outputs]


def stored(array: Array, layout: AxisLayout) -> Array:
    """The array as it is stored; what is padding must not matter."""
    assert layout.block is None
    padding = np.nan if array.dtype.kind == "f" else 77
    found = np.full(layout.stored_shape(array.shape), padding).astype(array.dtype)
    found[tuple(slice(0, array.shape[axis]) for axis in layout.order)] = array.transpose(layout.order)
    return found


def logical(array: Array, layout: AxisLayout, like: Array) -> Array:
    """The tensor that is stored, of the type that it had before elements were narrowed."""
    inverse = [layout.order.index(axis) for axis in range(layout.rank)]
    whole = array.reshape(layout.stored_shape(like.shape)).astype(like.dtype)
    return whole[tuple(slice(0, like.shape[axis]) for axis in layout.order)].transpose(inverse)


def difference(found: Array, wanted: Array, close: float, value: Value | None) -> str:
    """What is wrong with an output. One without elements may get some, which the runner leaves out."""
    if not wanted.size:
        return ""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"found {found.dtype}{list(found.shape)}, expected {wanted.dtype}{list(wanted.shape)}"
    if found.dtype.name not in FLOATS:
        wrong = int((found != wanted).sum())
        return f"{wrong} of {found.size} {found.dtype} differ" if wrong else ""
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    largest = np.abs(b[np.isfinite(b)]).max(initial=0)
    allowed = close * (np.abs(b) + largest)
    if value and value.shape == b.shape:
        allowed = allowed + NOISE_SHARE * np.abs(value.array.astype(np.float64) - value.near.astype(np.float64))
    with np.errstate(all="ignore"):
        right = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= allowed)
        return "" if right.all() else f"largest error {np.nanmax(np.abs(a - b)):.3g} of {largest:.3g}"


def run_seed(names: frozenset[str], targets: Sequence[str], seed: int) -> list[Outcome]:
    """One graph through the passes of each target; the named ones are compared."""
    graph = drawn(seed, MOST_NODES, MOTIFS)
    try:
        module = imported(graph.model, graph.inputs)
    except DiagnosticError as error:
        return [Outcome(seed, "all", "import", True, "refused", error.problems[0].what)]
    inputs = with_constants(module, [graph.inputs[name] for name in argument_names(module)], seed)
    found: list[Outcome] = []
    for target in targets:
        found += Walk(seed, target, module.clone(), inputs, graph.outputs, names).run()
    return found


def with_constants(module: ModuleOp, inputs: Sequence[Array], seed: int) -> list[Array]:
    """Make every third input of every third graph a constant, as the importer has folded all that were; the others."""
    main = main_of(module)
    first, left = main.body.block.first_op, list[Array]()
    assert first is not None
    for i, (argument, array) in reversed([*enumerate(zip(main.body.block.args, inputs, strict=True))]):
        if seed % 3 or i % 3:
            left.insert(0, array)
            continue
        constant = constant_of(as_array(array))
        main.body.block.insert_op_before(constant, first)
        argument.replace_all_uses_with(constant.output)
        main.body.block.erase_arg(argument)
        if main.arg_attrs:
            main.arg_attrs = ArrayAttr([a for j, a in enumerate(main.arg_attrs) if j != i])
    main.function_type = FunctionType.from_lists(main.body.block.arg_types, [*main.function_type.outputs])
    return left


def summary(outcomes: Sequence[Outcome]) -> str:
    """For each pass how many graphs it saw and changed, how many were refused and wrong; then what was wrong."""
    lines = ["pass                              graphs  changed  refused  wrong"]
    for name in dict.fromkeys(o.name for o in outcomes):
        own = [o for o in outcomes if o.name == name]
        counts = Counter(o.status for o in own)
        changed = sum(o.changed and o.status != "refused" for o in own)
        lines.append(f"{name:33} {len(own):6} {changed:8} {counts['refused']:8} {counts['wrong']:6}")
    bad = [o for o in outcomes if o.status == "wrong"]
    lines += [f"wrong: seed {o.seed} {o.target} {o.name}: {o.reason}" for o in bad]
    reasons = Counter((o.name, o.reason) for o in outcomes if o.status == "refused")
    lines += [f"refused {count}: {name}: {reason}" for (name, reason), count in reasons.most_common(12)]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="random graphs through every pass alone")
    parser.add_argument("--pass", dest="names", action="append", choices=sorted(all_passes()), default=[])
    parser.add_argument("--target", action="append", choices=list(PIPELINES), default=[])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    names, targets = frozenset(options.names or all_passes()), options.target or list(PIPELINES)
    seeds = range(options.seed, options.seed + options.count)
    with Pool(options.workers) as pool:
        found = [o for own in pool.imap(partial(run_seed, names, targets), seeds, chunksize=4) for o in own]
    print(summary(found))
    return int(any(o.status == "wrong" for o in found))


if __name__ == "__main__":
    sys.exit(main())
