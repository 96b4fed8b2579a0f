"""`kernel-split-shared-reductions`: the axes that a value depends on."""

from __future__ import annotations

from helpers.schedules import compute_in
from webdnn.passes.kernel.fusion.split_shared_reductions import axes_of


def test_a_value_that_is_used_twice_is_looked_at_once() -> None:
    """64 sums of a value and itself reach what they begin with in 2^64 ways."""
    sums = "\n".join(f"%v{i + 1} = arith.addf %v{i}, %v{i} : f32" for i in range(64))
    text = f"""
      kernel.func @sums(%x: memref<6xf32>, %y: memref<6xf32>) {{
        kernel.compute (%m = 2, %n = 3) {{
          %v0 = kernel.read %x[%m] : memref<6xf32>
          {sums}
          kernel.write %v64, %y[%m * 3 + %n] : memref<6xf32>
        }}
      }}"""
    compute = compute_in(text)
    last = next(op.results[0] for op in reversed(list(compute.body.block.ops)) if op.results)
    assert axes_of(last, compute) == {compute.axes[0]}
