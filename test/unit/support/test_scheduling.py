"""The table of blocks: the first class that holds a kernel, its text; and blocks that are worth measuring."""

from __future__ import annotations

import pytest

from webdnn.passes.kernel.scheduling.select_schedule import builtin_table
from webdnn.support.scheduling.blocks import PLAIN, MapBlock, ProductBlock, Traits, WindowBlock
from webdnn.support.scheduling.candidates import REGISTERS, shapes, variations
from webdnn.support.scheduling.table import FEATURES, KernelClass, Table

SMALL = KernelClass("window", {"points": (0, 400)}, {"relaxed": WindowBlock(1, 2), "simd": WindowBlock(2, 2)})
OTHERS = KernelClass("window", {}, {"relaxed": WindowBlock(), "simd": WindowBlock(3, 2, 1, False)})


def test_the_first_class_that_holds_a_kernel_gives_its_block() -> None:
    table = Table({"relaxed": "a CPU"}, (SMALL, OTHERS))
    assert table.block(Traits("window", {"points": 400}), "relaxed") == WindowBlock(1, 2)
    assert table.block(Traits("window", {"points": 401}), "simd") == WindowBlock(3, 2, 1, False)
    assert table.block(Traits("map", {"points": 1}), "simd") == MapBlock()
    assert Table.parse(table.text()) == table
    assert [found.spelled() for found in table.classes] == ["window: points to 400", "window"]


def test_the_built_in_table_has_every_kind_and_is_written_as_it_is_read() -> None:
    table = builtin_table()
    assert {found.kind for found in table.classes} == PLAIN.keys()
    assert Table.parse(table.text()) == table
    for found in table.classes:
        assert found.blocks.keys() == set(FEATURES)
        assert all(type(block) is type(PLAIN[found.kind]) for block in found.blocks.values())


@pytest.mark.parametrize("features", FEATURES)
def test_products_that_are_worth_measuring_fit_the_registers(features: str) -> None:
    found = shapes(Traits("product", {"rows": 100, "columns": 64, "steps": 64}), features)
    assert len(set(found)) == len(found) > 4
    for block in found:
        assert isinstance(block, ProductBlock)
        assert block.rows * block.vectors + block.vectors < REGISTERS


def test_blocks_are_no_larger_than_the_kernel() -> None:
    found = shapes(Traits("product", {"rows": 4, "columns": 8, "steps": 64}), "relaxed")
    assert {(block.rows, block.vectors) for block in found if isinstance(block, ProductBlock)} == {(3, 2), (4, 2)}


def test_variations_change_one_thing() -> None:
    block = ProductBlock()
    for other in variations(block):
        assert sum(a != b for a, b in zip(vars(block).values(), vars(other).values(), strict=True)) == 1
    assert variations(MapBlock()) == []
