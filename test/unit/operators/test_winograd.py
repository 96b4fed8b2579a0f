"""Convolutions in Winograd's tiles agree with the sum that defines them: as kernels, and as WebAssembly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import DenseArrayBase, FunctionType, IntegerAttr, ModuleOp, TensorType, f32, i64
from xdsl.ir import Block, Region

from helpers.wasm import run_wasm
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
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


@dataclass(frozen=True)
class Case:
    input: tuple[int, ...]
    results: int
    pads: tuple[int, ...]
    tile: tuple[int, ...]
    """Results of a tile along each axis"""
    taps: tuple[int, ...] = (3, 3)
    strides: tuple[int, ...] = (1, 1)
    extra: tuple[int, ...] | None = None
    """The output padding of a transposed convolution"""


CASES = [
    Case((1, 8, 12, 12), 8, (1, 1, 1, 1), (4, 4)),
    Case((1, 16, 7, 7), 24, (1, 1, 1, 1), (4, 4)),
    Case((2, 8, 13, 9), 16, (1, 1, 1, 1), (4, 4)),
    Case((1, 5, 6, 11), 7, (0, 0, 0, 0), (4, 4)),
    Case((1, 8, 5, 6), 8, (0, 1, 2, 0), (2, 2)),
    Case((1, 4, 1, 1), 4, (1, 1, 1, 1), (2, 2)),
    Case((1, 8, 13, 10), 8, (1, 1, 1, 1), (3, 4)),
    Case((1, 8, 12, 13), 8, (1, 1, 1, 1), (2, 2), strides=(2, 2)),
    Case((2, 8, 23, 17), 12, (0, 1, 1, 0), (4, 3), strides=(2, 2)),
    Case((1, 8, 12, 13), 8, (1, 1, 1, 1), (4, 2), strides=(1, 2)),
    Case((1, 8, 12, 13), 8, (2, 2, 2, 2), (2, 4), taps=(5, 5), strides=(1, 2)),
    Case((1, 6, 15, 15), 8, (3, 3, 3, 3), (2, 3), taps=(7, 7), strides=(2, 2)),
    Case((1, 8, 9, 13), 8, (0, 1, 0, 1), (1, 4), taps=(1, 3)),
    Case((1, 8, 13, 9), 8, (1, 0, 1, 0), (2, 1), taps=(3, 1), strides=(2, 2)),
    Case((1, 8, 29), 12, (1, 1), (4,), taps=(3,), strides=(1,)),
    Case((1, 8, 30), 12, (2, 1), (4,), taps=(5,), strides=(2,)),
    Case((1, 8, 12, 13), 8, (1, 1, 1, 1), (2, 2), taps=(4, 4), strides=(2, 2), extra=(0, 0)),
    Case((2, 8, 7, 6), 12, (1, 0, 1, 2), (2, 3), strides=(2, 2), extra=(1, 0)),
    Case((1, 8, 9, 7), 8, (3, 1, 2, 1), (4, 2), taps=(3, 5), strides=(1, 2), extra=(0, 1)),
    Case((1, 6, 5, 6), 8, (9, 0, 0, 0), (2, 1), taps=(7, 1), strides=(3, 2), extra=(2, 1)),
    Case((1, 8, 21), 12, (4, 4), (2,), taps=(16,), strides=(8,), extra=(0,)),
    Case((1, 4, 5, 6, 7), 4, (1, 1, 1, 1, 1, 1), (2, 2, 2), taps=(3, 3, 3), strides=(1, 1, 2)),
]


def convolution(case: Case, bias: bool) -> ModuleOp:
    """A module with one convolution of constant weights, in tiles if the case has some."""
    generator, (_, channels, *spatial) = np.random.default_rng(case.results), case.input
    numbers = generator.standard_normal((case.results, channels, *case.taps))
    weight = constant_of(as_array(numbers.astype(np.float32)))
    constants: list[ConstantOp] = [weight]
    if bias:
        constants.append(constant_of(as_array(generator.standard_normal(case.results).astype(np.float32))))
    block = Block(arg_types=[TensorType(f32, case.input)])
    operands = [block.args[0], weight.output, constants[1].output if bias else None]
    window = {
        "strides": DenseArrayBase.from_list(i64, case.strides),
        "dilations": DenseArrayBase.from_list(i64, [1] * len(spatial)),
        "pads": DenseArrayBase.from_list(i64, case.pads),
        "groups": IntegerAttr(1, i64),
        "winograd": DenseArrayBase.from_list(i64, case.tile) if case.tile else None,
    }
    if case.extra is None:
        conv = ConvOp.of(*operands, **window)
    else:
        conv = ConvTransposeOp.of(*operands, **window, output_padding=DenseArrayBase.from_list(i64, case.extra))
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
@pytest.mark.parametrize("case", CASES)
def test_tiles(case: Case, bias: bool) -> None:
    value = np.random.default_rng(1).standard_normal(case.input).astype(np.float32)
    kernels = "convert-dnn-to-tensor-layout,convert-tensor-layout-to-kernel"
    plain = lowered(convolution(replace(case, tile=()), bias), kernels)
    expected: Array = run_function(plain, [value])[0]
    (found,) = run_function(lowered(convolution(case, bias), kernels), [value])
    assert is_close(found, expected)
    flat = lowered(convolution(case, bias), ",".join(PIPELINES["wasm"].passes()))
    for variant in VARIANTS:
        (found,) = run_wasm(flat, [value], variant)
        assert is_close(found, expected)


@pytest.mark.parametrize("tile", [(5, 5), (6, 4), (4,), (0, 0), (4, 4, 4)])
def test_unknown_tiles_are_refused(tile: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="winograd"):
        convolution(Case((1, 8, 8, 8), 8, (1, 1, 1, 1), tile), bias=False)
