"""Hand-written kernel programs through the text targets, computed by the browser runner and compared with numpy."""

from pathlib import Path

import pytest

from validation.compiled import bundle
from validation.kernel_programs import Case
from validation.program_cases import CASES, FUNCTIONS, REFUSALS, assert_close
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.session import Session

BACKENDS = ("webgpu", "webgl2", "webgl1", "js")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", [*CASES, *FUNCTIONS], ids=lambda case: case.name)
def test_programs_compute_what_numpy_does(browser: Browser, tmp_path: Path, case: Case, backend: str) -> None:
    if (case.name, backend.rstrip("12")) in REFUSALS:
        return  # compiled nowhere: test/unit/targets/test_text_targets.py
    directory = bundle(case, tmp_path / "bundle", backend)
    with Session(directory, Chromium(backend, browser)) as session:
        results = session.run({f"x{i}": x for i, x in enumerate(case.inputs)})
    for i, expected in enumerate(case.outputs):
        assert results[f"y{i}"].dtype == expected.dtype
        assert_close(case, results[f"y{i}"], expected)
