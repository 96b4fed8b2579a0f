"""Signatures of kernels: what they do not depend on, and what they do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from helpers.schedules import compute_in
from webdnn.passes.kernel.scheduling.select_schedule import default_plan
from webdnn.passes.kernel.scheduling.signature import signature

KERNEL = """
kernel.func @conv(%x: memref<512xf32>, %w: memref<64xf32>, %b: memref<8xf32>, %y: memref<512xf32>) {
  kernel.compute (%m = 64, %n = 8) {
    %start = kernel.read %b[%n] : memref<8xf32>
    %low = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = 8) from %start : f32 {
      %p = kernel.read %x[%m * 8 + %k] : memref<512xf32>
      %q = kernel.read %w[%k * 8 + %n] : memref<64xf32>
      %pq = arith.mulf %p, %q : f32
      kernel.yield %pq : f32
    }
    %r = arith.maximumf %s, %low : f32
    kernel.write %r, %y[%m * 8 + %n] : memref<512xf32>
  }
}
"""

OTHERWISE_WRITTEN = """
kernel.func @sum7(%out: memref<512xf32>, %3: memref<8xf32>, %weights: memref<64xf32>, %in: memref<512xf32>) {
  kernel.compute (%row = 64, %column = 8) {
    %zero = arith.constant 0.0 : f32
    %5 = kernel.read %3[%column] : memref<8xf32>
    %total = kernel.reduce add (%step = 8) from %5 : f32 {
      %weight = kernel.read %weights[%column + %step * 8] : memref<64xf32>
      %value = kernel.read %in[%step + %row * 8] : memref<512xf32>
      %product = arith.mulf %value, %weight : f32
      kernel.yield %product : f32
    }
    %clipped = arith.maximumf %total, %zero : f32
    kernel.write %clipped, %out[%column + %row * 8] : memref<512xf32>
  }
}
"""


def test_names_and_the_order_of_operations_and_buffers_do_not_matter() -> None:
    found = signature(compute_in(KERNEL))
    assert found.startswith("sum 64x8 over 8 #")
    assert signature(compute_in(OTHERWISE_WRITTEN)) == found


def test_a_schedule_does_not_matter() -> None:
    compute = compute_in(KERNEL)
    found = signature(compute)
    default_plan(compute, "relaxed").apply(compute)
    assert compute.schedule is not None
    assert signature(compute) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%m = 64", "%m = 32"),
        ("%k * 8 + %n", "%k * 8 + 7 - %n".replace("- %n", "+ %n * -1")),
        ("constant 0.0", "constant 1.0"),
        ("maximumf", "minimumf"),
        ("reduce add", "reduce max"),
        ("kernel.read %b[%n] : memref<8xf32>", "kernel.read %w[%n] : memref<64xf32>"),
        ("mulf %p, %q", "mulf %p, %p"),
    ],
)
def test_whatever_else_it_computes_matters(old: str, new: str) -> None:
    assert old in KERNEL
    assert signature(compute_in(KERNEL.replace(old, new))) != signature(compute_in(KERNEL))


def test_every_process_finds_the_same() -> None:
    code = f"""
from helpers.schedules import compute_in
from webdnn.passes.kernel.scheduling.signature import signature
print(signature(compute_in({KERNEL!r})))
"""
    path = os.pathsep.join(sys.path)
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found == [signature(compute_in(KERNEL))] * 2
