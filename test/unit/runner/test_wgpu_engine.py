"""The engine of wgpu on hand-written bundles, and what it says where something is missing."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from browser.tiny_bundles import RELU_WGSL, VARIANTS_WGSL, B, W, relu_meaning, write_integers, write_relu
from helpers.small_models import perceptron, write_model
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.launches import unrolled
from webdnn.runner.python.manifest import Counter, Dispatch, Repeat, Tensor
from webdnn.runner.python.session import Session
from webdnn.runner.python.storage import Storage, from_storage, to_storage
from webdnn.runner.python.tensors import Array
from webdnn.runner.python.wgpu_device import adapter, device_with
from webdnn.runner.python.wgpu_engine import Wgpu
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model
from webdnn.tools.webdnn import main

X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)


@pytest.mark.parametrize("engine", ["wgpu", "wgpu:alone", "wgpu:together", "wgpu:subgroups"])
def test_runs_are_independent(engine: str, tmp_path: Path) -> None:
    bundle = write_relu(tmp_path / "b")
    with Session(bundle, engine) as session, Session(bundle, engine) as other:
        assert session.backend == "webgpu"
        for x in (X, -X):
            np.testing.assert_array_equal(session.run({"x": x})["y"], relu_meaning(x))
        np.testing.assert_array_equal(other.run({"x": X})["y"], relu_meaning(X))


def test_integers_and_halves(tmp_path: Path) -> None:
    h = np.array([1.5, -65504, 6e-8], np.float16)
    given: dict[str, Array] = {"a": np.array([5, -7, 2**31 - 2]), "m": np.array([True, False, True]), "h": h}
    with Session(write_integers(tmp_path / "b"), "wgpu") as session:
        outputs = session.run(given)
        with pytest.raises(SessionError, match="element 1 of input 'a' is -2147483649, and this backend holds"):
            session.run({**given, "a": np.array([0, -(2**31) - 1, 0])})
    np.testing.assert_array_equal(outputs["s"], [6, 7, 2**31 - 1])
    assert outputs["s"].dtype == np.int64
    np.testing.assert_array_equal(outputs["g"], h)
    assert outputs["g"].dtype == np.float16


def test_a_model_is_compared_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_model(tmp_path / "model.onnx", perceptron())
    manifest, files, _ = compile_model(model, ["webgpu"])
    write_bundle(tmp_path / "bundle", manifest, files)
    words = ["run", str(tmp_path / "bundle"), "--backend", "webgpu", "--engine", "wgpu", "--compare", str(model)]
    assert main(words) == 0
    assert "y: largest error " in capsys.readouterr().out


def with_section(bundle: Path, **changes: object) -> Path:
    """The bundle, of which the manifest says something else of WebGPU."""
    manifest = json.loads((bundle / "model.json").read_text())
    manifest["backends"]["webgpu"] |= changes
    (bundle / "model.json").write_text(json.dumps(manifest))
    return bundle


def test_features_are_asked_for(tmp_path: Path) -> None:
    halves = [f"enable f16;\n{RELU_WGSL[0].replace('max(x[i.x], 0.0)', 'f32(max(f16(x[i.x]), 0.0h))')}", RELU_WGSL[1]]
    bundle = write_relu(tmp_path / "b", replaced={"wgsl.json": json.dumps(halves).encode()})
    with pytest.raises(SessionError, match=r"kernel 'relu' did not compile: .*f16"):
        Session(bundle, "wgpu")
    with Session(with_section(bundle, features=["shader-f16"]), "wgpu") as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], relu_meaning(X))
    with pytest.raises(SessionError, match="the adapter lacks abacus"):
        Session(with_section(bundle, features=["abacus"]), "wgpu")


@pytest.mark.parametrize(("feature", "launched"), [("subgroups", True), ("abacus", False)])
def test_a_variant_is_launched_where_the_adapter_has_what_it_needs(
    feature: str, launched: bool, tmp_path: Path
) -> None:
    """It adds one, by an operation that needs the feature; naga would refuse what browsers want to read first."""
    text = VARIANTS_WGSL[3].replace("max(x[i.x], 0.0)", "max(x[i.x], 0.0) + subgroupMin(1.0)")
    replaced = {"wgsl.json": json.dumps([*VARIANTS_WGSL[:3], f"enable subgroups;\n{text}"]).encode()}
    bundle = write_relu(tmp_path / "b", variants=True, feature=feature, replaced=replaced)
    with Session(bundle, Wgpu("tiles32")) as session:
        found = session.run({"x": X})["y"]
    np.testing.assert_array_equal(found, (np.maximum(X, np.float32(0)) + launched) * W + B)
    with Session(bundle, "wgpu:together") as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], relu_meaning(X))


def test_limits_are_those_of_every_browser_and_what_the_bundle_asks_for(tmp_path: Path) -> None:
    large = [RELU_WGSL[0].replace("@workgroup_size(2)", "@workgroup_size(512)"), RELU_WGSL[1]]
    replaced = {"wgsl.json": json.dumps(large).encode()}
    with pytest.raises(SessionError, match=r"kernel 'relu' did not compile: .*512"):
        Session(write_relu(tmp_path / "b", replaced=replaced), "wgpu")
    names = ("maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX")
    asking = write_relu(tmp_path / "asking", replaced=replaced, limits=dict.fromkeys(names, 512))
    with Session(asking, "wgpu") as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], relu_meaning(X))
    assert device_with() is device_with({"maxStorageBuffersPerShaderStage": 4})


@pytest.mark.parametrize(
    ("key", "value"), [("arenaBytes", 16), ("outputs", [{"offset": 272, "size": 24, "storage": "f32"}])]
)
def test_ranges_outside_of_buffers_are_errors(key: str, value: object, tmp_path: Path) -> None:
    bundle = with_section(write_relu(tmp_path / "b"), **{key: value})
    with pytest.raises(SessionError, match=r"cannot be loaded: |wgpu failed: Invalid data_length"):
        Session(bundle, "wgpu").run({"x": X})
    with Session(write_relu(tmp_path / "other"), "wgpu") as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], relu_meaning(X))


@pytest.mark.parametrize(
    ("name", "value"), [("maxBufferSize", 2**50), ("minStorageBufferOffsetAlignment", 1), ("maxAbacuses", 1)]
)
def test_limits_that_the_adapter_lacks_are_named(name: str, value: int, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=f"the bundle needs {name} {value}, and the adapter has"):
        Session(write_relu(tmp_path / "b", limits={name: value}), "wgpu")


def test_other_bundles_and_engines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="not compiled for webgpu"):
        Session(write_relu(tmp_path / "b", leave_out=("webgpu",)), "wgpu")
    with pytest.raises(SessionError, match="no engine 'wgpu:gl'"):
        Session(write_relu(tmp_path / "c"), "wgpu:gl")


@pytest.fixture
def as_if_new() -> Iterator[None]:
    """Nothing has been asked for yet, and nothing of it is kept."""
    adapter.cache_clear()
    yield
    adapter.cache_clear()


def fails(**_: object) -> object:
    raise RuntimeError("Request adapter failed\n\n  no drivers")


def opengl(**_: object) -> object:
    return SimpleNamespace(info={"backend_type": "OpenGL"})


@pytest.mark.usefixtures("as_if_new")
@pytest.mark.parametrize(
    ("request_adapter", "message", "hint"),
    [
        (None, "the engine wgpu is not installed", "pip install 'webdnn-mlir[gpu]'"),
        (fails, "wgpu finds no adapter: Request adapter failed no drivers", "mesa-vulkan-drivers"),
        (opengl, "no adapter but one of OpenGL", "mesa-vulkan-drivers"),
    ],
)
def test_what_is_missing_is_named_with_what_to_install(
    request_adapter: Callable[..., object] | None,
    message: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wgpu = request_adapter and SimpleNamespace(gpu=SimpleNamespace(request_adapter_sync=request_adapter))
    monkeypatch.setitem(sys.modules, "wgpu", wgpu)
    with pytest.raises(SessionError, match=message) as caught:
        Session(write_relu(tmp_path / "b"), "wgpu")
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_launches_of_loops_are_made_again() -> None:
    def launch(offset: int, *factors: int) -> Dispatch:
        counters: list[Counter] = [{"offset": offset, "factors": list(factors)}]
        return {"pipeline": 0, "groups": (1, 1, 1), "bindings": [], "counters": counters}

    launches = [launch(7), launch(0, 10), launch(1, 10, 1), launch(2, 10), launch(8)]
    loops: list[Repeat] = [{"first": 1, "count": 3, "trips": 2}, {"first": 2, "count": 1, "trips": 3}]
    made = [(place, *numbers) for place, numbers in unrolled(launches, loops)]
    once = [(1, 0), (2, 1), (2, 2), (2, 3), (3, 2)]
    assert made == [(0, 7), *once, *((place, 10 + number) for place, number in once), (4, 8)]


STORED: list[tuple[Tensor, Storage, Array, list[float]]] = [
    ({"name": "a", "type": "f64", "shape": [3]}, "f32", np.array([1.5, -2, 1e300]), [1.5, -2, np.inf]),
    ({"name": "a", "type": "f16", "shape": [2]}, "f32", np.array([0.5, np.inf], np.float16), [0.5, np.inf]),
    ({"name": "a", "type": "bf16", "shape": [2]}, "f32", np.array([0x3FC0, 0xC000], np.uint16), [1.5, -2]),
    ({"name": "a", "type": "i8", "shape": [2]}, "i32", np.array([-128, 127], np.int8), [-128, 127]),
    ({"name": "a", "type": "u32", "shape": [1]}, "u32", np.array([2**32 - 1], np.uint32), [2**32 - 1]),
    ({"name": "a", "type": "bool", "shape": [2]}, "u32", np.array([True, False]), [1, 0]),
]


@pytest.mark.parametrize(("tensor", "storage", "array", "stored"), STORED)
def test_elements_have_four_bytes_on_a_gpu(tensor: Tensor, storage: Storage, array: Array, stored: list[float]) -> None:
    found = to_storage(tensor, array, storage)
    assert found.itemsize == 4
    np.testing.assert_array_equal(found, stored)
    back = from_storage(tensor, found)
    assert back.dtype == array.dtype
    finite = np.isfinite(stored)
    np.testing.assert_array_equal(back[finite], array[finite])


def test_results_are_rounded_to_the_type_of_an_output() -> None:
    between = np.array([1 + 2**-8, 1 + 3 * 2**-8, np.nan], "<f4")
    bits = from_storage({"name": "y", "type": "bf16", "shape": [3]}, between)
    np.testing.assert_array_equal(bits, [0x3F80, 0x3F82, 0x7FC0])
    half = from_storage({"name": "y", "type": "f16", "shape": [2]}, np.array([1e6, 0.1], "<f4"))
    np.testing.assert_array_equal(half, np.array([np.inf, 0.1], np.float16))
    with pytest.raises(SessionError, match=r"element 0 of output 'y' is 16777216.0, and this backend holds"):
        from_storage({"name": "y", "type": "i32", "shape": [1]}, np.array([2**24], "<f4"))
