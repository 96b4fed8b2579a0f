"""Convolutions in Winograd's tiles agree with the sum that defines them: as kernels, and as WebAssembly."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import DenseArrayBase, FunctionType, IntegerAttr, ModuleOp, TensorType, f32, i64
from xdsl.ir import Block, Region

from helpers.wasm import run_wasm
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.kernel.reference import run_function
from webdnn.support.shapes import ShapeError
from webdnn.support.weights import Array
from webdnn.targets.pipelines import PIPELINES
from webdnn.targets.wasm.variants import VARIANTS
from webdnn.tools.context import new_context
from webdnn.tools.pipeline import Checks, parse_passes, run_passes
from webdnn.universe import WEBDNN_UNIVERSE

Case = tuple[tuple[int, int, int, int], int, tuple[int, int, int, int], int]
"""(the input's shape, results, padding, results of a tile along each axis)"""

CASES: list[Case] = [
    ((1, 8, 12, 12), 8, (1, 1, 1, 1), 4),
    ((1, 16, 7, 7), 24, (1, 1, 1, 1), 4),
    ((2, 8, 13, 9), 16, (1, 1, 1, 1), 4),
    ((1, 5, 6, 11), 7, (0, 0, 0, 0), 4),
    ((1, 8, 5, 6), 8, (0, 1, 2, 0), 2),
    ((1, 4, 1, 1), 4, (1, 1, 1, 1), 2),
]


def convolution(x: tuple[int, ...], results: int, pads: tuple[int, ...], tile: int | None, bias: bool) -> ModuleOp:
    """A module with one convolution of constant weights."""
    generator = np.random.default_rng(results)
    weight = constant_of(as_array(generator.standard_normal((results, x[1], 3, 3)).astype(np.float32)))
    constants: list[ConstantOp] = [weight]
    if bias:
        constants.append(constant_of(as_array(generator.standard_normal(results).astype(np.float32))))
    block = Block(arg_types=[TensorType(f32, x)])
    ones = DenseArrayBase.from_list(i64, [1, 1])
    conv = ConvOp.of(
        block.args[0],
        weight.output,
        constants[1].output if bias else None,
        strides=ones,
        dilations=ones,
        pads=DenseArrayBase.from_list(i64, pads),
        groups=IntegerAttr(1, i64),
        winograd=IntegerAttr(tile, i64) if tile else None,
    )
    block.add_ops([*constants, conv, func.ReturnOp(conv.output)])
    types = FunctionType.from_lists([block.args[0].type], [conv.output.type])
    return ModuleOp([func.FuncOp("main", types, Region(block))])


def is_close(found: Array, expected: Array) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-4, atol=2e-5 * float(np.std(as_array(expected)))))


def lowered(module: ModuleOp, passes: str) -> ModuleOp:
    context = new_context()
    run_passes(context, module, parse_passes(passes, WEBDNN_UNIVERSE.all_passes), Checks(verify=True))
    return module


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("x", "results", "pads", "tile"), CASES)
def test_tiles(
    x: tuple[int, int, int, int], results: int, pads: tuple[int, int, int, int], tile: int, bias: bool
) -> None:
    value = np.random.default_rng(1).standard_normal(x).astype(np.float32)
    kernels = "convert-dnn-to-tensor-layout,convert-tensor-layout-to-kernel"
    plain = lowered(convolution(x, results, pads, None, bias), kernels)
    expected: Array = run_function(plain, [value])[0]
    (found,) = run_function(lowered(convolution(x, results, pads, tile, bias), kernels), [value])
    assert is_close(found, expected)
    flat = lowered(convolution(x, results, pads, tile, bias), ",".join(PIPELINES["wasm"].passes()))
    for variant in VARIANTS:
        (found,) = run_wasm(flat, [value], variant)
        assert is_close(found, expected)


@pytest.mark.parametrize("tile", [3, 5, 6])
def test_unknown_tiles_are_refused(tile: int) -> None:
    with pytest.raises(ShapeError, match="winograd"):
        convolution((1, 8, 8, 8), 8, (1, 1, 1, 1), tile, bias=False)
