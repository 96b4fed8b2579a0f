"""Operators that move elements, against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


def longs(*values: int) -> Array:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("shape", "wanted", "attributes"),
    [
        ((2, 3, 4), (4, 6), {}),
        ((2, 3, 4), (0, -1), {}),
        ((2, 3, 4), (2, -1, 2), {}),
        ((2, 3, 4), (2, 3, 2, 2, 1), {"allowzero": 1}),
        ((1, 5, 3, 2), (1, 3, 10), {}),
        ((1, 1), (), {}),
    ],
)
def test_reshape(
    check: Check, noise: Noise, shape: tuple[int, ...], wanted: tuple[int, ...], attributes: dict[str, int]
) -> None:
    check("Reshape", noise(*shape), longs(*wanted), constants=[1], **attributes)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_flatten(check: Check, noise: Noise, axis: int) -> None:
    check("Flatten", noise(2, 3, 5), axis=axis)


def test_squeeze_and_unsqueeze_with_axes_as_attribute_and_as_operand(check: Check, noise: Noise) -> None:
    check("Squeeze", noise(1, 3, 1, 2), opset=11, axes=[0, -2])
    check("Squeeze", noise(1, 3, 1, 2), longs(2), constants=[1])
    check("Squeeze", noise(1, 3, 1, 2))
    check("Unsqueeze", noise(3, 2), opset=11, axes=[0, -1])
    check("Unsqueeze", noise(3, 2), longs(-1, 1), constants=[1])


def test_squeeze_refuses_an_axis_with_elements(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="removes axes"):
        check("Squeeze", noise(1, 3, 2), longs(1), constants=[1], expected=[])


@pytest.mark.parametrize("permutation", [(0, 2, 3, 1), (3, 1, 0, 2), (0, 1, 2, 3)])
def test_transpose(check: Check, noise: Noise, permutation: Sequence[int]) -> None:
    check("Transpose", noise(2, 3, 4, 5), perm=list(permutation))


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint16", "int64", "bool", "float64"])
def test_transpose_of_other_types(check: Check, noise: Noise, dtype: str) -> None:
    check("Transpose", noise(3, 5, dtype=dtype))


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ((1, 0), (3, 2), (0, 2), (1, 1)),
        ((-1,), (-1000,), (1,), (-1,)),
        ((-2, 5), (-5, 0), (-1, 1), (-2, -3)),
        ((0,), (9223372036854775807,), (2,), (3,)),
        ((9223372036854775807,), (-9223372036854775808,), (2,), (-2,)),
        ((0, 0), (2, 3), None, None),
    ],
)
def test_slice(
    check: Check,
    noise: Noise,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> None:
    rest = [None if v is None else longs(*v) for v in (axes, steps)]
    check("Slice", noise(4, 6, 7), longs(*starts), longs(*ends), *rest, constants=[1, 2, 3, 4])


def test_slice_with_attributes(check: Check, noise: Noise) -> None:
    check("Slice", noise(4, 6), opset=9, starts=[1, -3], ends=[4, 1000], axes=[0, 1])


def test_split(check: Check, noise: Noise) -> None:
    check("Split", noise(6, 4), opset=11, outputs=3)
    check("Split", noise(6, 4), opset=11, outputs=2, split=[1, 3], axis=-1)
    check("Split", noise(6, 4), longs(2, 3, 1), opset=13, outputs=3, constants=[1])
    check("Split", noise(7, 4), opset=18, outputs=3, num_outputs=3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(check: Check, noise: Noise, axis: int) -> None:
    shapes = [[2, 4, 5], [2, 4, 5], [2, 4, 5]]
    shapes[0][axis], shapes[1][axis] = 3, 1
    check("Concat", *(noise(*shape, seed=i) for i, shape in enumerate(shapes)), axis=axis)


def test_concat_of_whole_blocks(check: Check, noise: Noise) -> None:
    check("Concat", noise(1, 4, 3, 4), noise(1, 8, 3, 4), axis=1)


def test_expand(check: Check, noise: Noise) -> None:
    check("Expand", noise(3, 1), longs(2, 1, 6), constants=[1])
    check("Expand", noise(3, 4), longs(1, 1), constants=[1])
    check("Expand", noise(3), longs(1, 3), constants=[1])
    check("Expand", noise(), longs(2, 5), constants=[1])


def test_tile(check: Check, noise: Noise) -> None:
    check("Tile", noise(2, 3, 2), longs(2, 1, 3), constants=[1])


@pytest.mark.parametrize(
    ("mode", "pads"),
    [
        ("constant", (0, 1, 2, 3, 0, 1)),
        ("constant", (-1, 1, 0, 1, -2, 0)),
        ("constant", (0, -3, 0, 0, 5, 0)),
        ("edge", (1, 0, 2, 0, 3, 1)),
        ("reflect", (1, 2, 0, 0, 3, 4)),
        ("reflect", (0, 2, 4, 0, -1, 4)),
        ("wrap", (1, 2, 3, 2, 0, 7)),
    ],
)
def test_pad(check: Check, noise: Noise, mode: str, pads: Sequence[int]) -> None:
    check("Pad", noise(2, 4, 5), longs(*pads), constants=[1], mode=mode)


def test_pad_with_a_value(check: Check, noise: Noise) -> None:
    check("Pad", noise(2, 3), longs(1, 0, 0, 2), np.array(7, np.float32), constants=[1])
    check("Pad", noise(2, 3), longs(2, 1), np.array(7, np.float32), longs(-1), constants=[1, 2, 3])
    check("Pad", noise(2, 3, dtype="int32"), longs(1, 0, 0, 2), np.array(7, np.int32), constants=[1, 2])
    check("Pad", noise(2, 3), opset=10, pads=[0, 1, 1, 0], value=2.5)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(check: Check, noise: Noise, mode: str) -> None:
    check("DepthToSpace", noise(2, 8, 2, 3), blocksize=2, mode=mode)


def test_space_to_depth(check: Check, noise: Noise) -> None:
    check("SpaceToDepth", noise(2, 3, 4, 6), blocksize=2)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [-2, 0, 1, 9])
def test_trilu(check: Check, noise: Noise, upper: int, k: int) -> None:
    check("Trilu", noise(2, 4, 5), np.array(k, np.int64), constants=[1], upper=upper)


@pytest.mark.parametrize("upper", [0, 1])
def test_trilu_by_a_computed_diagonal(check: Check, noise: Noise, upper: int) -> None:
    check("Trilu", noise(2, 4, 5), np.array(-1, np.int64), upper=upper)


def test_constants(check: Check) -> None:
    check("ConstantOfShape", longs(2, 3), constants=[0])
    check("Range", *(np.array(v, np.int64) for v in (10, -3, -4)), constants=[0, 1, 2])
    check("Range", *(np.array(v, np.float32) for v in (1, 2.5, 0.5)), constants=[0, 1, 2])
    check("EyeLike", np.zeros((3, 4), np.float32), k=1, dtype=7)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(check: Check, axis: int) -> None:
    values = np.array([2, 5], np.float32)
    check("OneHot", np.array([[0, 7, -1], [3, -9, 2]], np.int64), longs(5), values, constants=[1], axis=axis)
