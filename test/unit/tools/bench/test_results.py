"""What is computed from a bench's times, what went wrong in it, and its JSON file."""

from pathlib import Path

import pytest

from helpers.bench_results import cell, engine, profile, results
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.bench.results import complaints, middle, minimum, ratio, read_results, write_results


def test_the_fastest_and_the_median_run() -> None:
    found = engine("webdnn", [3.0, 1.0, 2.0, 10.0])
    assert (minimum(found), middle(found)) == (1.0, 2.5)
    assert minimum(engine("webdnn")) is None
    assert middle(engine("webdnn")) is None


def test_a_ratio_is_the_peers_fastest_run_over_ours() -> None:
    ours, peer = engine("webdnn", [2.0, 4.0]), engine("peer", [9.0, 3.0])
    assert ratio(cell(ours, peer), peer) == 1.5
    assert ratio(cell(ours, peer), ours) is None
    assert ratio(cell(peer), peer) is None


@pytest.mark.parametrize("wrong", ["webdnn", "peer"])
def test_a_wrong_result_has_no_ratio(wrong: str) -> None:
    both = [engine(name, [1.0], within=name != wrong) for name in ("webdnn", "peer")]
    assert ratio(cell(*both), both[1]) is None


def test_wrong_results_and_our_own_failures_are_fatal() -> None:
    failing = cell(engine("webdnn", failure="no memory"), engine("peer", failure="no tape"), model="other", threads=2)
    wrong = cell(engine("webdnn", [1.0]), engine("peer", [1.0], within=False, error=12.5))
    bad = profile()
    bad["within"] = False
    assert list(complaints(results(failing, wrong, refusal="no such operator", profiles=[bad]))) == [
        ("net: refused: no such operator", True),
        ("other, wasm, 2 threads: webdnn failed: no memory", True),
        ("other, wasm, 2 threads: peer failed: no tape", False),
        ("net, wasm, 1 thread: WRONG RESULT of peer: largest error 12.5", True),
        ("net: WRONG RESULT of the profiled module", True),
    ]


def test_the_file_holds_everything(tmp_path: Path) -> None:
    made = results(cell(engine("webdnn", [1.0])), profiles=[profile()])
    write_results(made, tmp_path / "a.json")
    assert read_results(tmp_path / "a.json") == made


@pytest.mark.parametrize(
    ("content", "what"), [("[", "is not JSON"), ('{"format": "webdnn-bundle"}', "is not the result of a bench")]
)
def test_other_files_are_refused(content: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DiagnosticError, match=what) as caught:
        read_results(path)
    assert caught.value.where == str(path)
    assert "--json" in caught.value.hint
