"""The passes of the `dnn` level keep what a model computes, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from webdnn.dialects.dnn.base import flag, ints
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.convolution import ConvOp
from webdnn.dialects.dnn.normalization import BatchNormOp
from webdnn.dialects.dnn.reduction import ReduceSumOp
from webdnn.dialects.dnn.shape import ExpandOp
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.passes.dnn import select_algorithms, trim_windows
from webdnn.passes.dnn.aggregate_constants import DnnAggregateConstantsPass
from webdnn.passes.dnn.commute_resampling import DnnCommuteResamplingPass
from webdnn.passes.dnn.elide_identities import DnnElideIdentitiesPass
from webdnn.passes.dnn.fold_constants import DnnFoldConstantsPass
from webdnn.passes.dnn.merge_siblings import DnnMergeSiblingsPass
from webdnn.passes.dnn.narrow_integers import DnnNarrowIntegersPass
from webdnn.passes.dnn.select_algorithms import DnnSelectAlgorithmsPass
from webdnn.passes.dnn.trim_windows import DnnTrimWindowsPass
from webdnn.support.diagnostic import where

Array = NDArray[np.generic]
RANDOM = np.random.default_rng(7)
AFTER = ["scale", "bias", "mean", "variance"]


def numbers(*shape: int) -> Array:
    return np.asarray(RANDOM.standard_normal(shape)).astype(np.float32)


def statistics(channels: int) -> dict[str, Array]:
    variance = np.asarray(np.square(RANDOM.standard_normal(channels))).astype(np.float32)
    return {**{name: numbers(channels) for name in AFTER[:3]}, "variance": variance}


def imported(nodes: Sequence[NodeProto], x: Array, held: dict[str, Array], rank: int) -> ModuleOp:
    """A model of one input `x` and one output `y`."""
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(a, name) for name, a in held.items()],
    )
    return import_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))


def operators(module: ModuleOp) -> list[Operation]:
    """What the function computes with, constants left out."""
    (main,) = module.body.block.ops
    assert isinstance(main, func.FuncOp)
    return [op for op in main.body.block.ops if not isinstance(op, ConstantOp | func.ReturnOp)]


def preserves(module: ModuleOp, work: ModulePass, x: Array) -> None:
    """Raise AssertionError where a pass changes the result."""
    before = run_function(module, [x])
    work.apply(Context(), module)
    module.verify()
    for a, b in zip(run_function(module, [x]), before, strict=True):
        np.testing.assert_allclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-4, atol=1e-4)


NORM = helper.make_node("BatchNormalization", ["c", *AFTER], ["y"], name="norm")
BEFORE = {
    "conv": (helper.make_node("Conv", ["x", "w"], ["c"], name="first"), (2, 4, 5, 5), (6, 4, 3, 3), None),
    "conv, bias, groups": (
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="first", group=2, strides=[2]),
        (2, 4, 9),
        (6, 2, 3),
        (6,),
    ),
    "transposed": (
        helper.make_node("ConvTranspose", ["x", "w"], ["c"], name="first", strides=[2]),
        (1, 3, 4),
        (3, 6, 3),
        None,
    ),
    "transposed, bias, groups": (
        helper.make_node("ConvTranspose", ["x", "w", "b"], ["c"], name="first", group=2),
        (1, 4, 4, 3),
        (4, 3, 2, 2),
        (6,),
    ),
    "product": (helper.make_node("MatMul", ["x", "w"], ["c"], name="first"), (5, 4), (4, 6), None),
    "product, bias": (helper.make_node("Gemm", ["x", "w", "b"], ["c"], name="first", transB=1), (5, 4), (6, 4), (6,)),
    "product, one bias": (helper.make_node("Gemm", ["x", "w", "b"], ["c"], name="first"), (5, 4), (4, 6), ()),
}


@pytest.mark.parametrize("case", BEFORE)
def test_batch_norm_goes_into_the_weights(case: str) -> None:
    node, x, w, b = BEFORE[case]
    held = {"w": numbers(*w), **statistics(6), **({} if b is None else {"b": numbers(*b)})}
    data = numbers(*x)
    module = imported([node, NORM], data, held, len(x))
    preserves(module, DnnAggregateConstantsPass(), data)
    names = [op.name for op in operators(module)]
    assert names in (["dnn.conv"], ["dnn.conv_transpose"], ["dnn.matmul", "dnn.add"])
    assert where(operators(module)[0]) == "first, norm"


@pytest.mark.parametrize(
    ("nodes", "x"),
    [
        ([helper.make_node("BatchNormalization", ["x", *AFTER], ["y"])], (2, 6, 3, 3)),
        ([helper.make_node("Relu", ["x"], ["c"]), NORM], (2, 6)),
        ([helper.make_node("MatMul", ["x", "square"], ["c"]), NORM], (2, 6, 3)),
        ([helper.make_node("Conv", ["x", "w"], ["c"]), NORM, helper.make_node("Add", ["c", "z"], ["y"])], (1, 2, 3)),
    ],
)
def test_batch_norm_alone_is_scale_and_bias(nodes: list[NodeProto], x: tuple[int, ...]) -> None:
    if nodes[-1].op_type == "Add":  # the convolution has another reader
        nodes = [nodes[0], helper.make_node("BatchNormalization", ["c", *AFTER], ["z"]), nodes[-1]]
    data = numbers(*x)
    module = imported(nodes, data, {"w": numbers(6, 2, 1), "square": numbers(3, 3), **statistics(6)}, len(x))
    preserves(module, DnnAggregateConstantsPass(), data)
    assert not any(isinstance(op, BatchNormOp) for op in operators(module))
    assert [op.name for op in operators(module)].count("dnn.mul") == 1


@pytest.mark.parametrize("kind", ["MatMul", "Conv", "Conv, bias"])
@pytest.mark.parametrize("sizes", [(4, 4, 4), (3, 1, 6)])
def test_siblings_merge_with_what_follows_them(kind: str, sizes: tuple[int, ...]) -> None:
    """Branches `v = (x ∘ w + a) * b`, then `v * sigmoid(v)`, of which the intermediate values are read too."""
    held, nodes, ends = dict[str, Array](), list[NodeProto](), list[str]()
    data = numbers(2, 5) if kind == "MatMul" else numbers(2, 5, 4)
    for i, size in enumerate(sizes):
        shape, tail = ((5, size), ()) if kind == "MatMul" else ((size, 5, 1), (1,))
        held |= {f"w{i}": numbers(*shape), f"a{i}": numbers(1 if i else size, *tail), f"b{i}": numbers()}
        held |= {f"c{i}": numbers(size)} if "bias" in kind else {}
        operands = ["x", f"w{i}", *([f"c{i}"] if "bias" in kind else [])]
        nodes += [
            helper.make_node(kind.partition(",")[0], operands, [f"p{i}"], name=f"p{i}"),
            helper.make_node("Add", [f"p{i}", f"a{i}"], [f"s{i}"]),
            helper.make_node("Mul", [f"b{i}", f"s{i}"], [f"v{i}"]),
            helper.make_node("Sigmoid", [f"v{i}"], [f"g{i}"]),
            helper.make_node("Mul", [f"v{i}", f"g{i}"], [f"e{i}"]),
            helper.make_node("Softmax", [f"e{i}"], [f"m{i}"], axis=0),
            helper.make_node("Softmax", [f"p{i}"], [f"n{i}"], axis=0),
        ]
        ends += [f"m{i}", f"n{i}"]
    nodes.append(helper.make_node("Concat", ends, ["y"], axis=1))
    module = imported(nodes, data, held, data.ndim)
    preserves(module, DnnMergeSiblingsPass(), data)
    names = [op.name for op in operators(module)]
    assert [names.count(f"dnn.{n}") for n in ("matmul", "conv", "add", "mul", "sigmoid")] == [
        int(kind == "MatMul"),
        int(kind != "MatMul"),
        1,
        2,
        1,
    ]
    assert names.count("dnn.slice") == 2 * len(sizes)
    assert {where(op) for op in operators(module) if op.name in ("dnn.matmul", "dnn.conv")} == {"p0, p1, p2"}


def test_elided_identities_keep_what_is_not_finite() -> None:
    """x * 1 + 0, then x * 0: NaN and infinities pass the first, and make the second NaN."""
    x = np.array([np.nan, np.inf, -np.inf, 1.5, -2.0], np.float32)
    nodes = [
        helper.make_node("Mul", ["x", "one"], ["a"]),
        helper.make_node("Add", ["zero", "a"], ["b"]),
        helper.make_node("Pow", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["c", "zero"], ["y"]),
    ]
    held: dict[str, Array] = {"one": np.ones((), np.float32), "zero": np.zeros(5, np.float32)}
    module = imported(nodes, x, held, 1)
    preserves(module, DnnElideIdentitiesPass(), x)
    assert [op.name for op in operators(module)] == ["dnn.mul"]


def test_sums_of_64_bits_keep_their_low_bits() -> None:
    """Even where they leave the integers of 32 bits on the way."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "axis"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "factor"], ["product"]),
        helper.make_node("Sub", ["product", "x"], ["difference"]),
        helper.make_node("Cast", ["difference"], ["low"], to=TensorProto.INT32),
        helper.make_node("Cast", ["low"], ["y"], to=TensorProto.FLOAT),
    ]
    x = np.array([[2**40 + 5, 7], [-3, 2**31 + 1]])
    held: dict[str, Array] = {"axis": np.array([1]), "factor": np.array(2**33 - 3)}
    module = imported(nodes, x, held, 2)
    preserves(module, DnnNarrowIntegersPass(), x)
    assert not [op for op in operators(module) if tensor_type(op.results[0]).element_type == i64]


