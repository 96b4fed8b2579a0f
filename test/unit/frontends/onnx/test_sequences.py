"""Sequences of tensors are lists while a model is imported: what comes out of them is what onnxruntime has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.oracle import Oracle
from webdnn.tools.reference import Reference

BODIES: Mapping[str, tuple[str, str]] = {
    "equal parts": (
        "float[2,3] a, float[1,3] b, int64 n",
        "two = Constant<value_int=2>() parts = SplitToSequence<axis=0>(x, two) one = Constant<value_int=1>() "
        "last = Constant<value_int=-1>() a = SequenceAt(parts, one) b = SequenceAt(parts, last) "
        "n = SequenceLength(parts)",
    ),
    "parts of given sizes": (
        "float[5,2] y",
        "sizes = Constant<value_ints=[1,2]>() parts = SplitToSequence<axis=1>(x, sizes) one = Constant<value_int=1>() "
        "y = SequenceAt(parts, one)",
    ),
    "row by row": (
        "float[3] y",
        "parts = SplitToSequence<axis=0, keepdims=0>(x) one = Constant<value_int=4>() y = SequenceAt(parts, one)",
    ),
    "joined again": (
        "float[10,3] y, float[2,5,3] z",
        "b = Neg(x) both = SequenceConstruct(x, b) y = ConcatFromSequence<axis=0>(both) "
        "z = ConcatFromSequence<axis=0, new_axis=1>(both)",
    ),
    "edited": (
        "float[5,6] y",
        "none = SequenceEmpty() b = Neg(x) c = Abs(x) one = SequenceInsert(none, b) two = SequenceInsert(one, c) "
        "zero = Constant<value_int=0>() three = SequenceInsert(two, x, zero) at = Constant<value_int=1>() "
        "rest = SequenceErase(three, at) y = ConcatFromSequence<axis=1>(rest)",
    ),
    "filled in a loop": (
        "float[4,5,3] y",
        "none = SequenceEmpty() four = Constant<value_int=4>() yes = Constant<value_int=1>() go = Cast<to=9>(yes) "
        "all = Loop(four, go, none) <body = step (int64 i, bool c, seq(float) list) => (bool d, "
        "seq(float) longer) { d = Identity(c) k = Cast<to=1>(i) row = Mul(x, k) "
        "longer = SequenceInsert(list, row) }> y = ConcatFromSequence<axis=0, new_axis=1>(all)",
    ),
}


def write(outputs: str, nodes: str, path: Path) -> Path:
    text = f'<ir_version: 10, opset_import: ["" : 18]> lists (float[5,3] x) => ({outputs}) {{ {nodes} }}'
    path.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    return path


@pytest.mark.parametrize("name", BODIES)
def test_what_comes_out_of_sequences(name: str, tmp_path: Path) -> None:
    path = write(*BODIES[name], tmp_path / "model.onnx")
    given = {"x": np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)}
    expected, found = Oracle(path).run(given), Reference(import_onnx(path)).run(given)
    for output, value in expected.items():
        np.testing.assert_array_equal(as_array(found[output]), as_array(value), err_msg=output)


@pytest.mark.parametrize(
    ("outputs", "nodes", "problem"),
    [
        ("seq(float) y", "y = SequenceConstruct(x, x)", "output is a sequence of tensors"),
        ("float[5,3] y", "s = SequenceConstruct(x, x) y = Relu(s)", "takes a sequence where it needs a tensor"),
        (
            "float[5,3] y",
            "s = SequenceConstruct(x, x) two = Constant<value_int=2>() y = SequenceAt(s, two)",
            "asks for place 2 of 2",
        ),
    ],
)
def test_sequences_that_are_no_tensors_are_refused(outputs: str, nodes: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match=problem):
        import_onnx(write(outputs, nodes, tmp_path / "model.onnx"))
