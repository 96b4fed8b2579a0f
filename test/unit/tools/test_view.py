"""What a view holds: the program at every level, what passes did to it, its memory and its kernels."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, helper
from xdsl.dialects import func

from helpers.small_models import make_model, perceptron, write_model
from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.targets.bundle.write import write_bundle
from webdnn.targets.pipelines import GRAPH, PIPELINES
from webdnn.tools.backends import BACKENDS
from webdnn.tools.changes import parse_changes
from webdnn.tools.compiler import Compiler, compile_model
from webdnn.tools.context import new_context
from webdnn.tools.view.bundle import view_of_bundle
from webdnn.tools.view.graphs import LEVELS, Node, Step
from webdnn.tools.view.model import View, view_of_model
from webdnn.tools.view.page import MODULES, PAGES, html, script
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]


def network() -> ModelProto:
    """A branch that is concatenated, and a batch norm to fold."""
    random = np.random.default_rng(0)
    weights = {
        "w": random.standard_normal((8, 4, 3, 3)).astype(np.float32),
        **{name: np.abs(random.standard_normal(8)).astype(np.float32) + 1 for name in ("s", "b", "m", "v")},
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], "norm"),
        helper.make_node("Relu", ["n"], ["r"], "relu"),
        helper.make_node("Concat", ["r", "n"], ["y"], "join", axis=1),
    ]
    return make_model(nodes, {"x": [1, 4, 12, 12]}, {"y": None}, weights)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("view") / "network.onnx", network())


@pytest.fixture(scope="module")
def view(model: Path) -> View:
    return view_of_model(model, "wasm", {}, {})


def level(view: View, name: str) -> list[Node]:
    """The nodes at the end of a level, without inputs and outputs."""
    step = [step for step in view["steps"] if step["level"] == name][-1]
    nodes = [view["nodes"][place] for place in step["nodes"]]
    return [node for node in nodes if node["name"] not in ("input", "output")]


def step(view: View, name: str) -> Step:
    return next(step for step in view["steps"] if step["name"].partition("{")[0] == name)


def test_levels_hold_the_operations_of_the_ir(model: Path, view: View) -> None:
    module, compiler = import_onnx(model), Compiler(new_context())
    operators = [op for op in module.walk() if isinstance(op, DnnOp) and not isinstance(op, ConstantOp)]
    assert [node["name"] for node in level(view, "imported")] == [op.name for op in operators]
    compiler.run("graph", module, GRAPH)
    operators = [op for op in module.walk() if isinstance(op, DnnOp) and not isinstance(op, ConstantOp)]
    assert [node["name"] for node in level(view, "dnn")] == [op.name for op in operators]
    passes = PIPELINES["wasm"].passes()
    cut = next(i for i, text in enumerate(passes) if text.startswith("kernel-assign-buffers"))
    compiler.run("wasm", module, passes[:cut])
    computes = [op for op in module.walk() if isinstance(op, ComputeOp)]
    assert sum(node["name"] == "kernel.compute" for node in level(view, "kernel")) == len(computes)
    compiler.run("wasm", module, passes[cut:])
    (main_function,) = [op for op in module.body.block.ops if isinstance(op, func.FuncOp)]
    calls = [op for op in main_function.walk() if op.name == "kernel.call"]
    assert len(level(view, "calls")) == len(calls)
    assert {name for name, _ in view["levels"]} == set(LEVELS)


def test_a_pass_tells_what_it_did_by_origin(view: View) -> None:
    (row,) = step(view, "dnn-aggregate-constants")["rows"]
    nodes = view["nodes"]
    assert set(row["origins"]) == {"conv", "norm"}
    assert [nodes[place]["name"] for place in row["removed"]] == ["dnn.conv", "dnn.batch_norm"]
    assert [nodes[place]["name"] for place in row["added"]] == ["dnn.conv"]
    assert step(view, "dnn-elide-identities")["rows"] == []


def test_a_fused_kernel_keeps_all_of_its_origins(tmp_path: Path) -> None:
    found = view_of_model(write_model(tmp_path / "small.onnx", perceptron()), "wasm", {}, {})
    assert [node["origins"] for node in level(found, "kernel")] == [["first"], ["first", "relu", "second"]]


def test_every_node_reads_from_nodes_before_it(view: View) -> None:
    for found in view["steps"]:
        seen: set[int] = set()
        for place in found["nodes"]:
            node = view["nodes"][place]
            assert set(node["ins"]) <= seen
            seen.add(node["op"])
    joined = next(node for node in level(view, "dnn") if node["name"] == "dnn.concat")
    assert len(joined["ins"]) == 2
    assert (joined["origins"], joined["type"]) == (["join"], "1x16x6x6 f32")


def test_what_nothing_touched_is_held_once(view: View) -> None:
    first, second = view["steps"][0]["nodes"], step(view, "dnn-elide-identities")["nodes"]
    assert first[0] == second[0]
    assert len(view["nodes"]) < sum(len(found["nodes"]) for found in view["steps"]) / 2


def test_buffers_that_are_alive_together_do_not_overlap(view: View) -> None:
    plan = view["plan"]
    assert plan
    assert plan["arena"] >= plan["bound"] > 0
    assert {buffer["kind"] for buffer in plan["buffers"]} >= {"input", "output"}
    for i, a in enumerate(plan["buffers"]):
        assert all(a["first"] <= call <= a["last"] for call in (*a["writers"], *a["readers"]))
        for b in plan["buffers"][:i]:
            together = a["first"] <= b["last"] and b["first"] <= a["last"]
            assert not together or a["at"] + a["bytes"] <= b["at"] or b["at"] + b["bytes"] <= a["at"]
    (first, *_) = plan["buffers"]
    assert (first["name"], first["type"], first["bytes"]) == ("x", "1x4x12x12 f32", 4 * 576)


@pytest.mark.parametrize(
    ("target", "text"), [("wasm", "(func $"), ("webgpu", "@compute"), ("webgl", "#version 300 es"), ("js", "function ")]
)
def test_kernels_have_their_source(model: Path, target: str, text: str) -> None:
    found = view_of_model(model, target, {}, {})
    assert found["kernels"]
    assert all(text in kernel["source"] for kernel in found["kernels"])
    assert all(kernel["ir"].startswith("kernel.func @") for kernel in found["kernels"])
    assert found["plan"]
    calls = [launch["kernel"] for launch in found["plan"]["launches"]]
    assert calls == [name for _, name in sorted((i, k["name"]) for k in found["kernels"] for i in k["calls"])]


def test_kernels_on_wasm_have_schedules(view: View) -> None:
    product = next(kernel for kernel in view["kernels"] if "over 3x3x4" in kernel["shape"])
    assert any("#kernel.schedule<tile" in text for text in product["schedule"])
    assert product["flops"] >= 2 * 8 * 36 * 36


def test_passes_are_left_out(model: Path) -> None:
    found = view_of_model(model, "wasm", {}, {}, parse_changes("-dnn-aggregate-constants"))
    assert all(not step["name"].startswith("dnn-aggregate-constants") for step in found["steps"])
    assert "dnn.batch_norm" in {node["name"] for node in level(found, "dnn")}


def test_the_page_needs_nothing_else(view: View) -> None:
    page = html(view)
    assert set(re.findall(r"https?://[^\s\"'`<]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r'<link(?! rel="icon" href="data:,">)|<img|@import|url\(|\bsrc=', page)
    assert not re.search(r"^(import|export) ", script(), re.MULTILINE)
    assert len(page) < 200_000


def test_all_modules_of_the_page_are_in_its_script() -> None:
    assert {path.name for path in PAGES.glob("*.js")} == set(MODULES)
    defined = re.findall(r"^(?:const|let|class|function|async function) (\w+)", script(), re.MULTILINE)
    assert len(defined) == len(set(defined))


def test_a_bundle_shows_what_its_manifest_tells(tmp_path: Path) -> None:
    manifest, files, _ = compile_model(write_model(tmp_path / "small.onnx", perceptron()))
    write_bundle(tmp_path / "bundle", manifest, files)
    for target in BACKENDS:
        found = view_of_bundle(tmp_path / "bundle", target)
        assert (found["name"], found["target"], found["steps"]) == ("small", target, [])
        assert "need the model" in found["remark"]
        assert bool(found["kernels"]) == (target != "wasm")
        assert all(kernel["source"] for kernel in found["kernels"])
        assert found["plan"]
        assert found["plan"]["buffers"]
    assert view_of_bundle(tmp_path / "bundle", None)["target"] == "wasm"


def test_the_command_writes_a_page(model: Path, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "new" / "page.html"
    assert main(["view", str(model), "-o", str(page), "--target", "js"]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert f"written to {page}" in capsys.readouterr().out


def test_what_cannot_be_viewed_is_refused(model: Path, tmp_path: Path, capsys: Capture) -> None:
    manifest, files, _ = compile_model(model, ["js"])
    write_bundle(tmp_path / "bundle", manifest, files)
    page = ["-o", str(tmp_path / "page.html")]
    for words, what in [
        ([str(tmp_path / "bundle"), "--target", "wasm"], "the bundle has no target 'wasm'"),
        ([str(tmp_path / "bundle"), "--passes=-in-place"], "a bundle is compiled already"),
        ([str(tmp_path / "nowhere.onnx")], "no such file"),
        ([str(tmp_path)], "is not a bundle"),
        ([str(model), "--passes=-kernel-tile"], "has to run"),
    ]:
        assert main(["view", *words, *page]) == 1
        assert what in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
