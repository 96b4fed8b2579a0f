"""Kernels on tensors, run on numpy arrays."""

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.dialects.kernel.reference import points, run_function
from webdnn.dialects.kernel.reference.points import boxes
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import STORE

Parse = Callable[[str], ModuleOp]
Floats = NDArray[np.float32]


def counting(*shape: int) -> Floats:
    return np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)


MATMUL = """
func.func @main(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = kernel.compute (%m = 3, %n = 5) -> tensor<3x5xf32> {
    %init = arith.constant 1.0 : f32
    %s = kernel.reduce add (%k = 4) from %init : f32 {
      %p = kernel.read %a[%m, %k] : tensor<3x4xf32>
      %q = kernel.read %b[%k, %n] : tensor<4x5xf32>
      %r = arith.mulf %p, %q : f32
      kernel.yield %r : f32
    }
    kernel.yield %s : f32
  }
  func.return %0 : tensor<3x5xf32>
}
"""


def test_reduction_starts_from_its_initial_value(parse: Parse) -> None:
    a, b = counting(3, 4), counting(4, 5)
    (found,) = run_function(parse(MATMUL), [a, b])
    np.testing.assert_array_equal(found, a @ b + 1)


@pytest.mark.parametrize("most", [1, 4, 11, 20, 1000])
def test_large_spaces_are_cut_into_boxes(parse: Parse, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MOST_POINTS", most)
    a, b = counting(3, 4), counting(4, 5)
    (found,) = run_function(parse(MATMUL), [a, b])
    np.testing.assert_array_equal(found, a @ b + 1)


@pytest.mark.parametrize("most", [1, 2, 5, 7, 30, 100])
def test_boxes_cover_each_point_once(most: int) -> None:
    seen = np.zeros((3, 4, 2), np.int64)
    for box in boxes(seen.shape, most):
        assert np.prod([len(r) for r in box]) <= most
        seen[tuple(slice(r.start, r.stop) for r in box)] += 1
    assert (seen == 1).all()


def test_boxes_of_a_space_without_axes() -> None:
    assert list(boxes((), 10)) == [()]


def test_sequence_of_reductions_is_a_softmax(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
          %0 = kernel.compute (%r = 2, %c = 3) -> tensor<2x3xf32> {
            %low = arith.constant 0xff800000 : f32
            %zero = arith.constant 0.0 : f32
            %max = kernel.reduce max (%k = 3) from %low : f32 {
              %v = kernel.read %x[%r, %k] : tensor<2x3xf32>
              kernel.yield %v : f32
            }
            %sum = kernel.reduce add (%k = 3) from %zero : f32 {
              %v = kernel.read %x[%r, %k] : tensor<2x3xf32>
              %d = arith.subf %v, %max : f32
              %e = math.exp %d : f32
              kernel.yield %e : f32
            }
            %v = kernel.read %x[%r, %c] : tensor<2x3xf32>
            %d = arith.subf %v, %max : f32
            %e = math.exp %d : f32
            %q = arith.divf %e, %sum : f32
            kernel.yield %q : f32
          }
          func.return %0 : tensor<2x3xf32>
        }""")
    x = np.array([[1, 2, 3], [-5, 0, 5]], np.float32)
    (found,) = run_function(module, [x])
    exponents = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(found.astype(np.float64), exponents / exponents.sum(1, keepdims=True), rtol=1e-6)


def test_nested_reduction_and_a_yield_that_ignores_axes(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<2x3xf32>) -> tensor<2xf32> {
          %0 = kernel.compute (%i = 2) -> tensor<2xf32> {
            %zero = arith.constant 0.0 : f32
            %one = arith.constant 1.0 : f32
            %s = kernel.reduce mul (%a = 2) from %one : f32 {
              %t = kernel.reduce add (%b = 3, %c = 2) from %zero : f32 {
                %v = kernel.read %x[%i, %b] : tensor<2x3xf32>
                kernel.yield %v : f32
              }
              kernel.yield %t : f32
            }
            kernel.yield %s : f32
          }
          func.return %0 : tensor<2xf32>
        }""")
    x = counting(2, 3)
    (found,) = run_function(module, [x])
    np.testing.assert_array_equal(found, (x.sum(1) * 2) ** 2)


