"""Hand-written kernel programs through the text targets, computed by the browser runner and compared with numpy."""

from pathlib import Path

import pytest

from validation.compiled import bundle
from validation.kernel_programs import Case
from validation.program_cases import CASES, FUNCTIONS, REFUSALS, TOO_LARGE, assert_close
from webdnn.runner.python.chromium import Browser, Chromium
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.session import Session

BACKENDS = ("webgpu", "webgl2", "webgl1", "js")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", [*CASES, *FUNCTIONS], ids=lambda case: case.name)
def test_programs_compute_what_numpy_does(browser: Browser, tmp_path: Path, case: Case, backend: str) -> None:
    if (case.name, backend) in REFUSALS:
        return  # compiled nowhere: test/unit/targets/test_text_targets.py
    directory = bundle(case, tmp_path / "bundle", backend)
    with Session(directory, Chromium(backend, browser)) as session:
        inputs = {f"x{i}": x for i, x in enumerate(case.inputs)}
        if (case.name, backend) in TOO_LARGE:
            with pytest.raises(SessionError, match="this backend holds"):
                session.run(inputs)
            return
        results = session.run(inputs)
    for i, expected in enumerate(case.outputs):
        assert results[f"y{i}"].dtype == expected.dtype
        assert_close(case, results[f"y{i}"], expected)
