"""Hand-written programs whose kernels workgroups compute on WebGPU, with inputs and what numpy makes of them."""

from __future__ import annotations

import numpy as np

from validation.kernel_programs import Case, floats, one_kernel


def product(name: str, rows: int, steps: int, columns: int) -> Case:
    """A matrix product with a bias."""
    x, w, b = floats(rows, steps), floats(steps, columns, seed=1), floats(columns, seed=2)
    body = f"""
    kernel.compute (%m = {rows}, %n = {columns}) {{
      %bias = kernel.read %x2[%n] : <%x2>
      %s = kernel.reduce add (%k = {steps}) from %bias : f32 {{
        %p = kernel.read %x0[%m * {steps} + %k] : <%x0>
        %q = kernel.read %x1[%k * {columns} + %n] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }}
      %zero = arith.constant 0.0 : f32
      %r = arith.maximumf %s, %zero : f32
      kernel.write %r, %y0[%m * {columns} + %n] : <%y0>
    }}"""
    return one_kernel(name, body, [x, w, b], [np.maximum(x @ w + b, 0)], tolerance=1e-4)


def long_softmax(rows: int, steps: int) -> Case:
    """The maximum and the sum of a row are the same for all of it."""
    x = floats(rows, steps)
    body = f"""
    kernel.compute (%m = {rows}, %n = {steps}) {{
      %low = arith.constant 0xFF800000 : f32
      %zero = arith.constant 0.0 : f32
      %max = kernel.reduce max (%k = {steps}) from %low : f32 {{
        %v = kernel.read %x0[%m * {steps} + %k] : <%x0>
        kernel.yield %v : f32
      }}
      %sum = kernel.reduce add (%k = {steps}) from %zero : f32 {{
        %v = kernel.read %x0[%m * {steps} + %k] : <%x0>
        %d = arith.subf %v, %max : f32
        %e = math.exp %d : f32
        kernel.yield %e : f32
      }}
      %v = kernel.read %x0[%m * {steps} + %n] : <%x0>
      %d = arith.subf %v, %max : f32
      %e = math.exp %d : f32
      %q = arith.divf %e, %sum : f32
      kernel.write %q, %y0[%m * {steps} + %n] : <%y0>
    }}"""
    e = np.exp(x - x.max(1, keepdims=True))
    return one_kernel("long_softmax", body, [x], [e / e.sum(1, keepdims=True)])


def least_of_all(height: int, width: int) -> Case:
    """One result of integers in two dimensions, and what it starts from."""
    x = np.random.default_rng(3).integers(-1000, 1000, (height, width)).astype(np.int32)
    body = f"""
    kernel.compute () {{
      %start = arith.constant 5 : i32
      %s = kernel.reduce min (%a = {height}, %b = {width}) from %start : i32 {{
        %v = kernel.read %x0[%a * {width} + %b] : <%x0>
        kernel.yield %v : i32
      }}
      kernel.write %s, %y0[0] : <%y0>
    }}"""
    return one_kernel("least_of_all", body, [x], [np.minimum(x.min(), 5).reshape(1)])


SHARED: tuple[Case, ...] = (
    product("long_sums", 1, 1026, 24),
    product("long_sums_of_rows", 3, 200, 10),
    long_softmax(3, 700),
    least_of_all(3, 1500),
)
