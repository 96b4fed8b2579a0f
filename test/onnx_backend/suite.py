"""The ONNX backend test suite on our engines: `python test/onnx_backend/suite.py --engine wasmtime [--kind node]`.

The engines `js`, `webgpu`, `webgl2` and `webgl1` run in Chromium, all cases of a worker in one page, each on the
named backend alone; WebGL's shaders go through glslangValidator first. `wgpu` runs webgpu without a browser, and
`wgpu:together` those of its kernels that GPUs run, wherever it runs. Every test ends as passed, refused (a diagnostic
says what we do not take: when it is compiled, or of numbers that a backend does not hold), or wrong (a result beyond
the test's tolerance, or any other error). Values that an operator needs when it is compiled (axes, shapes) come with
these tests as inputs; they are given to the compiler as `--constant` would.
"""

from __future__ import annotations

import argparse
import atexit
import json
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import Pool
from pathlib import Path
from tempfile import TemporaryDirectory

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

sys.path.append(str(Path(__file__).parents[1]))  # where `onnx_backend` lies: a script finds its own folder alone

from onnx_backend.expected import adjusted, difference, stored
from validation.validators import complaints_of_glslang, fragment_shaders
from webdnn.dialects.signature import entries, name_of
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Engine as SessionEngine
from webdnn.runner.python.session import Session
from webdnn.runner.python.wasmtime_engine import Wasmtime
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.manifest import Tensor
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_module, signature
from webdnn.tools.operators import general
from webdnn.tools.reference import Reference

Array = NDArray[np.generic]
Engine = Callable[[ModuleOp, dict[str, Array]], list[Array]]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
BASIC = frozenset("FLOAT INT8 UINT8 INT32 UINT32 INT64 BOOL".split())
"""Element types that every runtime is expected to know"""

NUMBERS_HELD = "this backend holds"
"""What a run says that refuses an input or an output for its numbers"""

ASKS_FOR_CONSTANT = re.compile(r"--constant (\S+?)=")


@dataclass(frozen=True)
class Outcome:
    """How one test ended; `reason` of a refusal or of a wrong result.

    `operators` are those of the model, and `elements` the types of its tensors.
    """

    name: str
    status: str
    reason: str = ""
    basic: bool = True
    operators: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A model and sets of inputs with expected outputs."""

    name: str
    model: ModelProto
    sets: Sequence[tuple[Sequence[object], Sequence[object]]]
    rtol: float
    atol: float

    @property
    def elements(self) -> tuple[str, ...]:
        """The element types of the model's tensors, as ONNX names them."""
        graph = self.model.graph
        values = [*graph.input, *graph.output, *graph.value_info]
        names = {onnx.TensorProto.DataType.Name(v.type.tensor_type.elem_type) for v in values}
        return tuple(sorted(names - {"UNDEFINED"}))

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators that the model's graph names."""
        return tuple(sorted({node.op_type for node in self.model.graph.node}))

    @property
    def basic(self) -> bool:
        """Does the model use no element types but the basic ones?"""
        graph = self.model.graph
        values = [*graph.input, *graph.output, *graph.value_info]
        plain = all(v.type.WhichOneof("value") == "tensor_type" for v in values)
        return plain and set(self.elements) <= BASIC


@cache
def tests_of(kind: str) -> Sequence[TestCase]:
    """The suite's tests of a kind, which take seconds to make."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from numpy, inside the suite's own reference computations
        return load_model_tests(kind=kind)


def cases(kind: str, pattern: str = "") -> Iterator[Case]:
    """The suite's tests of a kind whose names match, with their data."""
    for test in tests_of(kind):
        if re.search(pattern, test.name):
            yield from_test(test)


def from_test(test: TestCase) -> Case:
    if test.model is not None and test.data_sets is not None:
        return Case(test.name, test.model, test.data_sets, test.rtol, test.atol)
    assert test.model_dir is not None
    directory = Path(test.model_dir)
    model = ModelProto.FromString((directory / "model.onnx").read_bytes())
    sets = [read_set(d, model) for d in sorted(directory.glob("test_data_set_*"))]
    return Case(test.name, model, sets, test.rtol, test.atol)


