"""Textual IR: cases are split at whole lines, and every operation knows where it was written."""

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.test import Test
from xdsl.utils.exceptions import ParseError, VerifyException

from webdnn.support.diagnostic import where
from webdnn.tools.textual import parse_text, split_cases


@pytest.fixture
def context() -> Context:
    context = Context()
    for dialect in (Builtin, Test):
        context.load_dialect(dialect)
    return context


def test_cases_are_split_at_separator_lines_only() -> None:
    text = "a\n// -----\nb\n// -----// IR Dump After x //----- //\nc\n  // -----  \nd"
    assert list(split_cases(text)) == [("a\n", 0), ("b\n// -----// IR Dump After x //----- //\nc\n", 2), ("d", 6)]
    assert list(split_cases("only")) == [("only", 0)]


def test_operations_get_their_place_in_the_whole_file(context: Context) -> None:
    text = '%a = "test.op"() : () -> i32\n\n  "test.op"() ({\n    "test.termop"() : () -> ()\n}) : () -> ()\n'
    module = parse_text(context, text, "a.mlir", lines_before=10)
    assert [where(op) for op in module.body.walk()] == ["a.mlir:11:1", "a.mlir:13:3", "a.mlir:14:5"]


def test_written_locations_are_kept(context: Context) -> None:
    module = parse_text(context, '"test.op"() : () -> () loc("Conv_0")', "a.mlir")
    assert [where(op) for op in module.body.walk()] == ["Conv_0"]


def test_syntax_errors_count_the_lines_before(context: Context) -> None:
    with pytest.raises(ParseError) as caught:
        parse_text(context, '"test.op"(', "a.mlir", lines_before=4)
    assert str(caught.value.span.get_location()) == "a.mlir:5:11"


def test_blank_text_is_an_empty_module(context: Context) -> None:
    assert len(parse_text(context, "\n// Nothing.\n  // Nothing.", "a.mlir").body.block.ops) == 0
    with pytest.raises(ParseError):
        parse_text(context, "/ / x", "a.mlir")


@pytest.mark.parametrize("attribute", ["300 : i8", "dense<300> : tensor<1xi8>"])
def test_wrong_attributes_are_placed(context: Context, attribute: str) -> None:
    with pytest.raises(VerifyException, match=r"^a\.mlir:3:\d+: Integer value 300 is out of range"):
        parse_text(context, f'\n"test.op"() {{a = {attribute}}} : () -> ()', "a.mlir", lines_before=1)
