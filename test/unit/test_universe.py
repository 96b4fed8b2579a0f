"""What is registered loads, is documented, is tested by lit, and costs nothing before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest
from xdsl.passes import ModulePass

from webdnn.support.legality import stages_of
from webdnn.tools.docs import lit_file, own_docstring
from webdnn.universe import ALL_STAGES, DIALECTS, PASSES, STAGES, TARGETS, WEBDNN_UNIVERSE

FILECHECK = Path(__file__).parents[1] / "filecheck"
PARTS_OF_A_PASS = ("Before", "After", "Leaves alone", "Run after")


def load_pass(name: str) -> type[ModulePass]:
    return WEBDNN_UNIVERSE.all_passes[name]()


@pytest.mark.parametrize("name", PASSES)
def test_pass_is_registered_under_its_name(name: str) -> None:
    assert load_pass(name).name == name


@pytest.mark.parametrize("name", PASSES)
def test_pass_docstring_has_its_four_parts(name: str) -> None:
    documentation = " ".join(own_docstring(load_pass(name)).split())
    missing = [part for part in PARTS_OF_A_PASS if part not in documentation]
    assert not missing, f"the docstring of {name} lacks: {', '.join(missing)}"


@pytest.mark.parametrize("name", PASSES)
def test_pass_has_a_lit_file_that_runs_it(name: str) -> None:
    path = FILECHECK / lit_file(load_pass(name))
    assert path.is_file(), f"{name} needs {path.relative_to(FILECHECK.parents[1])}"
    runs = [line for line in path.read_text().splitlines() if line.startswith("// RUN:")]
    assert any(name in line for line in runs), f"no RUN line of {path.name} runs {name}"


@pytest.mark.parametrize("name", PASSES)
def test_pass_names_known_stages(name: str) -> None:
    assert {stage for stage in stages_of(load_pass(name)) if stage is not None} <= STAGES.keys()


@pytest.mark.parametrize("name", STAGES)
def test_stage_is_registered_under_its_name(name: str) -> None:
    assert ALL_STAGES[name]().name == name


@pytest.mark.parametrize("name", TARGETS)
def test_target_is_registered_under_its_name(name: str) -> None:
    assert WEBDNN_UNIVERSE.all_targets[name]().name == name
    assert name.startswith("webdnn-")


@pytest.mark.parametrize("name", DIALECTS)
def test_operations_and_attributes_are_documented(name: str) -> None:
    dialect = WEBDNN_UNIVERSE.all_dialects[name]()
    assert dialect.name == name
    definitions = [*dialect.operations, *dialect.attributes]
    assert [definition.name for definition in definitions if not own_docstring(definition)] == []


def test_tools_start_without_numpy_and_onnx() -> None:
    script = (
        "import sys; from webdnn.tools.opt import WebDnnOptMain; from webdnn.universe import WEBDNN_UNIVERSE\n"
        "for dialect in WEBDNN_UNIVERSE.all_dialects.values(): dialect()\n"
        "print(*sorted({'numpy', 'onnx', 'wasmtime', 'playwright'} & sys.modules.keys()))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == [], "loading the dialects must stay cheap: import these where they are used"
