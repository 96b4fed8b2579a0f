"""`webdnn bench` in a browser, without peers and with peers that are not what they should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from helpers.small_models import perceptron, write_model
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.bench import measure
from webdnn.tools.bench.results import Results, read_results
from webdnn.tools.compiler import compile_model
from webdnn.tools.webdnn import main

Capture = pytest.CaptureFixture[str]

ORT = """
export const env = { wasm: {}, versions: { web: "0.0.1" } };
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
  async getData() { return this.data; }
  dispose() {}
}
export const InferenceSession = { create: async (model) => ({ run: RUN, release() {} }) };
"""
"""A stand-in for the package of a peer."""

ZEROS = 'async () => ({ y: new Tensor("float32", new Float32Array(6), [2, 3]) })'
BROKEN = 'async () => { throw new Error("it has no kernels") }'

OURS_IS_WRONG = """
export const create = async () => ({ run: async () => [new Float32Array(6)], dispose() {} });
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("bench") / "net.onnx", perceptron())


def bench(*words: str | Path) -> int:
    return main(["bench", *map(str, words), "--rounds", "3"])


def packages(directory: Path, run: str) -> Path:
    """A directory in which npm seems to have installed the peer."""
    folder = directory / "node_modules" / "onnxruntime-web"
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "dist" / "ort.wasm.min.mjs").write_text(ORT.replace("RUN", run))
    return directory


def measured(path: Path) -> Results:
    return read_results(path)


def test_every_backend_is_timed_and_compared(model: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "new" / "results.json"
    page = tmp_path / "results.md"
    words = ["--backends", "wasm,js", "--threads", "1,2", "--peers", "none", "--json", out, "--markdown", page]
    assert bench(model, *words) == 0
    captured = capsys.readouterr()
    assert "Milliseconds of one run" in captured.out
    assert "net, wasm, 2 threads: webdnn " in captured.err
    results = measured(out)
    assert [(cell["backend"], cell["threads"]) for cell in results["cells"]] == [("wasm", 1), ("wasm", 2), ("js", 1)]
    for cell in results["cells"]:
        (engine,) = cell["engines"]
        assert len(engine["times"]) == 3
        assert engine["within"]
        assert engine["error"] is not None
        assert engine["error"] < 1e-5
        assert engine["download"] > engine["code"] > 1000
        assert engine["load"] > 0
        assert engine["first"] > 0
    (sizes,) = results["models"]
    assert sizes["memory"] % 65536 == 0
    assert sizes["memory"] == results["cells"][0]["engines"][0]["memory"]
    assert 0 < sizes["weights"] < sizes["memory"]
    assert page.read_text().startswith("# Results\n")
    again = tmp_path / "again.md"
    assert main(["bench", str(out), "--markdown", str(again)]) == 0
    assert again.read_text() == page.read_text()


def test_kernels_are_profiled_and_traced(model: Path, tmp_path: Path, capsys: Capture) -> None:
    out, trace = tmp_path / "results.json", tmp_path / "trace.json"
    words = ["--peers", "none", "--features", "simd", "--profile", "--json", out, "--trace", trace]
    assert bench(model, *words) == 0
    (profile,) = measured(out)["profiles"]
    assert profile["module"] == "simd"
    assert profile["within"]
    assert profile["peak"] > 1e8
    assert sum(kernel["flops"] for kernel in profile["kernels"]) >= 2 * (2 * 8 * 4 + 2 * 3 * 8)
    assert [launch["nodes"] for launch in profile["launches"]][-1] == "first, relu, second"
    assert all(launch["time"] >= 0 for launch in profile["launches"])
    events = json.loads(trace.read_text())["traceEvents"]
    assert len(events) == 1 + len(profile["launches"])
    assert "Kernels of net on wasm (simd), 1 thread" in capsys.readouterr().out


def test_a_wrong_result_of_ours_is_reported(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(measure.PAGES, pages)
    (pages / "webdnn.js").write_text(OURS_IS_WRONG)
    monkeypatch.setattr(measure, "PAGES", pages)
    assert bench(model, "--peers", "none") == 1
    assert "net, wasm, 1 thread: WRONG RESULT of webdnn: largest error" in capsys.readouterr().out


def test_a_wrong_result_of_a_peer_is_reported(model: Path, tmp_path: Path, capsys: Capture) -> None:
    words = ["--peers", "onnxruntime-web", "--peer-packages", packages(tmp_path, ZEROS)]
    assert bench(model, *words, "--json", tmp_path / "a.json") == 1
    assert "net, wasm, 1 thread: WRONG RESULT of onnxruntime-web: largest error" in capsys.readouterr().out
    (cell,) = measured(tmp_path / "a.json")["cells"]
    assert [(engine["name"], engine["within"]) for engine in cell["engines"]] == [
        ("webdnn", True),
        ("onnxruntime-web", False),
    ]
    assert cell["engines"][1]["version"] == "0.0.1"


def test_a_peer_that_fails_is_no_error_of_the_bench(model: Path, tmp_path: Path, capsys: Capture) -> None:
    words = ["--peers", "onnxruntime-web", "--peer-packages", packages(tmp_path, BROKEN)]
    assert bench(model, *words) == 0
    assert "net, wasm, 1 thread: onnxruntime-web failed: it has no kernels" in capsys.readouterr().out


def test_peers_get_the_model_that_a_link_leads_to(model: Path, tmp_path: Path, capsys: Capture) -> None:
    (link := tmp_path / "latest.onnx").symlink_to(model)
    words = ["--peers", "onnxruntime-web", "--peer-packages", packages(tmp_path, BROKEN)]
    assert bench(link, *words) == 0
    assert "latest, wasm, 1 thread: onnxruntime-web failed: it has no kernels" in capsys.readouterr().out


def test_a_bundle_runs_unchecked_and_without_peers(model: Path, tmp_path: Path, capsys: Capture) -> None:
    manifest, files, _ = compile_model(model, ["wasm"])
    write_bundle(tmp_path / "bundle", manifest, files)
    words = ["--peers", "onnxruntime-web", "--peer-packages", packages(tmp_path, ZEROS)]
    assert bench(tmp_path / "bundle", *words, "--json", tmp_path / "a.json") == 0
    (cell,) = measured(tmp_path / "a.json")["cells"]
    assert [(engine["name"], engine["error"]) for engine in cell["engines"]] == [("webdnn", None)]
    capsys.readouterr()
    assert bench(tmp_path / "bundle", "--peers", "none", "--profile") == 1
    assert "a bundle cannot be profiled" in capsys.readouterr().err


def test_a_refused_model_does_not_stop_the_others(model: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.copy(model, tmp_path / "b.onnx")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    assert bench(tmp_path, "--peers", "none", "--json", tmp_path / "a.json") == 1
    results = measured(tmp_path / "a.json")
    assert [(found["name"], bool(found["refusal"])) for found in results["models"]] == [("a", True), ("b", False)]
    assert [cell["model"] for cell in results["cells"]] == ["b"]
    assert "a: refused: " in capsys.readouterr().out
