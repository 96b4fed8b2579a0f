"""The tables of a bench, as text and as a page."""

from __future__ import annotations

import pytest

from helpers.bench_results import cell, engine, profile, results
from webdnn.tools.bench.report import markdown, text
from webdnn.tools.bench.table import NOTHING, Table, spell_number
from webdnn.tools.bench.tables import kernels, ratios, tables, times

TABLE = Table("Fruit", ["name", "count"], [["apple", "5"], ["a|b", "1000"]], range(1, 2), "A note.")


def test_text_has_columns() -> None:
    assert list(TABLE.text()) == ["Fruit", "  name   count", "  apple      5", "  a|b     1000", "A note."]


def test_markdown_has_bars() -> None:
    assert list(TABLE.markdown()) == [
        "## Fruit",
        "",
        "| name | count |",
        "| --- | ---: |",
        "| apple | 5 |",
        "| a&#124;b | 1000 |",
        "",
        "A note.",
    ]


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (None, NOTHING),
        (0.0, "0"),
        (0.012345, "0.0123"),
        (1.0, "1.00"),
        (12.345, "12.3"),
        (999.96, "1000"),
        (123456.7, "123457"),
    ],
)
def test_numbers_have_three_digits_and_no_exponent(value: float | None, spelled: str) -> None:
    assert spell_number(value) == spelled


def test_a_row_has_every_engine() -> None:
    both = cell(engine("webdnn", [2.0, 4.0]), engine("peer", [3.0, 5.0]))
    alone = cell(engine("webdnn", [1.0]), backend="js")
    table = times(results(both, alone))
    assert table.heads == ["model", "backend", "threads", "webdnn", "median", "peer", "median", "ratio"]
    assert table.rows == [
        ["net", "wasm", "1", "2.00", "3.00", "3.00", "4.00", "1.50"],
        ["net", "js", "1", "1.00", "1.00", NOTHING, NOTHING, NOTHING],
    ]


def test_what_failed_and_what_is_wrong_has_no_time() -> None:
    both = cell(engine("webdnn", [2.0], within=False), engine("peer", failure="no memory"))
    assert times(results(both)).rows == [["net", "wasm", "1", "WRONG", "2.00", "failed", NOTHING, NOTHING]]
    lines = list(text(results(both)))
    assert "net, wasm, 1 thread: WRONG RESULT of webdnn: largest error 1e-06" in lines
    assert "- net, wasm, 1 thread: peer failed: no memory" in list(markdown(results(both)))


def test_software_gpus_are_marked() -> None:
    both = [cell(engine("webdnn", [2.0]), backend=backend) for backend in ("webgpu", "wasm")]
    assert [row[1] for row in times(results(*both, software=True)).rows] == ["webgpu (software)", "wasm"]
    assert [row[1] for row in times(results(*both)).rows] == ["webgpu", "wasm"]
    assert any("say nothing of real GPUs" in line for line in text(results(*both, software=True)))


def test_a_busy_machine_is_told_of() -> None:
    one = cell(engine("webdnn", [2.0]))
    assert not any("other processes" in line for line in text(results(one)))
    assert any(line.startswith("1.5 other processes ran on these cores") for line in text(results(one, load=1.5)))


def test_ratios_are_averaged_over_models() -> None:
    cells = [cell(engine("webdnn", [1.0]), engine("peer", [time]), model=str(time)) for time in (0.5, 2.0, 8.0)]
    assert ratios(results(*cells)).rows == [["peer", "wasm", "1", "2.00", "0.500", "2 of 3"]]
    assert ratios(results(cell(engine("webdnn", [1.0])))).rows == []


def test_kernels_are_sorted_by_time_and_small_ones_summed_up() -> None:
    table = kernels(profile())
    assert [row[:6] for row in table.rows] == [
        ["sum1", "1", "1.000", "66.7%", "16.0", "16%"],
        ["map0", "2", "0.500", "33.3%", "0.000256", "0%"],
    ]
    assert [row[-2:] for row in table.rows] == [["8 over 1000", "Conv_1"], ["8x8", "Relu_0, Relu_2"]]
    assert table.note.startswith("All kernels: 1.500 ms, 16.0 MFLOP, 10.7 GFLOP/s, 11% of the 100.0 GFLOP/s")
    summed = kernels(profile(), least_share=0.5).rows
    assert [row[:4] for row in summed] == [["sum1", "1", "1.000", "66.7%"], ["1 others", "2", "0.500", "33.3%"]]


def test_the_page_has_all_tables() -> None:
    made = results(cell(engine("webdnn", [2.0]), engine("peer", [3.0])), profiles=[profile()])
    page = list(markdown(made))
    assert page[0] == "# Results"
    assert [line for line in page if line.startswith("## ")] == [f"## {table.title}" for table in tables(made)]
    assert "- a CPU, 2 cores, an OS; Chromium 140.0; 2026-01-02T03:04:05+00:00" in page
    assert "- webdnn 1.2.3, peer 1.2.3" in page
