"""The tables, the chart and the page of an ablation, and its JSON file."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.ablations import ablation, build
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.rules import CPU_RULES, REQUIRED
from webdnn.tools.ablation import report
from webdnn.tools.ablation.builds import Built
from webdnn.tools.ablation.chart import order, svg
from webdnn.tools.ablation.measure import PAGE_MEMORY, noise_of, pages
from webdnn.tools.ablation.page import html
from webdnn.tools.ablation.results import Ablation, read_ablation, write_ablation
from webdnn.tools.summary import BackendSummary
from webdnn.tools.webdnn import main

SLOW, FAST = build("slow", [6.0, 5.0]), build("fast", [1.8])
FOUND = ablation(FAST, SLOW, build("idle", same=True), build("everything", [8.0]))
BROKEN = ablation(build("wrong", failure="WRONG RESULT: largest error 3"))


def test_a_row_tells_the_fastest_run_and_its_ratio() -> None:
    lines = list(report.text(FOUND))
    assert any(
        re.match(r"  slow +5\.00 +2\.50 +70\.0 +3 +4 +5\.0 MB +60\.0 kB +700\.0 kB +0\.8 s$", line) for line in lines
    )
    assert any(re.match(r"  nothing +2\.00 +1\.00 ", line) for line in lines)
    assert any(line.startswith("Nothing changes without idle. ") for line in lines)
    assert "idle" not in " ".join(lines[2:-1])


def test_a_verdict_tells_what_is_faster_than_the_full_build() -> None:
    assert "slower than that without fast, by more than noise, which is 2.0%." in "\n".join(report.text(FOUND))
    fine = ablation(SLOW, build("hardly", [1.97]))
    assert "No build is faster than the full one by more than noise, which is 2.0%." in "\n".join(report.text(fine))


def test_the_page_lists_rules_and_what_is_required() -> None:
    text = "\n".join(report.markdown(FOUND, "chart.svg"))
    assert "![Ratios of all builds to the full one](chart.svg)" in text
    assert all(f"| {rule.name} | " in text for rule in CPU_RULES)
    assert all(f"| `{name}` | " in text for name in REQUIRED)


def test_what_gains_most_stands_first_and_everything_last() -> None:
    assert order(FOUND["models"]) == ["slow", "fast", "everything"]


def numbers(found: Ablation, kind: str) -> list[float]:
    root = ElementTree.fromstring(svg(found))
    return [float(it.attrib["width"]) for it in root.iter() if it.attrib.get("class") == kind]


def test_bars_are_as_long_as_logarithms() -> None:
    (twofold, fourfold) = numbers(ablation(build("a", [4.0]), build("everything", [8.0])), "gain")
    assert twofold == pytest.approx(fourfold / 2, rel=0.01)
    assert len(numbers(FOUND, "loss")) == 1
    assert ">failed<" in svg(ablation(build("a", [4.0]), *BROKEN["models"][0]["builds"][1:])) or "wrong" not in svg(
        FOUND
    )


def test_the_html_page_needs_nothing_else() -> None:
    page = html(FOUND)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(script|link|img)|@import|url\(", page)


def test_results_are_read_and_reported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ablation(FOUND, tmp_path / "a.json")
    assert read_ablation(tmp_path / "a.json") == FOUND
    names = {kind: str(tmp_path / "new" / f"a.{kind}") for kind in ("markdown", "svg", "html")}
    options = [word for kind, name in names.items() for word in (f"--{kind}", name)]
    assert main(["ablate", str(tmp_path / "a.json"), *options]) == 0
    assert "(a.svg)" in Path(names["markdown"]).read_text()
    assert Path(names["svg"]).read_text() == svg(FOUND)
    assert Path(names["html"]).read_text() == html(FOUND)
    assert "without" in capsys.readouterr().out


def test_a_wrong_result_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ablation(BROKEN, tmp_path / "a.json")
    assert main(["ablate", str(tmp_path / "a.json")]) == 1
    assert "net, without wrong: WRONG RESULT: largest error 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "what"), [("[", "is not JSON"), ('{"format": "webdnn-bench"}', "is not the result")]
)
def test_other_files_are_refused(content: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DiagnosticError, match=what):
        read_ablation(tmp_path / "a.json")


def test_noise_is_what_half_of_the_instances_stay_below() -> None:
    assert noise_of([10.0, 13.0, 10.1, 10.2, 10.4, 10.0]) == pytest.approx(0.02)
    assert noise_of([]) == 0


def built(name: str, memory: int) -> Built:
    summary = BackendSummary("wasm", 1, 1, 1, 1, 1, 1, 1.0)
    return Built(name, Path(name), name, summary, memory, 1)


def test_what_one_page_cannot_hold_runs_in_several() -> None:
    quarter = PAGE_MEMORY // 4
    found = [built(name, quarter) for name in ("nothing", "a", "b", "c", "huge")]
    assert [[it.without for it in page] for page in pages(found)] == [["nothing", "a", "b"], ["nothing", "c", "huge"]]
    found[-1] = built("huge", 2 * PAGE_MEMORY)
    assert [[it.without for it in page] for page in pages(found)][-1] == ["nothing", "huge"]
    assert list(pages([built("a", 1)])) == []
