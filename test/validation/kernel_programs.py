"""Small hand-written programs of kernels on flat buffers, with inputs and what numpy makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.weights import STORE

Array = NDArray[np.generic]

NAMES = {np.dtype(t.numpy): t.name for t in ELEMENT_TYPES.values() if t.numpy != "bfloat16"}
IR = {"bool": "i1", **{f"u{bits}": f"ui{bits}" for bits in (8, 16, 32, 64)}}


@dataclass(frozen=True)
class Case:
    """A program, its inputs and its outputs."""

    name: str
    module: str
    inputs: Sequence[Array]
    outputs: Sequence[Array]
    tolerance: float = 1e-5


def element_name(array: Array) -> str:
    return NAMES[array.dtype]


def ir_type(array: Array, *, flat: bool = False) -> str:
    name = element_name(array)
    shape = [array.size] if flat else array.shape
    return f"memref<{''.join(f'{n}x' for n in shape)}{IR.get(name, name)}>"


def one_kernel(name: str, body: str, inputs: Sequence[Array], outputs: Sequence[Array], **more: float) -> Case:
    """A program of one kernel; `body` names its buffers %0, %1, … and then %y0, %y1, …, with `{%0}` for a type."""
    names = [f"%x{i}" for i in range(len(inputs))] + [f"%y{i}" for i in range(len(outputs))]
    arrays = [*inputs, *outputs]
    for n, a in zip(names, arrays, strict=True):
        body = body.replace(f"<{n}>", ir_type(a, flat=True))
    parameters = ", ".join(f"{n}: {ir_type(a, flat=True)}" for n, a in zip(names, arrays, strict=True))
    allocs = "\n".join(f"    %y{i} = kernel.alloc : {ir_type(a)}" for i, a in enumerate(outputs))
    types = ", ".join(ir_type(a) for a in arrays)
    results = ", ".join(ir_type(a) for a in outputs)
    returned = ", ".join(f"%y{i}" for i in range(len(outputs)))
    given = ", ".join(f"%x{i}: {ir_type(a)}" for i, a in enumerate(inputs))
    text = f"""builtin.module {{
  kernel.func @{name}({parameters}) {{
{body}
  }}
  func.func @main({given}) -> ({results}) {{
{allocs}
    kernel.call @{name}({", ".join(names)}) : {types}
    func.return {returned} : {results}
  }}
}}
"""
    return Case(name, text, inputs, outputs, **more)


def floats(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def matmul() -> Case:
    a, b, bias = floats(7, 8), floats(8, 12, seed=1), floats(12, seed=2)
    body = """
    kernel.compute (%m = 7, %n = 12) {
      %bias = kernel.read %x2[%n] : <%x2>
      %s = kernel.reduce add (%k = 8) from %bias : f32 {
        %p = kernel.read %x0[%m * 8 + %k] : <%x0>
        %q = kernel.read %x1[%k * 12 + %n] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }
      %zero = arith.constant 0.0 : f32
      %r = arith.maximumf %s, %zero : f32
      kernel.write %r, %y0[%m * 12 + %n] : <%y0>
    }"""
    return one_kernel("matmul", body, [a, b, bias], [np.maximum(a @ b + bias, 0)])


def ragged_matmul() -> Case:
    """No extent is a multiple of four."""
    a, b = floats(3, 7), floats(7, 5, seed=1)
    body = """
    kernel.compute (%m = 3, %n = 5) {
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%k = 7) from %zero : f32 {
        %p = kernel.read %x0[%m * 7 + %k] : <%x0>
        %q = kernel.read %x1[%k * 5 + %n] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }
      kernel.write %s, %y0[%m * 5 + %n] : <%y0>
    }"""
    return one_kernel("ragged_matmul", body, [a, b], [a @ b])


def convolution() -> Case:
    """3 x 3, stride 2, padding 1, channels last."""
    x, w = floats(5, 7, 4), floats(3, 3, 4, 8, seed=1)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    expected = np.zeros((3, 4, 8), np.float32)
    for i in range(3):
        for j in range(3):
            expected += padded[i : i + 5 : 2, j : j + 7 : 2] @ w[i, j]
    body = """
    kernel.compute (%y = 3, %x = 4, %c = 8) {
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%ky = 3, %kx = 3, %ci = 4) from %zero : f32 {
        %in = kernel.inside [%y * 2 + %ky + -1, %x * 2 + %kx + -1] of [5, 7]
        %r = kernel.read %x0[%y * 56 + %ky * 28 + %x * 8 + %kx * 4 + %ci + -32] : <%x0>
        %p = arith.select %in, %r, %zero : f32
        %q = kernel.read %x1[%ky * 96 + %kx * 32 + %ci * 8 + %c] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }
      kernel.write %s, %y0[%y * 32 + %x * 8 + %c] : <%y0>
    }"""
    return one_kernel("convolution", body, [x, w], [expected])


def convolution_channels_first() -> Case:
    """3 x 3, padding 1, with rows of five."""
    x, w = floats(2, 4, 5), floats(3, 2, 3, 3, seed=1)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    expected = np.zeros((3, 4, 5), np.float32)
    for i in range(3):
        for j in range(3):
            expected += np.einsum("oc,cyx->oyx", w[:, :, i, j], padded[:, i : i + 4, j : j + 5])
    body = """
    kernel.compute (%c = 3, %y = 4, %x = 5) {
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%ci = 2, %ky = 3, %kx = 3) from %zero : f32 {
        %in = kernel.inside [%y + %ky + -1, %x + %kx + -1] of [4, 5]
        %r = kernel.read %x0[%ci * 20 + %y * 5 + %ky * 5 + %x + %kx + -6] : <%x0>
        %p = arith.select %in, %r, %zero : f32
        %q = kernel.read %x1[%c * 18 + %ci * 9 + %ky * 3 + %kx] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }
      kernel.write %s, %y0[%c * 20 + %y * 5 + %x] : <%y0>
    }"""
    return one_kernel("convolution_channels_first", body, [x, w], [expected])


def max_pool() -> Case:
    """2 x 2, stride 1, padding 1 of minus infinity, of one row that is nothing else."""
    x = floats(3, 4)
    x[0] = -np.inf
    padded = np.pad(x, 1, constant_values=-np.inf)
    expected = np.max([padded[i : i + 4, j : j + 5] for i in (0, 1) for j in (0, 1)], axis=0)
    body = """
    kernel.compute (%y = 4, %x = 5) {
      %low = arith.constant 0xFF800000 : f32
      %s = kernel.reduce max (%ky = 2, %kx = 2) from %low : f32 {
        %in = kernel.inside [%y + %ky + -1, %x + %kx + -1] of [3, 4]
        %r = kernel.read %x0[%y * 4 + %ky * 4 + %x + %kx + -5] : <%x0>
        %p = arith.select %in, %r, %low : f32
        kernel.yield %p : f32
      }
      kernel.write %s, %y0[%y * 5 + %x] : <%y0>
    }"""
    return one_kernel("max_pool", body, [x], [expected])


def transposed_convolution() -> Case:
    """Length 5, 3 taps, stride 2, padding 1, by phases; the row that is read is a division."""
    x, w = floats(5, 4), floats(3, 4, 8, seed=1)
    full = np.zeros((13, 8), np.float32)
    for i in range(5):
        for k in range(3):
            full[i * 2 + k] += x[i] @ w[k]
    body = """
    kernel.compute (%p = 10, %c = 8) {
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%k = 2, %ci = 4) from %zero : f32 {
        %in = kernel.inside [(%p + 1) floordiv 2 + %k * -1, %k * 2 + (%p + 1) mod 2] of [5, 3]
        %r = kernel.read %x0[(%p + 1) floordiv 2 * 4 + %k * -4 + %ci] : <%x0>
        %v = kernel.read %x1[%k * 64 + (%p + 1) mod 2 * 32 + %ci * 8 + %c] : <%x1>
        %rv = arith.mulf %r, %v : f32
        %t = arith.select %in, %rv, %zero : f32
        kernel.yield %t : f32
      }
      kernel.write %s, %y0[%p * 8 + %c] : <%y0>
    }"""
    return one_kernel("transposed_convolution", body, [x, w], [full[1:11]])


def special_values() -> Case:
    """Infinities and NaN made and found."""
    x = np.array([1, np.inf, -np.inf, np.nan, 0, -2, 3, np.nan], np.float32)
    body = """
    kernel.compute (%i = 8) {
      %inf = arith.constant 0x7F800000 : f32
      %nan = arith.constant 0x7FC00000 : f32
      %zero = arith.constant 0.0 : f32
      %x = kernel.read %x0[%i] : <%x0>
      %isnan = arith.cmpf uno, %x, %x : f32
      %negative = arith.cmpf olt, %x, %zero : f32
      %r = arith.select %isnan, %inf, %x : f32
      %s = arith.select %negative, %nan, %r : f32
      kernel.write %isnan, %y0[%i] : <%y0>
      kernel.write %s, %y1[%i] : <%y1>
    }"""
    made = np.where(x < 0, np.nan, np.where(np.isnan(x), np.inf, x)).astype(np.float32)
    return one_kernel("special_values", body, [x], [np.isnan(x), made])


def half_floats() -> Case:
    x = np.array([1, 0.1, -65504, 6e-8, 3.14, 0], np.float16)
    body = """
    kernel.compute (%i = 6) {
      %two = arith.constant 0.5 : f32
      %x = kernel.read %x0[%i] : <%x0>
      %r = arith.mulf %x, %two : f32
      kernel.write %r, %y0[%i] : <%y0>
    }"""
    return one_kernel("half_floats", body, [x], [x / np.float16(2)])


def softmax() -> Case:
    """Three kernels with buffers between them, of rows that are no whole texels."""
    x = floats(5, 10)
    e = np.exp(x - x.max(1, keepdims=True))
    text = """builtin.module {
  kernel.func @largest(%x: memref<50xf32>, %m: memref<5xf32>) {
    kernel.compute (%i = 5) {
      %low = arith.constant 0xFF800000 : f32
      %r = kernel.reduce max (%k = 10) from %low : f32 {
        %v = kernel.read %x[%i * 10 + %k] : memref<50xf32>
        kernel.yield %v : f32
      }
      kernel.write %r, %m[%i] : memref<5xf32>
    }
  }
  kernel.func @sum(%x: memref<50xf32>, %m: memref<5xf32>, %s: memref<5xf32>) {
    kernel.compute (%i = 5) {
      %zero = arith.constant 0.0 : f32
      %most = kernel.read %m[%i] : memref<5xf32>
      %r = kernel.reduce add (%k = 10) from %zero : f32 {
        %v = kernel.read %x[%i * 10 + %k] : memref<50xf32>
        %d = arith.subf %v, %most : f32
        %e = math.exp %d : f32
        kernel.yield %e : f32
      }
      kernel.write %r, %s[%i] : memref<5xf32>
    }
  }
  kernel.func @quotient(%x: memref<50xf32>, %m: memref<5xf32>, %s: memref<5xf32>, %y: memref<50xf32>) {
    kernel.compute (%i = 5, %k = 10) {
      %v = kernel.read %x[%i * 10 + %k] : memref<50xf32>
      %most = kernel.read %m[%i] : memref<5xf32>
      %total = kernel.read %s[%i] : memref<5xf32>
      %d = arith.subf %v, %most : f32
      %e = math.exp %d : f32
      %q = arith.divf %e, %total : f32
      kernel.write %q, %y[%i * 10 + %k] : memref<50xf32>
    }
  }
  func.func @main(%x: memref<5x10xf32>) -> memref<5x10xf32> {
    %m = kernel.alloc : memref<5xf32>
    kernel.call @largest(%x, %m) : memref<5x10xf32>, memref<5xf32>
    %s = kernel.alloc : memref<5xf32>
    kernel.call @sum(%x, %m, %s) : memref<5x10xf32>, memref<5xf32>, memref<5xf32>
    %y = kernel.alloc : memref<5x10xf32>
    kernel.call @quotient(%x, %m, %s, %y) : memref<5x10xf32>, memref<5xf32>, memref<5xf32>, memref<5x10xf32>
    func.return %y : memref<5x10xf32>
  }
}
"""
    return Case("softmax", text, [x], [e / e.sum(1, keepdims=True)])


def shared_kernel() -> Case:
    """One kernel adds a constant, then an input, then in place."""
    x, w = floats(8), floats(8, seed=3)
    key = STORE.put(w)
    text = f"""builtin.module {{
  kernel.func @add(%a: memref<8xf32>, %b: memref<8xf32>, %y: memref<8xf32>) {{
    kernel.compute (%i = 8) {{
      %p = kernel.read %a[%i] : memref<8xf32>
      %q = kernel.read %b[%i] : memref<8xf32>
      %r = arith.addf %p, %q : f32
      kernel.write %r, %y[%i] : memref<8xf32>
    }}
  }}
  func.func @main(%x: memref<8xf32>) -> memref<8xf32> {{
    %w = kernel.weight #dnn.weight<{key} : tensor<8xf32>> : memref<8xf32>
    %a = kernel.alloc : memref<8xf32>
    kernel.call @add(%x, %w, %a) : memref<8xf32>, memref<8xf32>, memref<8xf32>
    %b = kernel.alloc : memref<8xf32>
    kernel.call @add(%x, %a, %b) : memref<8xf32>, memref<8xf32>, memref<8xf32>
    %c = kernel.alloc : memref<8xf32>
    kernel.call @add(%b, %b, %c) : memref<8xf32>, memref<8xf32>, memref<8xf32>
    func.return %c : memref<8xf32>
  }}
}}
"""
    return Case("shared_kernel", text, [x], [2 * (2 * x + w)])


def unary(name: str, function: Callable[[Array], Array], low: float, high: float) -> Case:
    """A function of `math` on 64 points of an interval."""
    x = np.linspace(low, high, 64, dtype=np.float32)
    body = f"""
    kernel.compute (%i = 64) {{
      %x = kernel.read %x0[%i] : <%x0>
      %r = math.{name} %x : f32
      kernel.write %r, %y0[%i] : <%y0>
    }}"""
    expected = function(x.astype(np.float64)).astype(np.float32)
    return one_kernel(f"math_{name}", body, [x], [expected], tolerance=2e-6)


def power() -> Case:
    x = np.array([2, -2, -2, 0, 0, 1.5, 9, 3], np.float32)
    y = np.array([10, 3, 2, 3, 0, -2.5, 0.5, 1], np.float32)
    body = """
    kernel.compute (%i = 8) {
      %a = kernel.read %x0[%i] : <%x0>
      %b = kernel.read %x1[%i] : <%x1>
      %r = math.powf %a, %b : f32
      kernel.write %r, %y0[%i] : <%y0>
    }"""
    return one_kernel("power", body, [x, y], [x**y], tolerance=1e-5)
