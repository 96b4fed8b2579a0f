"""A module that does nothing but multiply and add, to measure how fast an engine can do that at most."""

from __future__ import annotations

from dataclasses import dataclass

import wasmtime

LANES = 4
OPERATIONS_OF_A_MULTIPLY_ADD = 2
ACCUMULATORS = (12, 24)
"""What fits 16 registers, and what keeps the four units of wider machines busy."""


@dataclass(frozen=True)
class Peak:
    """The module exports `run(n)`: n times `operations`, on accumulators that do not wait for each other."""

    binary: bytes
    operations: int


def peaks(relaxed: bool) -> list[Peak]:
    """A module for each number of accumulators, with or without relaxed SIMD."""
    return [
        Peak(bytes(wasmtime.wat2wasm(text(count, relaxed))), count * LANES * OPERATIONS_OF_A_MULTIPLY_ADD)
        for count in ACCUMULATORS
    ]


def text(count: int, relaxed: bool) -> str:
    """A loop of `count` multiply-adds; the factors come from parameters, so that no compiler knows them."""
    accumulators = [f"$a{i}" for i in range(count)]
    step = [f"(local.set {name} {multiply_add(f'(local.get {name})', relaxed)})" for name in accumulators]
    total = "(local.get $a0)"
    for name in accumulators[1:]:
        total = f"(f32x4.add {total} (local.get {name}))"
    return f"""(module (func (export "run") (param $n i32) (param $factor f32) (param $term f32) (result f32)
  (local $x v128) (local $y v128) {" ".join(f"(local {name} v128)" for name in accumulators)}
  (local.set $x (f32x4.splat (local.get $factor)))
  (local.set $y (f32x4.splat (local.get $term)))
  (loop $again
    {" ".join(step)}
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (f32x4.extract_lane 0 {total})))"""


def multiply_add(value: str, relaxed: bool) -> str:
    if relaxed:
        return f"(f32x4.relaxed_madd {value} (local.get $x) (local.get $y))"
    return f"(f32x4.add (f32x4.mul {value} (local.get $x)) (local.get $y))"
