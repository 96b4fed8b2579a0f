"""Which peers there are, what they need, and what is said where it is missing."""

from pathlib import Path

import pytest

from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.bench.peers import PACKAGES_VARIABLE, PEERS, check_packages, default_packages, peers_named


def test_peers_are_named_with_commas() -> None:
    assert list(peers_named("tfjs,onnxruntime-web")) == ["tfjs", "onnxruntime-web"]
    assert peers_named("none") == {}
    with pytest.raises(DiagnosticError, match="no peer 'torch'") as caught:
        peers_named("tfjs,torch")
    assert caught.value.hint == "name some of onnxruntime-web,tfjs, or none"


def test_missing_packages_are_named_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    known = tmp_path / "node_modules" / "onnxruntime-web"
    known.mkdir(parents=True)
    (known / "package.json").write_text("{}")
    with pytest.raises(DiagnosticError) as caught:
        check_packages(PEERS, ["wasm", "js"], tmp_path)
    assert caught.value.what == "npm packages are missing: @tensorflow/tfjs, @tensorflow/tfjs-backend-wasm"
    assert caught.value.hint.startswith(f"npm install --prefix {tmp_path} onnxruntime-web@")
    assert "@tensorflow/tfjs-backend-webgpu" not in caught.value.hint
    ort = {"onnxruntime-web": PEERS["onnxruntime-web"]}
    assert check_packages(ort, ["wasm"], tmp_path) == tmp_path / "node_modules"
    assert check_packages({}, ["wasm"], tmp_path / "nowhere")


def test_a_tape_is_needed_by_some(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    assert PEERS["onnxruntime-web"].offers("wasm", model)
    assert not PEERS["onnxruntime-web"].offers("js", model)
    assert not PEERS["tfjs"].offers("js", model)
    (tmp_path / "net.tape.json").touch()
    assert PEERS["tfjs"].offers("js", model)
    assert not PEERS["tfjs"].offers("js", None)


def test_the_environment_names_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(PACKAGES_VARIABLE, raising=False)
    assert default_packages() == tmp_path / "webdnn" / "peers"
    monkeypatch.setenv(PACKAGES_VARIABLE, "/somewhere")
    assert default_packages() == Path("/somewhere")
