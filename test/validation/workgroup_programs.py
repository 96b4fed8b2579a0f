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


def batched_product(count: int, rows: int, steps: int, columns: int) -> Case:
    """Both factors differ along the first axis."""
    x, w = floats(count, rows, steps), floats(count, steps, columns, seed=1)
    body = f"""
    kernel.compute (%b = {count}, %m = {rows}, %n = {columns}) {{
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%k = {steps}) from %zero : f32 {{
        %p = kernel.read %x0[%b * {rows * steps} + %m * {steps} + %k] : <%x0>
        %q = kernel.read %x1[%b * {steps * columns} + %k * {columns} + %n] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }}
      kernel.write %s, %y0[%b * {rows * columns} + %m * {columns} + %n] : <%y0>
    }}"""
    return one_kernel("batched_product", body, [x, w], [x @ w], tolerance=1e-4)


def padded_convolution(size: int, channels: int, columns: int) -> Case:
    """3x3 with zeros around, whose result is added to what is there already."""
    x, w, y = floats(size, size, channels), floats(3, 3, channels, columns, seed=1), floats(size, size, columns, seed=2)
    body = f"""
    kernel.compute (%y = {size}, %x = {size}, %c = {columns}) {{
      %zero = arith.constant 0.0 : f32
      %s = kernel.reduce add (%ky = 3, %kx = 3, %ci = {channels}) from %zero : f32 {{
        %in = kernel.inside [%y + %ky + -1, %x + %kx + -1] of [{size}, {size}]
        %v = kernel.read %x0[(%y + %ky + -1) * {size * channels} + (%x + %kx + -1) * {channels} + %ci] : <%x0>
        %p = arith.select %in, %v, %zero : f32
        %q = kernel.read %x1[%ky * {3 * channels * columns} + %kx * {channels * columns} + %ci * {columns} + %c] : <%x1>
        %pq = arith.mulf %p, %q : f32
        kernel.yield %pq : f32
      }}
      %before = kernel.read %x2[%y * {size * columns} + %x * {columns} + %c] : <%x2>
      %after = arith.addf %s, %before : f32
      kernel.write %after, %y0[%y * {size * columns} + %x * {columns} + %c] : <%y0>
    }}"""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    windows = [padded[i : i + size, j : j + size] @ w[i, j] for i in range(3) for j in range(3)]
    return one_kernel("padded_convolution", body, [x, w, y], [np.add(sum(windows[1:], windows[0]), y)], tolerance=1e-4)


SHARED: tuple[Case, ...] = (
    product("long_sums", 1, 1026, 24),
    product("long_sums_of_rows", 3, 200, 10),
    long_softmax(3, 700),
    least_of_all(3, 1500),
    product("large_tiles", 256, 64, 512),
    product("ragged_tiles", 130, 37, 516),
    batched_product(3, 40, 36, 384),
    padded_convolution(25, 6, 64),
)
