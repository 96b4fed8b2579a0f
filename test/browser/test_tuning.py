"""How sessions choose variants of kernels on the device, in Chromium, by a clock that launches move."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest
from onnx import numpy_helper, parser
from playwright.sync_api import Page

from browser.tiny_bundles import VARIANTS_WGSL, write_relu
from webdnn.runner.python.chromium import Browser
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model
from webdnn.tools.oracle import Oracle

Y = [1.5, 0, 8, 2, 22, 100]
FASTEST = ["relu_tiles32", "scale"]
SAFE = ["relu_alone", "scale"]
"""What an adapter in software launches by default"""


class Ran(TypedDict):
    """What a run gave and launched, and what was compiled and timed before, if that is told."""

    y: list[float]
    launched: list[str]
    compiled: list[str]
    timed: dict[str, int]


class Answer(Ran):
    """What the functions of pages/tuning.js answer, each some of it."""

    first: Ran
    second: Ran
    third: Ran
    results: list[Ran]
    stored: list[tuple[str, str]]
    loading: int
    more: int
    failed: str
    hint: str
    uncaptured: list[str]
    calls: dict[str, int]
    left: dict[str, int]


class Ask:
    """Calls functions of pages/tuning.js on a bundle."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def __call__(self, function: str, *arguments: object) -> Answer:
        answer: Answer = self.page.evaluate(
            "([name, values]) => import('/test/tuning.js').then((cases) => cases[name](...values))",
            [function, [self.url, *arguments]],
        )
        return answer


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def ask(browser: Browser, page: Page, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    bundle = write_relu(tmp_path_factory.mktemp("bundles") / "variants", variants=True)
    return Ask(page, browser.mount(bundle))


def test_the_fastest_is_launched_and_kept(ask: Ask) -> None:
    answer = ask("now")
    assert set(answer["timed"]) == {"relu", "relu_alone", "relu_tiles32"}
    assert answer["first"] == {"y": Y, "launched": FASTEST}
    assert answer["stored"] == [["relu", "tiles32"]]


def test_a_later_session_compiles_what_was_found_and_times_nothing(ask: Ask) -> None:
    assert ask("now")["second"] == {"compiled": ["relu_tiles32", "scale"], "timed": {}, "y": Y, "launched": FASTEST}


@pytest.mark.parametrize(
    ("costs", "launched"),
    [
        ({"relu": 5.0, "relu_alone": 5.2, "relu_tiles32": 4.8}, "relu_alone"),
        ({"relu": 5.0, "relu_alone": 6.0, "relu_tiles32": 4.8}, "relu_tiles32"),
        ({"relu": 5.0, "relu_alone": 40.0, "relu_tiles32": 5.1}, "relu"),
        ({"relu": 0.001, "relu_alone": 0.002, "relu_tiles32": 0.002}, "relu"),
    ],
)
def test_another_is_launched_if_it_is_faster_by_a_tenth(ask: Ask, costs: dict[str, float], launched: str) -> None:
    assert ask("now", {"costs": costs})["first"] == {"y": Y, "launched": [launched, "scale"]}


def test_what_is_far_slower_is_timed_three_times(ask: Ask) -> None:
    """Once to set it up, once to see, and once more: a launch of it takes as long as is needed."""
    timed = ask("now", {"costs": {"relu": 50.0, "relu_alone": 10.0, "relu_tiles32": 10.0}})["timed"]
    assert timed == {"relu": 2, "relu_alone": 5, "relu_tiles32": 5}


def test_what_takes_long_is_left_as_it_is(ask: Ask) -> None:
    """Another variant might take so much longer that the system resets the GPU."""
    answer = ask("now", {"costs": {"relu": 5.0, "relu_alone": 60.0, "relu_tiles32": 1.0}})
    assert answer["timed"] == {"relu_alone": 2}
    assert answer["first"] == {"y": Y, "launched": SAFE}
    assert answer["stored"] == [["relu", "alone"]]


@pytest.mark.parametrize("name", ["groups", "tiles32", "alone"])
def test_every_variant_computes_the_same(ask: Ask, name: str) -> None:
    kernel = "relu" if name == "groups" else f"relu_{name}"
    assert ask("found", name) == {"compiled": sorted([kernel, "scale"]), "y": Y, "launched": [kernel, "scale"]}


@pytest.mark.parametrize(
    ("name", "where", "tune"),
    [
        ("tiles64", {}, "background"),
        ("tiles32", {"adapter": "another"}, "background"),
        ("tiles32", {"bundle": "0" * 64}, "background"),
        ("tiles32", {"entry": "scale"}, "background"),
        ({"no": "name"}, {}, "background"),
        ("tiles32", {}, "never"),
    ],
)
def test_what_is_kept_of_something_else_is_ignored(ask: Ask, name: object, where: dict[str, str], tune: str) -> None:
    assert ask("found", name, where, tune) == {"compiled": SAFE, "y": Y, "launched": SAFE}


def test_without_a_store_a_session_chooses_for_itself(ask: Ask) -> None:
    answer = ask("now", {"indexed": False})
    assert answer["first"] == {"y": Y, "launched": FASTEST}
    assert answer["second"]["timed"] == answer["timed"]


def test_a_store_of_another_version_is_none(ask: Ask) -> None:
    assert ask("foreign") == {"y": Y, "launched": FASTEST}


@pytest.mark.parametrize("tune", [None, "background"])
def test_in_the_background_a_session_chooses_after_a_run(ask: Ask, tune: str | None) -> None:
    answer = ask("background", *([tune] if tune else []))
    assert answer["loading"] == 0
    assert answer["first"] == {"y": Y, "launched": ["relu", "scale"]}
    assert answer["timed"]["relu_tiles32"] > 1
    assert answer["second"] == {"y": Y, "launched": FASTEST}
    assert answer["stored"] == [["relu", "tiles32"]]


@pytest.mark.parametrize(("tune", "fallback"), [("never", False), ("background", True)])
def test_a_session_that_is_not_to_choose_launches_what_it_did(ask: Ask, tune: str, fallback: bool) -> None:
    """An adapter in software is not timed in the background."""
    answer = ask("background", tune, fallback)
    launched = SAFE if fallback else ["relu", "scale"]
    assert answer["first"] == answer["second"] == {"y": Y, "launched": launched}
    assert answer["timed"] == {name: 1 for name in launched}
    assert answer["stored"] == []


def test_disposal_ends_the_timing(ask: Ask) -> None:
    answer = ask("interrupted", "dispose")
    assert answer["first"]["y"] == Y
    assert (answer["more"], answer["stored"], answer["left"], answer["uncaptured"]) == (0, [], {}, [])


def test_a_device_may_be_lost_while_it_is_timed(ask: Ask) -> None:
    """It is not timed again in that session, as that may have been the reason."""
    answer = ask("interrupted", "lose")
    assert answer["first"] == answer["second"] == {"y": Y, "launched": ["relu", "scale"]}
    assert (answer["more"], answer["stored"], answer["left"]) == (0, [], {})


def test_a_run_between_is_not_timed(ask: Ask) -> None:
    answer = ask("interrupted", "run")
    assert answer["second"]["y"] == Y
    assert answer["third"] == {"y": Y, "launched": FASTEST}
    assert (answer["stored"], answer["left"], answer["uncaptured"]) == ([["relu", "tiles32"]], {}, [])


def test_one_of_two_sessions_chooses_for_both(ask: Ask) -> None:
    """The second one compiles what it launches at first, and what the first one has found."""
    answer = ask("together")
    assert answer["compiled"] == {"relu": 1, "relu_alone": 2, "relu_tiles32": 2, "scale": 2}
    assert answer["results"] == [{"y": Y, "launched": FASTEST}] * 2


def test_loading_can_be_aborted_while_it_times(ask: Ask) -> None:
    answer = ask("aborted")
    assert (answer["failed"], answer["stored"], answer["left"]) == ("loading was aborted", [], {})


def test_timestamps_of_the_device_are_used(ask: Ask) -> None:
    answer = ask("timestamps")
    assert answer["calls"]["createQuerySet"] == 1
    # More than the one of the run.
    assert answer["calls"]["mapAsync"] > 1
    ((kernel, name),) = answer["stored"]
    assert (kernel, name in ("groups", "tiles32", "alone")) == ("relu", True)
    assert answer["first"]["y"] == Y
    assert answer["left"] == {}


def test_every_variant_of_a_convolution_computes_what_onnxruntime_does(
    browser: Browser, page: Page, tmp_path: Path
) -> None:
    """One that takes so long that two tiles are there to choose."""
    model = parser.parse_model("""<ir_version: 8, opset_import: ["": 17]>
    m (float[1, 56, 8, 64] x) => (float[1, 64, 8, 64] y) { y = Conv<pads = [1, 1, 1, 1]>(x, w) }""")
    weight = np.random.default_rng(0).standard_normal((64, 56, 3, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    path = tmp_path / "convolution.onnx"
    path.write_bytes(model.SerializeToString())
    manifest, files, _ = compile_model(path, ["webgpu"], accuracy="exact")
    write_bundle(tmp_path / "b", manifest, files)
    results = Ask(page, browser.mount(tmp_path / "b"))("each", ["tiles32", "tiles64", "alone"])["results"]
    assert len({result["launched"][-1] for result in results}) == 3
    x = (np.arange(56 * 8 * 64) * 37 % 64 / 32 - 1).astype(np.float32).reshape(1, 56, 8, 64)
    expected = Oracle(path).run({"x": x})["y"].astype(np.float32)
    for result in results:
        np.testing.assert_allclose(result["y"], expected.reshape(-1), rtol=1e-4, atol=1e-4)


LONG_SUMS = {
    "product": """<ir_version: 8, opset_import: ["": 17]>
    m (float[1, 1024] x) => (float[1, 96] y) { y = MatMul(x, w) }""",
    "softmax": """<ir_version: 8, opset_import: ["": 17]>
    m (float[2, 4096] x) => (float[2, 4096] y) { y = Softmax(x) }""",
}


@pytest.mark.parametrize("operator", LONG_SUMS)
def test_sums_by_subgroups_are_what_onnxruntime_computes(
    browser: Browser, page: Page, tmp_path: Path, operator: str
) -> None:
    model = parser.parse_model(LONG_SUMS[operator])
    weight = np.random.default_rng(0).standard_normal((1024, 96)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    path = tmp_path / "sums.onnx"
    path.write_bytes(model.SerializeToString())
    manifest, files, _ = compile_model(path, ["webgpu"], accuracy="exact")
    write_bundle(tmp_path / "b", manifest, files)
    results = Ask(page, browser.mount(tmp_path / "b"))("each", ["groups", "subgroups", "alone"])["results"]
    section = manifest.backends.webgpu
    assert section
    entry = next(section.pipelines[launch.pipeline].entry for launch in section.dispatches if launch.variant)
    for result, name in zip(results, (entry, f"{entry}_subgroups", f"{entry}_alone"), strict=True):
        assert name in result["launched"]
    (shape,) = [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in model.graph.input]
    x = (np.arange(np.prod(shape)) * 37 % 64 / 32 - 1).astype(np.float32).reshape(shape)
    expected = Oracle(path).run({"x": x})["y"].astype(np.float32)
    for result in results:
        np.testing.assert_allclose(result["y"], expected.reshape(-1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("lacking", "launched"), [([], FASTEST), (["subgroups"], ["relu", "scale"])])
def test_a_variant_is_for_devices_that_have_what_it_needs(
    browser: Browser, page: Page, tmp_path: Path, lacking: list[str], launched: list[str]
) -> None:
    """Its text compiles only on a device that was asked for subgroups."""
    texts = [*VARIANTS_WGSL[:3], f"enable subgroups;\n{VARIANTS_WGSL[3]}"]
    replaced = {"wgsl.json": json.dumps(texts).encode()}
    bundle = write_relu(tmp_path / "b", variants=True, feature="subgroups", replaced=replaced)
    answer = Ask(page, browser.mount(bundle))("now", {"lacking": lacking})
    assert answer["first"] == {"y": Y, "launched": launched}
    assert set(answer["timed"]) == {"relu", "relu_alone", launched[0]}
    assert answer["second"]["compiled"] == sorted(launched)


def test_a_variant_that_does_not_compile_is_left_out(browser: Browser, page: Page, tmp_path: Path) -> None:
    broken = json.dumps([*VARIANTS_WGSL[:3], "nope"]).encode()
    bundle = write_relu(tmp_path / "b", variants=True, replaced={"wgsl.json": broken})
    answer = Ask(page, browser.mount(bundle))("now")
    assert answer["first"] == {"y": Y, "launched": ["relu", "scale"]}


def test_a_variant_without_a_pipeline_is_refused(browser: Browser, page: Page, tmp_path: Path) -> None:
    path = write_relu(tmp_path / "b", variants=True) / "model.json"
    path.write_text(path.read_text().replace('"name":"tiles32","pipeline":3', '"name":"tiles32","pipeline":4'))
    answer = Ask(page, browser.mount(path.parent))("refused", "never")
    assert answer["failed"] == "a variant of 'relu' has no pipeline"
    assert answer["hint"] == "compile the bundle again"


def test_an_unknown_option_is_refused(ask: Ask) -> None:
    answer = ask("refused", "sometimes")
    assert answer["failed"] == "tune is 'sometimes'"
    assert answer["hint"] == 'give "background", "now" or "never"'


@pytest.mark.parametrize(
    ("tune", "modules"),
    [("never", set[str]()), ("background", {"webgpu_choices"}), ("now", {"webgpu_choices", "webgpu_tuning"})],
)
def test_modules_are_loaded_when_there_is_something_to_choose(
    browser: Browser, ask: Ask, tune: str, modules: set[str]
) -> None:
    page = browser.new_page()
    Ask(page, ask.url)("found", "nothing", {}, tune)
    urls: list[str] = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    page.close()
    backend = {Path(url).stem for url in urls if "/runner/backends/" in url}
    assert backend == {"webgpu", "webgpu_device", "webgpu_kernels", "launches"} | modules