@pytest.mark.parametrize(("extent", "folds"), [(1 << 10, True), (1 << 19, False)])
def test_folding_stops_where_the_download_would_grow(extent: int, folds: bool) -> None:
    x = numbers(1)
    module = imported([helper.make_node("Add", ["x", "w"], ["y"])], x, {"w": numbers(1, 1)}, 2)
    (add,) = operators(module)
    constant = add.operands[1].owner
    assert isinstance(constant, ConstantOp)
    preserves(widened(module, constant, extent), DnnFoldConstantsPass(), x)
    assert ("dnn.expand" not in {op.name for op in operators(module)}) == folds


def widened(module: ModuleOp, constant: ConstantOp, extent: int) -> ModuleOp:
    """The module with the sum of the constant, expanded to (1, extent), put in its place."""
    wide = ExpandOp.of(constant.output, shape=ints([1, extent]))
    narrow = ReduceSumOp.of(wide.output, axes=ints([0, 1]), keepdims=flag(True))
    constant.output.replace_uses_with_if(narrow.output, lambda use: use.operation is not wide)
    block = constant.parent
    assert block is not None
    block.insert_ops_after([wide, narrow], constant)
    return module


RESAMPLED = {
    "means": helper.make_node("AveragePool", ["c"], ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
    "means that hang over": helper.make_node(
        "AveragePool", ["c"], ["y"], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1
    ),
    "one mean": helper.make_node("GlobalAveragePool", ["c"], ["y"]),
    "mean of rows": helper.make_node("ReduceMean", ["c", "axes"], ["y"], keepdims=1),
    "nearest": helper.make_node("Resize", ["c", "", "half"], ["y"], mode="nearest"),
    "cubic": helper.make_node("Resize", ["c", "", "half"], ["y"], mode="cubic", exclude_outside=1),
}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("case", RESAMPLED)
def test_what_shrinks_a_map_comes_before_a_convolution_of_a_pixel(case: str, groups: int) -> None:
    held = {"w": numbers(16, 16 // groups, 1, 1), "b": numbers(16), "axes": np.asarray([2], np.int64)}
    held["half"] = np.asarray([1, 1, 0.5, 0.4], np.float32)
    data = numbers(2, 16, 11, 10)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], group=groups), RESAMPLED[case]]
    module = imported(nodes, data, held, 4)
    preserves(module, DnnCommuteResamplingPass(), data)
    assert operators(module)[-1].name == "dnn.conv"


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric"])
def test_what_grows_a_map_comes_after_a_convolution_of_a_pixel(mode: str, coordinates: str) -> None:
    held = {"w": numbers(8, 16, 1, 1), "b": numbers(8), "twice": np.asarray([1, 1, 2, 2.5], np.float32)}
    resize = helper.make_node(
        "Resize", ["x", "", "twice"], ["c"], mode=mode, coordinate_transformation_mode=coordinates
    )
    data = numbers(1, 16, 5, 4)
    module = imported([resize, helper.make_node("Conv", ["c", "w", "b"], ["y"])], data, held, 4)
    preserves(module, DnnCommuteResamplingPass(), data)
    assert [op.name for op in operators(module)] == ["dnn.conv", "dnn.resize"]


