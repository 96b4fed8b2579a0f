"""Stages over kernels are run once for kernels that are equal, and leave those that they are given as they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.test import TestOp
from xdsl.passes import ModulePass

from webdnn.targets.memo import Memo


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


def test_equal_stages_run_once(asked: list[str]) -> None:
    memo, kernel = Memo(Context()), TestOp()
    a, b, c = (Mark(word, asked) for word in "abc")
    first = memo.lowered(kernel, [[a, b], [c]])
    again = memo.lowered(kernel, [[a, b], [c]])
    assert first is again
    assert set(first.attributes) == {"a", "b", "c"}
    assert not kernel.attributes
    assert asked == ["a", "b", "c"]


def test_stages_that_differ_run_each(asked: list[str]) -> None:
    memo, kernel = Memo(Context()), TestOp()
    one, other = (memo.lowered(kernel, [[Mark(word, asked)]]) for word in "ab")
    assert (set(one.attributes), set(other.attributes)) == ({"a"}, {"b"})


def test_what_follows_equal_results_runs_once(asked: list[str]) -> None:
    memo, kernel = Memo(Context()), TestOp()
    a, b, c = (Mark(word, asked) for word in "abc")
    one = memo.lowered(kernel, [[a, b], [c]])
    other = memo.lowered(kernel, [[b, a], [c]])
    assert one is other
    assert asked == ["a", "b", "c", "b", "a"]


def test_a_copy_forgets_with_itself(asked: list[str]) -> None:
    memo, kernel = Memo(Context()), TestOp()
    a, b = (Mark(word, asked) for word in "ab")
    memo.after([a], kernel)
    for _ in range(2):
        memo.copy().lowered(kernel, [[a], [b]])
    assert asked == ["a", "b", "b"]
