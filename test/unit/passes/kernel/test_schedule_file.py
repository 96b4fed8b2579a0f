"""Files of schedules: written and read back, and what is said of those that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.passes.kernel.scheduling.file import Entry, Schedules
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.support.diagnostic import DiagnosticError

NAME = "sum 64x8 over 8 #0123456789ab"
ENTRY = {"schedule": "#kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4>", "unroll": ["#kernel.unroll<[2]>"]}


def file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "schedules.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def with_entry(**changes: object) -> dict[str, object]:
    return {"format": "webdnn-schedules", "version": 1, "kernels": {NAME: {"relaxed": {**ENTRY, **changes}}}}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    schedule = ScheduleAttr.of([1, 6, 8], order=[1, 0, 2], expand=[1], vector=(2, 4), masked=True, merged=(0, 1, 7))
    plan = Plan(schedule, (UnrollAttr.of([1, 16], lanes=4), None))
    written = Schedules(
        {NAME: {"relaxed": Entry(plan, {"default": 2.0, "tuned": 1.5}), "simd": Entry(plan)}}, {"machine": "a CPU"}
    )
    read = Schedules.read(file(tmp_path, written.text()))
    assert read == written
    assert read.entry(NAME, "relaxed") == Entry(plan, {"default": 2.0, "tuned": 1.5})
    assert read.entry("sum 1 #000000000000", "relaxed") is None
    assert read.unused([NAME]) == []
    assert read.unused([]) == [NAME]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "is not JSON"),
        ([], "its format is not 'webdnn-schedules'"),
        ({"format": "webdnn-schedules", "version": 2}, "its version is 2, and this compiler reads version 1"),
        ({"format": "webdnn-schedules", "version": 1}, "kernels must be an object"),
        ({**with_entry(), "kernels": {NAME: {"fast": ENTRY}}}, f"'{NAME}' has 'fast', expected relaxed or simd"),
        (with_entry(schedule="#kernel.schedule<tile [6, 8]"), "is no #kernel.schedule<…>"),
        (with_entry(schedule="#kernel.unroll<[2]>"), "is no #kernel.schedule<…>"),
        (with_entry(schedule=None), "None is no #kernel.schedule<…>"),
        (with_entry(schedule="#kernel.schedule<tile [0], order [0]>"), "tile sizes and lanes must be at least 1"),
        (with_entry(schedule=f"{ENTRY['schedule']} f32"), "is no #kernel.schedule<…>"),
        (with_entry(unroll=["two"]), "'two' is no #kernel.unroll<…>"),
        (with_entry(unroll="#kernel.unroll<[2]>"), "unroll must be a list"),
        (with_entry(tile=[6]), f"'{NAME}', relaxed has 'tile', expected schedule, unroll or milliseconds"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: object, what: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(DiagnosticError) as caught:
        Schedules.read(path)
    assert what in caught.value.what
    assert caught.value.where == str(path)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        Schedules.read(file(tmp_path, with_entry(schedule="tile", unroll=["two"])))
    assert len(caught.value.problems) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="No such file"):
        Schedules.read(tmp_path / "none.json")