@pytest.mark.parametrize("seed", range(40))
def test_convolutions_without_taps_in_the_padding(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    rank = int(random.integers(1, 4))
    kernel, dilations, strides = (random.integers(1, most, rank) for most in (6, 9, 4))
    pads = random.integers(0, 2 * (kernel * dilations).max(), 2 * rank)
    windows = (kernel - 1) * dilations - pads[:rank] - pads[rank:]
    extents = [int(max(0, window) + random.integers(1, 9)) for window in windows]
    groups = int(random.choice([1, 2]))
    x, w, b = numbers(2, 2 * groups, *extents), numbers(4, 2, *kernel), numbers(4)
    node = helper.make_node(
        "Conv", ["x", "w", "b"], ["y"], dilations=dilations, strides=strides, pads=pads, group=groups
    )
    monkeypatch.setattr(trim_windows, "FEW", float(random.choice([0.25, 1.0])))
    monkeypatch.setattr(trim_windows, "LAUNCH", 0)
    preserves(imported([node], x, {"w": w, "b": b}, 2 + rank), DnnTrimWindowsPass(), x)


def test_windows_that_see_only_padding_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trim_windows, "LAUNCH", 0)
    x, w = numbers(1, 2, 1), numbers(4, 2, 2)
    module = imported([helper.make_node("Conv", ["x", "w"], ["y"], strides=[4], pads=[2, 3])], x, {"w": w}, 3)
    preserves(module, DnnTrimWindowsPass(), x)