def read_set(directory: Path, model: ModelProto) -> tuple[list[object], list[object]]:
    """Inputs and outputs that lie as `input_0.pb`, `output_0.pb` … in a directory."""

    def read(stem: str) -> list[object]:
        found: list[object] = []
        for i in range(len(list(directory.glob(f"{stem}_*.pb")))):
            tensor = onnx.TensorProto()
            tensor.ParseFromString((directory / f"{stem}_{i}.pb").read_bytes())
            found.append(numpy_helper.to_array(tensor))
        return found

    return read("input"), read("output")


def imported(model: ModelProto, inputs: dict[str, Array]) -> ModuleOp:
    """The model, with those inputs as constants that it asks for one after another."""
    constants: dict[str, Array] = {}
    while True:
        try:
            return import_onnx(model, dims=open_extents(model, inputs, constants), constants=constants)
        except DiagnosticError as error:
            asked = {n for n in ASKS_FOR_CONSTANT.findall(str(error)) if n in inputs and n not in constants}
            if not asked:
                raise
            constants |= {n: inputs[n] for n in asked}


def open_extents(model: ModelProto, inputs: Mapping[str, Array], constants: Mapping[str, Array]) -> dict[str, int]:
    """The dimensions that the model leaves open, as the inputs have them; an extent of 0 counts as open."""
    dims: dict[str, int] = {}
    for value in model.graph.input:
        if value.name in inputs and value.name not in constants:
            extents = zip(value.type.tensor_type.shape.dim, inputs[value.name].shape, strict=False)
            for axis, (dim, extent) in enumerate(extents):
                if not dim.dim_value:
                    dims[dim.dim_param or f"{value.name}.{axis}"] = extent
    return dims


def argument_names(module: ModuleOp) -> list[str]:
    """The names of the inputs that are left for run time."""
    (main,) = [op for op in module.body.block.ops if isinstance(op, FuncOp)]
    count = len(main.body.block.args)
    return [name_of(a, f"input{i}") for i, a in enumerate(entries(main.arg_attrs, count))]


def run_reference(module: ModuleOp, inputs: dict[str, Array]) -> list[Array]:
    results = Reference(module).run({name: raw(inputs[name]) for name in argument_names(module)})
    return own_outputs(results, signature(module)[1])


@cache
def chromium(backend: str) -> Chromium:
    """A backend in the one browser of this process."""
    return Chromium(backend, browser())


@cache
def browser() -> Browser:
    opened = Browser()
    atexit.register(opened.close)
    return opened


def run_bundle(
    module: ModuleOp,
    inputs: dict[str, Array],
    *,
    target: str,
    engine: Callable[[], SessionEngine],
    backend: str = "",
    shaders: int = 0,
) -> list[Array]:
    """Compile for one target, and run the bundle; glslangValidator must take its shaders of that version of GLSL ES.

    Raises DiagnosticError where it does not run on the backend.
    """
    names = argument_names(module)
    with TemporaryDirectory() as directory:
        bundle = Path(directory) / "bundle"
        manifest, files, summary = compile_module(module, [target], name="test")
        if backend in summary.left_out:
            raise summary.left_out[backend]
        if shaders and (section := manifest.backends.webgl):
            texts = fragment_shaders(section, files).get(shaders, [])
            assert not (complaints := complaints_of_glslang(texts, shaders)), complaints
        written = write_bundle(bundle, manifest, files)
        with Session(bundle, engine=engine()) as session:
            results = session.run({name: raw(inputs[name]) for name in names})
        return own_outputs(results, written.outputs)


def raw(array: Array) -> Array:
    """Sessions take bfloat16 as its bits."""
    return array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array


def own_outputs(results: Mapping[str, Array], tensors: Sequence[Tensor]) -> list[Array]:
    """The outputs that the model has, without those that count elements of others; bfloat16 of its bits."""
    counting = {count.output for tensor in tensors for count in tensor.counts or ()}
    own = [tensor for i, tensor in enumerate(tensors) if i not in counting]
    return [results[t.name].view(ml_dtypes.bfloat16) if t.type == "bf16" else results[t.name] for t in own]