@pytest.mark.parametrize(
    ("kind", "element", "values", "expected"),
    [
        ("and", "i1", np.array([True, True, False]), False),
        ("or", "i1", np.array([True, False, False]), True),
        ("and", "i32", np.array([7, 6, 14], np.int32), 6),
        ("min", "i64", np.array([7, -6, 14], np.int64), -6),
        ("max", "f32", np.array([1, np.nan, 2], np.float32), np.nan),
        ("add", "i32", np.array([1 << 30, 1 << 30, 5], np.int32), 5 - (1 << 31)),
    ],
)
def test_kinds_of_reduction(
    parse: Parse, kind: str, element: str, values: NDArray[np.generic], expected: float
) -> None:
    module = parse(f"""
        func.func @main(%x: tensor<3x{element}>) -> tensor<{element}> {{
          %0 = kernel.compute () -> tensor<{element}> {{
            %first = kernel.read %x[0] : tensor<3x{element}>
            %s = kernel.reduce {kind} (%k = 2) from %first : {element} {{
              %v = kernel.read %x[%k + 1] : tensor<3x{element}>
              kernel.yield %v : {element}
            }}
            kernel.yield %s : {element}
          }}
          func.return %0 : tensor<{element}>
        }}""")
    (found,) = run_function(module, [values])
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, np.array(expected, values.dtype))


def test_outside_inset_inside_and_index(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<4xi32>) -> (tensor<6xi32>, tensor<6xi32>) {
          %0, %1 = kernel.compute (%i = 4) -> tensor<6xi32>, tensor<6xi32> inset [1] {
            %nine = arith.constant 9 : i32
            %v = kernel.read %x[%i * 2 + -1] outside %nine : tensor<4xi32>
            %at = kernel.index [%i floordiv 2 + %i mod 2]
            %n = arith.index_cast %at : index to i32
            %p = kernel.inside [%i + -1, %i] of [4, 3]
            %w = arith.select %p, %n, %nine : i32
            kernel.yield %v, %w : i32, i32
          }
          func.return %0, %1 : tensor<6xi32>, tensor<6xi32>
        }""")
    v, w = run_function(module, [np.array([1, 2, 3, 4], np.int32)])
    assert v.tolist() == [0, 9, 2, 4, 9, 0]
    assert w.tolist() == [0, 9, 1, 1, 9, 0]


def test_index_that_was_read_is_a_gather(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<4xf32>, %i: tensor<3xi64>) -> tensor<3xf32> {
          %0 = kernel.compute (%k = 3) -> tensor<3xf32> {
            %zero = arith.constant 0 : i64
            %three = arith.constant 3 : i64
            %v = kernel.read %i[%k] : tensor<3xi64>
            %low = arith.maxsi %v, %zero : i64
            %high = arith.minsi %low, %three : i64
            %at = arith.index_cast %high : i64 to index
            %r = kernel.read %x[%at] : tensor<4xf32>
            kernel.yield %r : f32
          }
          func.return %0 : tensor<3xf32>
        }""")
    (found,) = run_function(module, [counting(4), np.array([2, -7, 99])])
    assert found.tolist() == [3, 1, 4]


