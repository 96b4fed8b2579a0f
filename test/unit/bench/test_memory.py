"""The table of plans: what it says of a small model, and that planning is what saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bench.limited import HEADING
from bench.memory import PLANNING, found, markdown, tables
from onnx import helper

from helpers.small_models import make_model, write_model
from webdnn.targets.rules import RULES

KIB = 1 << 10


def joined(path: Path) -> Path:
    """Two products of the input, 4 KiB each, side by side."""
    generator = np.random.default_rng(0)
    weights = {name: generator.standard_normal((32, 32), np.float32) for name in ("v", "w")}
    nodes = [
        helper.make_node("MatMul", ["x", "v"], ["a"], "a"),
        helper.make_node("MatMul", ["x", "w"], ["b"], "b"),
        helper.make_node("Concat", ["a", "b"], ["both"], "both", axis=0),
    ]
    return write_model(path / "joined.onnx", make_model(nodes, {"x": [32, 32]}, {"both": [64, 32]}, weights))


def test_parts_made_where_they_are_joined_are_what_is_saved(tmp_path: Path) -> None:
    model = found(joined(tmp_path))
    assert model.planned.arena_bytes == model.planned.arena_bound == 12 * KIB
    assert model.unplanned.arena_bound == 16 * KIB
    assert model.saving == 1 / 4
    assert model.launches == (3, 1)
    assert model.moved[0] - model.moved[1] >= 16 * KIB  # the copies read and write so much


def test_the_page_has_a_row_for_each_model_in_each_table(tmp_path: Path) -> None:
    model = found(joined(tmp_path))
    text = "\n".join(markdown([model, model]))
    assert text.count("| joined | 12.3 kB | 12.3 kB | 1.00 | 16.4 kB | 25% |") == 2
    assert text.count("| joined |") == 2 * len([*tables([])])


def test_what_other_commands_put_at_the_end_of_the_page_stays(tmp_path: Path) -> None:
    model = found(joined(tmp_path))
    page = "\n".join(markdown([model]))
    limited = f"{page}\n\n## {HEADING}\n\n| joined |"
    assert "\n".join(markdown([model], limited)) == limited
    assert "\n".join(markdown([model], page)) == page


def test_rules_that_are_left_out_are_rules() -> None:
    assert set(PLANNING) <= {rule.name for rule in RULES}