ENGINES: dict[str, Engine] = {
    "reference": run_reference,
    "wasmtime": partial(run_bundle, target="wasm", engine=partial(Wasmtime, relaxed_simd=False)),
    "js": partial(run_bundle, target="js", engine=partial(chromium, "js")),
    "webgpu": partial(run_bundle, target="webgpu", engine=partial(chromium, "webgpu")),
    "wgpu": partial(run_bundle, target="webgpu", engine=Wgpu),
    "wgpu:together": partial(run_bundle, target="webgpu", engine=partial(Wgpu, "together")),
    "wgpu:subgroups": partial(run_bundle, target="webgpu", engine=partial(Wgpu, "subgroups")),
    "webgl2": partial(run_bundle, target="webgl", engine=partial(chromium, "webgl2"), shaders=300),
    "webgl1": partial(run_bundle, target="webgl", engine=partial(chromium, "webgl1"), backend="webgl1", shaders=100),
}


def run_case(engine: str, case: Case) -> Outcome:
    """One test on one engine."""
    outcome = partial(Outcome, case.name, basic=case.basic, operators=case.operators, elements=case.elements)
    try:
        for given, expected in case.sets:
            if not all(isinstance(v, np.ndarray | np.generic | onnx.TensorProto) for v in (*given, *expected)):
                return outcome("refused", "sequences and optional values")
            names = [v.name for v in case.model.graph.input if v.name]
            inputs = {n: stored(v) for n, v in zip(names, given, strict=False)}
            results = ENGINES[engine](imported(case.model, inputs), inputs)
            for found, value in zip(results, adjusted(case.name, given, expected, results), strict=True):
                if problem := difference(np.asarray(found), value, case.rtol, case.atol):
                    return outcome("wrong", problem)
    except DiagnosticError as error:
        return outcome("refused", " / ".join(p.what for p in error.problems))
    except SessionError as error:
        return outcome("refused" if NUMBERS_HELD in str(error) else "wrong", str(error).splitlines()[0])
    except Exception as error:  # whatever else happens is our mistake, and must not stop the suite
        return outcome("wrong", f"{type(error).__name__}: {error}".splitlines()[0][:200])
    return outcome("passed")


def run_suite(engine: str, kinds: Sequence[str], pattern: str = "", workers: int = 2) -> list[Outcome]:
    """Every test of these kinds whose name matches."""
    chosen = [case for kind in kinds for case in cases(kind, pattern)]
    if workers == 1:
        return [run_case(engine, case) for case in chosen]
    with Pool(workers) as pool:
        return list(pool.imap(partial(run_case, engine), chosen, chunksize=8))


def summary(outcomes: Sequence[Outcome]) -> str:
    """The counts, in all and on basic element types, and the reasons of refusals grouped."""
    lines: list[str] = []
    for title, group in (("all", outcomes), ("basic types", [o for o in outcomes if o.basic])):
        counts = Counter(o.status for o in group)
        share = 100 * counts["passed"] / max(1, len(group))
        lines.append(
            f"{title}: {len(group)} tests, {counts['passed']} passed ({share:.1f} %), "
            f"{counts['refused']} refused, {counts['wrong']} wrong"
        )
    reasons = Counter(general(o.reason)[:110] for o in outcomes if o.status == "refused")
    lines += [f"  {count:5} refused: {reason}" for reason, count in reasons.most_common()]
    lines += [f"  wrong: {o.name}: {o.reason}" for o in outcomes if o.status == "wrong"]
    return "\n".join(lines)


def as_json(engine: str, outcomes: Sequence[Outcome]) -> str:
    """An engine's outcomes, a line for each test."""
    keys = ("name", "status", "reason", "operators", "elements")
    rows = [json.dumps({key: value for key in keys if (value := getattr(o, key))}) for o in outcomes]
    head = json.dumps({"format": "webdnn-onnx-outcomes", "engine": engine, "onnx": onnx.__version__})
    return f'{head[:-1]}, "outcomes": [\n' + ",\n".join(rows) + "\n]}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="run the ONNX backend test suite")
    parser.add_argument("--engine", choices=list(ENGINES), default="reference")
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--match", default="", help="a regular expression that the tests' names contain")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes for `webdnn.tools.operators`")
    options = parser.parse_args()
    outcomes = run_suite(options.engine, options.kind or ["node"], options.match, options.workers)
    print(summary(outcomes))
    if options.json:
        options.json.write_text(as_json(options.engine, outcomes), encoding="utf-8")
    return int(any(o.status == "wrong" for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
