"""Every pass of the layout level preserves what random networks compute, on every device, down to kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType, f32
from xdsl.ir import Block, Operation, Region, SSAValue

from webdnn.dialects.dnn.base import flag, integer, ints
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.elementwise import AddOp, ReluOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.pooling import MaxPoolOp
from webdnn.dialects.dnn.reduction import ReduceMeanOp
from webdnn.dialects.dnn.shape import ConcatOp, ReshapeOp, TransposeOp
from webdnn.dialects.dnn.softmax import SoftmaxOp
from webdnn.dialects.element import shape_of
from webdnn.dialects.kernel.reference import run_function
from webdnn.dialects.tensor_layout import ConvertOp, layout_of
from webdnn.lowering.dnn_to_tensor_layout.convert import ConvertDnnToTensorLayoutPass
from webdnn.lowering.tensor_layout_to_kernel.convert import ConvertTensorLayoutToKernelPass
from webdnn.passes.tensor_layout.assign_layouts import TensorLayoutAssignLayoutsPass
from webdnn.passes.tensor_layout.elide_conversions import TensorLayoutElideConversionsPass
from webdnn.support.axis_layout import AxisLayout
from webdnn.support.device import DEVICES
from webdnn.support.dominance import verify_dominance
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.weights import STORE

Floats = NDArray[np.float32]


def random_floats(shape: Sequence[int], seed: int = 0) -> Floats:
    return np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)


@dataclass
class Network:
    """A function under construction: its values and what may be done to them."""

    block: Block
    values: list[SSAValue] = field(default_factory=list[SSAValue])

    def add(self, op: Operation) -> None:
        self.block.add_op(op)
        self.values.append(op.results[0])

    def weight(self, *shape: int) -> SSAValue:
        op = ConstantOp.weight(STORE.put(random_floats(shape, 1)), ELEMENT_TYPES["f32"], shape)
        self.block.add_op(op)
        return op.output


Step = Callable[[Network, SSAValue, st.DrawFn], None]


def convolve(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    channels, size, depthwise = draw(st.sampled_from([1, 3, 4, 6])), draw(st.sampled_from([1, 3])), draw(st.booleans())
    inputs = shape_of(x)[1]
    shape = (inputs, 1, size, size) if depthwise else (channels, inputs, size, size)
    bias = net.weight(shape[0]) if draw(st.booleans()) else None
    pad, stride = size // 2, draw(st.sampled_from([1, 2]))
    net.add(
        ConvOp.of(
            x,
            net.weight(*shape),
            bias,
            strides=ints([stride] * 2),
            pads=ints([pad] * 4),
            dilations=ints([1, 1]),
            groups=integer(inputs if depthwise else 1),
        )
    )


def pool(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    size = [min(2, extent) for extent in shape_of(x)[2:]]
    net.add(
        MaxPoolOp.of(
            x, kernel=ints(size), strides=ints(size), pads=ints([0] * 4), dilations=ints([1, 1]), ceil_mode=flag(False)
        )
    )


def mean(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    rank = len(shape_of(x))
    axes = sorted(draw(st.sets(st.integers(0, rank - 1), min_size=1, max_size=rank)))
    net.add(ReduceMeanOp.of(x, axes=ints(axes), keepdims=flag(draw(st.booleans()))))


def softmax(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    net.add(SoftmaxOp.of(x, axis=integer(draw(st.integers(0, len(shape_of(x)) - 1)))))


def concat(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    axis = draw(st.integers(0, len(shape_of(x)) - 1))
    rest = [n for i, n in enumerate(shape_of(x)) if i != axis]
    fits = [
        v
        for v in net.values
        if len(shape_of(v)) == len(rest) + 1 and [n for i, n in enumerate(shape_of(v)) if i != axis] == rest
    ]
    net.add(ConcatOp.of([x, draw(st.sampled_from(fits))], axis=integer(axis)))


def transpose(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    net.add(TransposeOp.of(x, permutation=ints(draw(st.permutations(range(len(shape_of(x))))))))


def reshape(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    shape = shape_of(x)
    cut = draw(st.integers(0, len(shape)))
    folded = (prod(shape[:cut]), prod(shape[cut:]))
    net.add(ReshapeOp.of(x, shape=ints(draw(st.sampled_from([folded, (*shape, 1), (1, 1, *folded)])))))


def matmul(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    depth = shape_of(x)[-1]
    fits = [
        v
        for v in net.values
        if len(shape_of(v)) >= 2 and shape_of(v)[-2:-1] == (depth,) and prod(shape_of(v)[:-2]) == 1
    ]
    net.add(MatmulOp.of(x, draw(st.sampled_from([*fits, net.weight(depth, 5)]))))


def add(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    fits = [v for v in net.values if shape_of(v) == shape_of(x)]
    net.add(AddOp.of(x, draw(st.sampled_from([*fits, net.weight(shape_of(x)[-1]) if shape_of(x) else x]))))


def relu(net: Network, x: SSAValue, draw: st.DrawFn) -> None:
    net.add(ReluOp.of(x))


STEPS: dict[Step, tuple[int, int]] = {
    convolve: (4, 4),
    pool: (4, 4),
    mean: (1, 5),
    softmax: (1, 5),
    concat: (1, 5),
    transpose: (2, 5),
    reshape: (0, 4),
    matmul: (2, 5),
    add: (0, 5),
    relu: (0, 5),
}
"""What may be done to a value whose rank lies between two bounds."""

INPUTS = ((1, 3, 6, 5), (1, 4, 6, 5), (2, 4, 3, 3), (1, 8, 1, 1), (3, 4), (2, 3, 4), (4,))


class Model:
    """A module that failing tests print as text."""

    def __init__(self, module: ModuleOp) -> None:
        self.module = module

    def __repr__(self) -> str:
        return f"\n{self.module}"


@st.composite
def networks(draw: st.DrawFn, most: int = 8) -> Model:
    """A function of one to two inputs and results."""
    shapes = draw(st.lists(st.sampled_from(INPUTS), min_size=1, max_size=2))
    block = Block(arg_types=[TensorType(f32, shape) for shape in shapes])
    net = Network(block, list(block.args))
    for _ in range(draw(st.integers(1, most))):
        x = draw(st.sampled_from(net.values))
        rank = len(shape_of(x))
        legal = [step for step, (low, high) in STEPS.items() if low <= rank <= high]
        draw(st.sampled_from(legal))(net, x, draw)
    results = [net.values[-1]]
    if draw(st.booleans()):
        results.append(draw(st.sampled_from(net.values)))
    block.add_op(func.ReturnOp(*results))
    type = FunctionType.from_lists([a.type for a in block.args], [r.type for r in results])
    return Model(ModuleOp([func.FuncOp("main", type, Region(block))]))


def store(array: Floats, layout: AxisLayout) -> Floats:
    """The stored array; what is padding must not matter, and is NaN."""
    assert layout.block is None
    stored = np.full(layout.stored_shape(array.shape), np.nan, array.dtype)
    stored[tuple(slice(0, array.shape[axis]) for axis in layout.order)] = array.transpose(layout.order)
    return stored


def restore(stored: Floats, layout: AxisLayout, shape: Sequence[int]) -> Floats:
    """The array that is stored."""
    inverse = [layout.order.index(axis) for axis in range(layout.rank)]
    return stored[tuple(slice(0, shape[axis]) for axis in layout.order)].transpose(inverse)


def main_of(module: ModuleOp) -> func.FuncOp:
    function = module.body.block.first_op
    assert isinstance(function, func.FuncOp)
    return function


def layouts_of_interface(function: func.FuncOp) -> tuple[list[AxisLayout], list[AxisLayout]]:
    inputs, outputs = function.function_type.inputs, function.function_type.outputs
    return [layout_of(type) for type in inputs], [layout_of(type) for type in outputs]


def check(module: ModuleOp, inputs: Sequence[Floats], expected: Sequence[Floats]) -> None:
    module.verify()
    verify_dominance(module)
    for found, wanted in zip(run_function(module, inputs), expected, strict=True):
        np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["wasm", "js", "wgsl", "glsl"])
@settings(max_examples=25)
@given(model=networks())
def test_passes_preserve_meaning(name: str, model: Model) -> None:
    module = model.module.clone()
    context, device = Context(), DEVICES[name]
    inputs = [random_floats(shape_of(a)) for a in main_of(module).body.block.args]
    expected = [a.astype(np.float32) for a in run_function(module, inputs)]
    passes = (
        ConvertDnnToTensorLayoutPass(),
        TensorLayoutAssignLayoutsPass(name),
        TensorLayoutElideConversionsPass(),
    )
    for layout_pass in passes:
        layout_pass.apply(context, module)
        check(module, inputs, expected)
    took, gave = layouts_of_interface(main_of(module))
    for layout in (*took, *gave):
        assert layout == device.caller_layout(layout.rank)
    ConvertTensorLayoutToKernelPass().apply(context, module)
    module.verify()
    verify_dominance(module)
    stored = run_function(module, [store(a, layout) for a, layout in zip(inputs, took, strict=True)])
    for found, layout, wanted in zip(stored, gave, expected, strict=True):
        result = restore(found.astype(np.float32), layout, wanted.shape)
        np.testing.assert_allclose(result, wanted, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["wasm", "wgsl", "glsl"])
@settings(max_examples=15)
@given(model=networks())
def test_assigning_again_changes_nothing(name: str, model: Model) -> None:
    module = model.module.clone()
    assign = TensorLayoutAssignLayoutsPass(name)
    assign.apply(Context(), module)
    once = str(module)
    assign.apply(Context(), module)
    assert str(module) == once


@settings(max_examples=15)
@given(model=networks())
def test_elided_conversions_are_all_needed(model: Model) -> None:
    module = model.module.clone()
    TensorLayoutAssignLayoutsPass("wgsl").apply(Context(), module)
    TensorLayoutElideConversionsPass().apply(Context(), module)
    for op in module.walk():
        if isinstance(op, ConvertOp):
            assert op.result.first_use is not None
            assert not isinstance(op.source.owner, ConvertOp)
            assert op.source.type != op.result.type
