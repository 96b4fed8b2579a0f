"""Images and GPU buffers as inputs of the browser runner, and outputs that stay on the GPU, in Chromium."""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from playwright.sync_api import Page

from browser.tiny_bundles import relu_meaning
from helpers.small_models import make_model, write_model
from webdnn.dialects.signature import Sizes
from webdnn.runner.python.chromium import Browser
from webdnn.support.device import Limits
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model

BACKENDS = ("webgpu", "webgl2", "webgl1", "wasm", "js")
WIDTH, HEIGHT = 7, 5
PIXELS = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
PIXELS[..., 3] = 255
BYTES: list[int] = PIXELS.reshape(-1).tolist()

Told = dict[str, str]


class Answer(TypedDict):
    """What the functions of pages/images.js answer, each some of it."""

    results: dict[str, list[float]]
    values: list[list[float]]
    before: dict[str, int]
    after: dict[str, int]
    alive: dict[str, int]
    left: dict[str, int]
    calls: dict[str, int]
    error: Told
    errors: list[Told]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def negated(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> "Negated":
    return Negated(browser, tmp_path_factory.mktemp("negated"))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A file of red, green, blue and alpha."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    parts = b""
    for name, data in chunks.items():
        parts += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + parts


class Negated:
    """Bundles of y = -x, by the shape of x."""

    def __init__(self, browser: Browser, directory: Path) -> None:
        self._browser = browser
        self._directory = directory
        (directory / "pixels.png").write_bytes(png(PIXELS))
        self.file = browser.mount(directory) + "pixels.png"
        self.of = cache(self._write)

    def _write(self, *shape: int, element: int = TensorProto.FLOAT, binding: int | None = None) -> str:
        model = make_model([helper.make_node("Neg", ["x"], ["y"])], {"x": shape}, {"y": shape}, element=element)
        name = "x".join(map(str, [*shape, element, binding]))
        path = write_model(self._directory / f"{name}.onnx", model)
        manifest, files, _ = compile_model(path, limits=Limits(binding_bytes=binding))
        write_bundle(self._directory / name, manifest, files)
        return self._browser.mount(self._directory / name)


def ask(page: Page, function: str, *arguments: object) -> Answer:
    answer: Answer = page.evaluate(
        "([name, values]) => import('/test/images.js').then((cases) => cases[name](...values))",
        [function, list(arguments)],
    )
    return answer


def converted(channels: NDArray[np.float64], mean: object = 0, std: object = 1) -> NDArray[np.float64]:
    """What an input of [height, width, channels] holds."""
    return (channels / 255 - np.array(mean)) / np.array(std)


RGB = PIXELS[..., :3].astype(np.float64)
GREY = RGB @ np.array([[0.299], [0.587], [0.114]])
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

CASES: Mapping[str, tuple[tuple[int, ...], dict[str, object], NDArray[np.float64]]] = {
    "planes": ((1, 3, HEIGHT, WIDTH), {}, converted(RGB).transpose(2, 0, 1)),
    "normalised": ((3, HEIGHT, WIDTH), {"mean": MEAN, "std": STD}, converted(RGB, MEAN, STD).transpose(2, 0, 1)),
    "bytes": ((1, HEIGHT, WIDTH, 3), {"std": 1 / 255}, RGB),
    "reversed": (
        (1, HEIGHT, WIDTH, 3),
        {"order": "bgr", "mean": [0, 0.5, 1], "layout": "hwc"},
        converted(RGB[..., ::-1], [0, 0.5, 1]),
    ),
    "brightness": ((1, 1, HEIGHT, WIDTH), {"mean": 0.5, "std": [0.5]}, converted(GREY, 0.5, 0.5)),
    "matrix": ((HEIGHT, WIDTH), {}, converted(GREY)),
    "alpha": ((1, 4, HEIGHT, WIDTH), {}, converted(PIXELS.astype(np.float64)).transpose(2, 0, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_images_are_the_same_on_all_backends(page: Page, negated: Negated, name: str) -> None:
    shape, options, expected = CASES[name]
    answer = ask(page, "images", negated.of(*shape), BACKENDS, negated.file, BYTES, WIDTH, options)
    assert len(answer["results"]) == 6 * len(BACKENDS)
    wrong = {}
    for how, found in answer["results"].items():
        difference = np.abs(np.array(found) + expected.reshape(-1)).max()
        # Far less than a step of a channel, which is 1 / 255 here, or 1.
        if difference > 1e-5 * max(1, np.abs(expected).max()):
            wrong[how] = difference
    assert not wrong


def test_halves_take_images(page: Page, negated: Negated) -> None:
    url = negated.of(1, 3, HEIGHT, WIDTH, element=TensorProto.FLOAT16)
    answer = ask(page, "images", url, BACKENDS, negated.file, BYTES, WIDTH, {})
    for how, found in answer["results"].items():
        np.testing.assert_allclose(found, -converted(RGB).transpose(2, 0, 1).reshape(-1), atol=1e-3, err_msg=how)


def test_an_image_that_lies_in_pieces(page: Page, negated: Negated) -> None:
    url = negated.of(1, 3, HEIGHT, WIDTH, binding=256)
    answer = ask(page, "images", url, ("webgpu",), negated.file, BYTES, WIDTH, {})
    for how, found in answer["results"].items():
        np.testing.assert_allclose(found, -converted(RGB).transpose(2, 0, 1).reshape(-1), atol=1e-5, err_msg=how)


@pytest.mark.parametrize("backend", ["webgl2", "webgl1"])
def test_an_image_that_is_larger_than_textures(page: Page, negated: Negated, backend: str) -> None:
    url = negated.of(1, 3, HEIGHT, WIDTH)
    answer = ask(page, "tooLarge", url, backend, BYTES, WIDTH)
    np.testing.assert_allclose(answer["results"][backend], -converted(RGB).transpose(2, 0, 1).reshape(-1), atol=1e-5)
    assert "drawArrays" in answer["calls"]
    assert "texImage2D" not in answer["calls"]


def test_a_video_is_an_image(page: Page, negated: Negated) -> None:
    """Videos have colours of their own, which come back within a step or two."""
    answer = ask(page, "video", negated.of(1, 48, 64, 3), BACKENDS, "rgb(200, 100, 50)", [64, 48])
    for backend, found in answer["results"].items():
        mean = -np.array(found).reshape(-1, 3).mean(0) * 255
        np.testing.assert_allclose(mean, [200, 100, 50], atol=3, err_msg=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_images_of_overlapping_runs_stay_apart(page: Page, negated: Negated, backend: str) -> None:
    answer = ask(page, "stream", negated.of(1, 3, HEIGHT, WIDTH), backend, WIDTH, HEIGHT)
    np.testing.assert_allclose(answer["values"], [[0, -0.2, -1, -7, -0.4]] * 2, atol=1e-6)
    assert answer["after"] == answer["before"]
    assert answer["left"] == {}


@pytest.mark.parametrize(
    ("kind", "size", "options", "message"),
    [
        ("ImageData", (WIDTH, HEIGHT + 1), {}, "takes an image of 7 \u00d7 5 pixels, and is given 7 \u00d7 6"),
        ("object", (WIDTH, HEIGHT), {}, "is given a Object as an image"),
        ("null", (WIDTH, HEIGHT), {}, "is given a Null as an image"),
        ("ImageData", (WIDTH, HEIGHT), {"std": 0}, "has a std of 0"),
        ("ImageData", (WIDTH, HEIGHT), {"mean": [1, 2]}, "has a mean or std of [1, 2]"),
        ("ImageData", (WIDTH, HEIGHT), {"order": "rbg"}, "has no order 'rbg'"),
        ("ImageData", (WIDTH, HEIGHT), {"layout": "nchw"}, "has no layout 'nchw'"),
        ("ImageData", (WIDTH, HEIGHT), {"layout": "hwc"}, "has 7 channels"),
    ],
)
def test_wrong_images_are_errors(
    page: Page,
    negated: Negated,
    kind: str,
    size: tuple[int, int],
    options: dict[str, object],
    message: str,
) -> None:
    error = ask(page, "refused", negated.of(1, 3, HEIGHT, WIDTH), "wasm", kind, *size, options)["error"]
    assert error["name"] == "WebDnnError"
    assert error["message"].startswith(f"input 'x' (f32[1, 3, 5, 7]) {message}")
    assert error["hint"]


@pytest.mark.parametrize(("shape", "element"), [((2, 3, 5, 7), TensorProto.FLOAT), ((3, 5, 7), TensorProto.INT32)])
def test_inputs_that_are_no_images(page: Page, negated: Negated, shape: tuple[int, ...], element: int) -> None:
    error = ask(page, "refused", negated.of(*shape, element=element), "wasm", "ImageData", WIDTH, HEIGHT, {})["error"]
    assert "takes no image" in error["message"]


def test_inputs_of_any_size_are_arrays(browser: Browser, page: Page, tmp_path: Path) -> None:
    shape = ["n", 3, HEIGHT, WIDTH]
    path = write_model(
        tmp_path / "n.onnx", make_model([helper.make_node("Neg", ["x"], ["y"])], {"x": shape}, {"y": shape})
    )
    manifest, files, _ = compile_model(path, ["webgpu"], dims={"n": Sizes(1, 2)})
    write_bundle(tmp_path / "bundle", manifest, files)
    errors = ask(page, "refusedForSize", browser.mount(tmp_path / "bundle"), WIDTH, HEIGHT)["errors"]
    for error in errors:
        assert error["name"] == "WebDnnError"
        assert error["message"].endswith("is no array, and its size may vary")
        assert error["hint"] == "pass its elements, or bind its dimensions to one size with --dim"
    assert len(errors) == 2


def test_buffers_stay_on_the_gpu(browser: Browser, page: Page, relu: Path) -> None:
    x = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
    answer = ask(page, "buffers", browser.mount(relu), x.reshape(-1).tolist())
    once = relu_meaning(x)
    thrice = relu_meaning(relu_meaning(once))
    np.testing.assert_array_equal(answer["results"]["held"], once.reshape(-1))
    np.testing.assert_array_equal(answer["results"]["third"], thrice.reshape(-1))
    np.testing.assert_array_equal(answer["results"]["again"], once.reshape(-1))
    assert "WebGPU reports: " in answer["error"]["message"]
    assert answer["left"] == {}


def test_buffers_have_four_bytes_for_each_element(browser: Browser, page: Page, integers: Path) -> None:
    answer = ask(page, "integerBuffers", browser.mount(integers))
    assert answer["results"] == {"s": [6, 6, 8], "g": [0.5, 1, 2]}
    assert answer["error"]["message"] == "input 'a' is a buffer of 16 bytes"
    assert answer["error"]["hint"] == "pass one of 12 bytes, which holds i32 for each element"


@pytest.mark.parametrize(("backend", "most"), [("webgpu", 127), ("webgl2", 127), ("webgl1", 63)])
def test_elements_that_kernels_are_not_right_for(
    browser: Browser, page: Page, tmp_path: Path, backend: str, most: int
) -> None:
    nodes = [
        helper.make_node("Mul", ["mask", "mask"], ["square"]),
        helper.make_node("Mul", ["square", "square"], ["fourth"]),
        helper.make_node("Cast", ["fourth"], ["y"], to=TensorProto.FLOAT),
    ]
    model = make_model(nodes, {"mask": [2]}, {"y": [2]})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    path = write_model(tmp_path / "powers.onnx", model)
    manifest, files, summary = compile_model(path, [backend.rstrip("12")])
    spelled = {"webgl2": "webgl (glsl)", "webgl1": "webgl (glsl100)"}.get(backend, backend)
    assert f"{spelled} takes integers from -{most} to {most} in 'mask'" in "\n".join(summary.lines())
    write_bundle(tmp_path / "bundle", manifest, files)
    answer = ask(page, "checkedElements", browser.mount(tmp_path / "bundle"), backend)
    assert answer["results"] == {"y": [1, 81]}
    large, *buffers = answer["errors"]
    assert large["message"] == f"element 1 of input 'mask' is 200, and this backend holds -{most} to {most}"
    refused = ["pass an array, whose elements can be checked"] if backend == "webgpu" else []
    assert [error["hint"] for error in buffers] == refused


@pytest.mark.parametrize("backend", ["webgl2", "wasm"])
def test_only_webgpu_has_buffers(browser: Browser, page: Page, relu: Path, backend: str) -> None:
    given, wanted = ask(page, "noBuffers", browser.mount(relu), backend)["errors"]
    assert given["message"] == "input 'x' (f32[2, 3]) is a GPUBuffer"
    assert wanted["message"] == f"{backend} gives no outputs of kind 'gpu-buffer'"


README = (Path(__file__).parents[2] / "README.md").read_text()
SNIPPETS = re.findall(r"```js\n(.*?)```", README.split("### Images and buffers")[1].split("\n### ")[0], re.DOTALL)


def example(page: Page, number: int, before: str, after: str, url: str) -> list[float]:
    """What comes of an example of the README, after and before some lines of our own."""
    body = f"const {{ load }} = await import('/runner/index.js'); {before} {SNIPPETS[number]} {after}"
    answer: list[float] = page.evaluate(f"async (url) => {{ {body} }}", url)
    return answer


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_readme_takes_images(browser: Browser, page: Page, tmp_path: Path, backend: str) -> None:
    shape = (1, 3, 4, 4)
    model = make_model([helper.make_node("Neg", ["image"], ["scores"])], {"image": shape}, {"scores": shape})
    manifest, files, _ = compile_model(write_model(tmp_path / "m.onnx", model))
    write_bundle(tmp_path / "b", manifest, files)
    before = (
        f"const session = await load(url, {{ backends: ['{backend}'] }});"
        "const video = await createImageBitmap(new ImageData(new Uint8ClampedArray(64).fill(255), 4));"
    )
    found = example(page, 0, before, "await session.dispose(); return [...scores];", browser.mount(tmp_path / "b"))
    expected = np.repeat(-(1 - np.array(MEAN)) / np.array(STD), 16)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_readme_leaves_buffers_on_the_gpu(browser: Browser, page: Page, relu: Path) -> None:
    before = "const session = await load(url); const x = Float32Array.of(1, -2, 3, -4, 5, -6);"
    found = example(page, 1, before, "await session.dispose(); return [...second.y];", browser.mount(relu))
    twice = relu_meaning(relu_meaning(np.array([[1, -2, 3], [-4, 5, -6]], np.float32)))
    np.testing.assert_array_equal(found, twice.reshape(-1))