def test_taps_that_see_only_padding_go() -> None:
    x, w = numbers(1, 8, 14, 14), numbers(4, 8, 3, 3)
    node = helper.make_node("Conv", ["x", "w"], ["y"], dilations=[24, 24], pads=[24] * 4)
    module = imported([node], x, {"w": w}, 4)
    preserves(module, DnnTrimWindowsPass(), x)
    (conv,) = operators(module)
    assert isinstance(conv, ConvOp)
    assert shape_of(conv.weight) == (4, 8, 1, 1)
    assert {*conv.pads.get_values()} == {0}


@pytest.mark.parametrize("seed", range(20))
def test_groups_of_channels_run_side_by_side(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    rank, groups = int(random.integers(1, 4)), int(random.integers(2, 9))
    kernel = random.integers(2, 4, rank)
    strides = np.where(kernel == 3, random.integers(1, 3, rank), 1)
    x, w, b = (
        numbers(2, 3 * groups, *random.integers(4, 10, rank)),
        numbers(2 * groups, 3, *kernel),
        numbers(2 * groups),
    )
    pads = random.integers(0, 3, 2 * rank)
    operands = ["x", "w", "b"][: int(random.integers(2, 4))]
    node = helper.make_node("Conv", operands, ["y"], strides=strides, pads=pads, group=groups)
    module = imported([node], x, {"w": w, "b": b}, 2 + rank)
    monkeypatch.setattr(select_algorithms, "WORTHWHILE", float("inf"))
    monkeypatch.setattr(select_algorithms, "MOST_PRODUCTS", 1000)
    preserves(module, DnnSelectAlgorithmsPass(points=6), x)
    plain = [op for op in operators(module) if isinstance(op, ConvOp)]
    assert len(plain) == groups
    assert all(conv.winograd and conv.groups.value.data == 1 for conv in plain)


@pytest.mark.parametrize("seed", range(40))
def test_dilated_convolutions_run_along_their_phases(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    rank = int(random.integers(1, 4))
    kernel, dilations = random.integers(2, 4, rank), random.integers(1, 5, rank)
    dilations[0] = max(2, dilations[0])
    pads = random.integers(0, 2 * dilations.max(), 2 * rank)
    extents = [int((k - 1) * d + random.integers(1, 12)) for k, d in zip(kernel, dilations, strict=True)]
    x, w, b = numbers(2, 3, *extents), numbers(4, 3, *kernel), numbers(4)
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], dilations=dilations, pads=pads)
    module = imported([node], x, {"w": w, "b": b}, 2 + rank)
    monkeypatch.setattr(select_algorithms, "WORTHWHILE", float("inf"))
    preserves(module, DnnSelectAlgorithmsPass(points=4), x)
    (plain,) = [op for op in operators(module) if isinstance(op, ConvOp)]
    assert plain.winograd
    assert set(plain.dilations.get_values()) == {1}
