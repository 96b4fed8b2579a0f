"""What `kernel-prefetch-panels` brings in: whole panels before their turn comes, and nothing outside of the buffer."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.parser import Parser

from webdnn.dialects.kernel.access import PrefetchOp, ReadOp
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.passes.kernel.loops.lower_blocks import KernelLowerBlocksPass
from webdnn.passes.kernel.scheduling.prefetch_panels import KernelPrefetchPanelsPass
from webdnn.passes.kernel.scheduling.tile import KernelTilePass
from webdnn.tools.context import new_context

PRODUCT = """
kernel.func @product(%x: memref<{xs}xf32>, %w: memref<{ws}xf32>, %y: memref<{ys}xf32>) {{
  kernel.compute (%m = {rows}, %n = {columns}) schedule #kernel.schedule<tile [6, 8], order [1, 0], vector 1 by 4> {{
    %zero = arith.constant 0.0 : f32
    %s = kernel.reduce add (%k = {steps}) from %zero : f32 {{
      %a = kernel.read %x[%m * {steps} + %k] : memref<{xs}xf32>
      %b = kernel.read %w[%n floordiv 8 * {skip} + %k * 8 + %n] : memref<{ws}xf32>
      %p = arith.mulf %a, %b : f32
      kernel.yield %p : f32
    }}
    kernel.write %s, %y[%m * {columns} + %n] : memref<{ys}xf32>
  }}
}}
"""

Event = tuple[str, int]
"""What happens to the weights, and at which element"""


def lowered(rows: int, columns: int, steps: int) -> ModuleOp:
    text = PRODUCT.format(
        rows=rows, columns=columns, steps=steps, xs=rows * steps, ws=columns * steps, ys=rows * columns,
        skip=8 * steps - 8,
    )  # fmt: skip
    module = Parser(new_context(), text).parse_module()
    for module_pass in (
        KernelTilePass(),
        KernelLowerBlocksPass(),
        KernelPrefetchPanelsPass(bytes=0),
    ):
        module_pass.apply(Context(), module)
    module.verify()
    return module


def events(block: Block, values: dict[Hashable, int]) -> Iterator[Event]:
    """Walk through the loops of a kernel as a run does."""
    for op in block.ops:
        match op:
            case scf.ForOp():
                low, high = constant_of(op.lb), constant_of(op.ub)
                assert low is not None
                assert high is not None
                for trip in range(low, high):
                    yield from events(op.body.block, {**values, op.body.block.args[0]: trip})
            case IndexOp():
                values[op.result] = op.exprs[0].evaluate(values)
            case InsideOp():
                places = [expr.evaluate(values) for expr in op.exprs]
                values[op.result] = all(0 <= p < e.data for p, e in zip(places, op.extents, strict=True))
            case scf.IfOp():
                if values[op.cond]:
                    yield from events(op.true_region.block, values)
            case PrefetchOp():
                yield "prefetch", op.exprs[0].evaluate(values)
            case ReadOp() if op.source.name_hint == "w":
                yield "read", op.exprs[0].evaluate(values)
            case _:
                pass


@pytest.mark.parametrize(("rows", "columns", "steps"), [(49, 64, 96), (14, 32, 64), (9, 48, 130), (100, 24, 65)])
def test_panels_are_there_when_their_turn_comes(rows: int, columns: int, steps: int) -> None:
    (function,) = lowered(rows, columns, steps).body.block.ops
    line, size = 16, columns * steps
    here = set[int]()
    missed = set[int]()
    for what, place in events(function.regions[0].block, {}):
        assert 0 <= place < size
        if what == "read" and place // line not in here:
            missed.add(place // line)
        here.add(place // line)
    first, tails = 8 * steps / line + 1, columns // 8 * 2
    assert len(missed) <= first + tails


@pytest.mark.parametrize(("columns", "steps"), [(64, 96), (32, 64), (48, 130), (24, 65), (40, 500)])
def test_one_row_finds_all_but_the_first_lines(columns: int, steps: int) -> None:
    (function,) = lowered(1, columns, steps).body.block.ops
    line, size, burst = 16, columns * steps, 256
    here, missed, asked = set[int](), set[int](), set[int]()
    for what, place in events(function.regions[0].block, {}):
        assert 0 <= place < size
        if what == "read" and place // line not in here:
            missed.add(place // line)
        if what == "prefetch":
            asked.add(place // line)
        here.add(place // line)
    # What the first burst follows, what the last one would leave the buffer for, and what odd sums leave over.
    assert len(missed) <= 2 * burst // line + columns // 8 * 2
    assert len(asked) >= size // line - 3 * burst // line - columns // 8 * 2


def test_a_short_sum_asks_for_nothing() -> None:
    assert not [op for op in lowered(1, 64, 24).walk() if isinstance(op, PrefetchOp)]