@pytest.mark.parametrize(
    ("element", "scalar", "stored", "expected"),
    [
        ("f16", "f32", np.array([2048, 1], np.float16), np.array([2048, 2], np.float16)),
        ("bf16", "f32", np.array([1, 256], ml_dtypes.bfloat16), np.array([2, 256], ml_dtypes.bfloat16)),
        ("i8", "i32", np.array([127, -1], np.int8), np.array([-128, 0], np.int8)),
        ("ui8", "i32", np.array([255, 7], np.uint8), np.array([0, 8], np.uint8)),
        ("ui32", "i32", np.array([(1 << 32) - 1, 7], np.uint32), np.array([0, 8], np.uint32)),
        ("ui64", "i64", np.array([(1 << 64) - 1, 7], np.uint64), np.array([0, 8], np.uint64)),
    ],
)
def test_reading_widens_and_yielding_narrows(
    parse: Parse, element: str, scalar: str, stored: NDArray[np.generic], expected: NDArray[np.generic]
) -> None:
    kind, one = ("f", "1.0") if scalar == "f32" else ("i", "1")
    module = parse(f"""
        func.func @main(%x: tensor<{stored.size}x{element}>) -> tensor<{stored.size}x{element}> {{
          %0 = kernel.compute (%i = {stored.size}) -> tensor<{stored.size}x{element}> {{
            %v = kernel.read %x[%i] : tensor<{stored.size}x{element}>
            %one = arith.constant {one} : {scalar}
            %r = arith.add{kind} %v, %one : {scalar}
            kernel.yield %r : {scalar}
          }}
          func.return %0 : tensor<{stored.size}x{element}>
        }}""")
    (found,) = run_function(module, [stored])
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_vectors_are_neighbours_along_the_last_axis(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<2x8xf32>) -> tensor<2xf32> {
          %0 = kernel.compute (%i = 2) -> tensor<2xf32> {
            %two = arith.constant 2.0 : f32
            %zero = arith.constant dense<0.0> : vector<4xf32>
            %splat = vector.broadcast %two : f32 to vector<4xf32>
            %s = kernel.reduce add (%k = 2) from %zero : vector<4xf32> {
              %v = kernel.read %x[%i, %k * 4] : tensor<2x8xf32>, vector<4xf32>
              %w = vector.fma %v, %splat, %v : vector<4xf32>
              kernel.yield %w : vector<4xf32>
            }
            %r = vector.extract %s[3] : f32 from vector<4xf32>
            kernel.yield %r : f32
          }
          func.return %0 : tensor<2xf32>
        }""")
    x = counting(2, 8)
    (found,) = run_function(module, [x])
    np.testing.assert_array_equal(found, 3 * (x[:, 3] + x[:, 7]))


def test_views_places_constants_and_operators_of_other_levels(parse: Parse) -> None:
    key = STORE.put(counting(2, 2))
    layout = "tensor<2x3xf32, #tensor_layout.layout<[1, 0]>>"
    module = parse(f"""
        func.func @main(%x: tensor<2x1xf32>) -> (tensor<6xf32>, {layout}) {{
          %w = dnn.constant #dnn.weight<{key} : tensor<2x2xf32>> : tensor<2x2xf32>
          %c = dnn.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32> : tensor<3xf32>
          %0 = kernel.concat 1 %x, %w : tensor<2x1xf32>, tensor<2x2xf32> -> tensor<2x3xf32>
          %1 = dnn.add %0, %c : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
          %2 = tensor_layout.convert %1 : tensor<2x3xf32> -> {layout}
          %3 = kernel.reshape %1 : tensor<2x3xf32> -> tensor<6xf32>
          func.return %3, %2 : tensor<6xf32>, {layout}
        }}""")
    flat, converted = run_function(module, [np.array([[7], [8]])])
    assert flat.tolist() == [17, 21, 32, 18, 23, 34]
    assert converted.tolist() == [[17, 21, 32], [18, 23, 34]]


def test_absent_optional_operands(parse: Parse) -> None:
    module = parse("""
        func.func @main(%x: tensor<1x1x2xf32>, %w: tensor<1x1x1xf32>) -> tensor<1x1x2xf32> {
          %0 = dnn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>,
                                groups = 1 : i64} : (tensor<1x1x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
          func.return %0 : tensor<1x1x2xf32>
        }""")
    (found,) = run_function(module, [counting(1, 1, 2), np.full((1, 1, 1), 3, np.float32)])
    assert found.tolist() == [[[3, 6]]]


def test_wrong_inputs_are_diagnosed(parse: Parse) -> None:
    with pytest.raises(DiagnosticError, match=r"takes inputs of shapes \[\(3, 4\), \(4, 5\)\], found \[\(3, 4\)\]"):
        run_function(parse(MATMUL), [counting(3, 4)])
    with pytest.raises(DiagnosticError, match="no function @other"):
        run_function(parse(MATMUL), [], "other")
