"""Stages over kernels are run once for kernels that are equal, and leave those that are to be kept as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.test import TestOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from webdnn.targets.together import Stage, lower_together


@dataclass(frozen=True)
class Mark(ModulePass):
    """Write a word on every operation, and note that it was asked to."""

    name = "mark"
    word: str
    asked: list[str] = field(default_factory=list[str], compare=False)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.asked.append(self.word)
        for inner in op.body.block.ops:
            inner.attributes[self.word] = StringAttr(self.word)


@pytest.fixture
def asked() -> list[str]:
    return []


def lowered(stages: Sequence[Stage], kernels: Sequence[Operation], *, keep: bool = False) -> list[Operation]:
    return lower_together(Context(), stages, kernels, keep=keep)


def test_equal_stages_run_once(asked: list[str]) -> None:
    kernel, (a, b) = TestOp(), (Mark(word, asked) for word in "ab")
    first, again = lowered([[a, b], [a, b]], [kernel, kernel])
    assert first is again
    assert set(first.attributes) == {"a", "b"}
    assert asked == ["a", "b"]


def test_stages_that_differ_run_each(asked: list[str]) -> None:
    kernel = TestOp()
    one, other = lowered([[Mark("a", asked)], [Mark("b", asked)]], [kernel, kernel])
    assert (set(one.attributes), set(other.attributes)) == ({"a"}, {"b"})


def test_what_follows_equal_results_runs_once(asked: list[str]) -> None:
    kernel, (a, b, c) = TestOp(), (Mark(word, asked) for word in "abc")
    kernels = lowered([[a, b], [b, a]], [kernel, kernel])
    one, other = lowered([[c], [c]], kernels)
    assert one is other
    assert asked == ["a", "b", "b", "a", "c"]


def test_the_last_stage_uses_a_kernel_up_unless_it_is_to_be_kept(asked: list[str]) -> None:
    kept, used = TestOp(), TestOp()
    stages = [[Mark("a", asked)], [Mark("b", asked)]]
    assert kept not in lowered(stages, [kept, kept], keep=True)
    assert not kept.attributes
    first, last = lowered(stages, [used, used])
    assert first is not used
    assert last is used
