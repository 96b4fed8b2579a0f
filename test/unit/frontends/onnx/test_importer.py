"""What the ONNX importer makes of models that it can import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors
from xdsl.dialects.builtin import ModuleOp, NameLoc
from xdsl.dialects.func import FuncOp

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.kernel.reference import run_function
from webdnn.frontends.onnx.importer import import_onnx

Array = NDArray[np.generic]
Build = Callable[..., ModelProto]
Run = Callable[..., list[Array]]

node = helper.make_node
F32 = TensorProto.FLOAT


def main_of(module: ModuleOp) -> FuncOp:
    found = module.body.block.first_op
    assert isinstance(found, FuncOp)
    return found


def operators(module: ModuleOp) -> list[str]:
    return [op.name for op in module.walk() if op.name.startswith("dnn.") and not isinstance(op, ConstantOp)]


def test_arguments_and_results_carry_names_and_operators_their_nodes(model: Build) -> None:
    nodes = [node("Relu", ["x"], ["r"], name="first"), node("Neg", ["r"], ["y 1"])]
    module = import_onnx(model(nodes, {"x": [2, 3]}, ["y 1"]))
    main = main_of(module)
    assert '{dnn.name = "x"}' in str(main)
    assert '{dnn.name = "y 1"}' in str(main)
    locations = [op.location for op in main.body.block.ops]
    assert [loc.desc.data for loc in locations if isinstance(loc, NameLoc)] == ["first", "Neg 'y 1'", "test"]


def test_dimensions_are_bound(model: Build, run: Run) -> None:
    nodes = [node("Add", ["x", "b"], ["y"])]
    proto = model(nodes, {"x": ["N", None]}, {"y": ["N", 3]}, {"b": np.ones(3, np.float32)})
    found = run(proto, np.zeros((2, 3), np.float32), dims={"N": 2, "x.1": 3})
    np.testing.assert_array_equal(found[0], np.ones((2, 3)))


@pytest.mark.parametrize("unknown", ["?", "-1", "None"])
def test_unknown_dimensions_are_told_apart(model: Build, run: Run, unknown: str) -> None:
    proto = model([node("Relu", ["x"], ["y"])], {"x": [unknown, 2, unknown]}, ["y"])
    (found,) = run(proto, np.ones((3, 2, 4), np.float32), dims={"x.0": 3, "x.2": 4})
    assert found.shape == (3, 2, 4)


@pytest.mark.parametrize("ir_version", [3, 4, 10])
def test_initializers_may_be_inputs_too(model: Build, ir_version: int) -> None:
    nodes = [node("Add", ["x", "w"], ["y"])]
    proto = model(nodes, {"x": [3], "w": [3]}, ["y"], {"w": np.ones(3, np.float32)}, ir_version=ir_version)
    assert len(main_of(import_onnx(proto)).args) == 1


def test_a_computation_of_shapes_is_folded(model: Build, run: Run) -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Mul", ["n", "three"], ["m"]),
        node("Concat", ["m", "rest"], ["t"], axis=0),
        node("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["f", "half"], ["h"]),
        node("Cast", ["h"], ["t2"], to=TensorProto.INT64),
        node("Reshape", ["x", "t2"], ["y"]),
    ]
    held = {
        "zero": np.array([0]),
        "three": np.array([3]),
        "rest": np.array([4]),
        "half": np.array([0.5, 1], np.float32),
    }
    proto = model(nodes, {"x": ["N", 6]}, ["y"], held)
    module = import_onnx(proto, dims={"N": 2})
    assert operators(module) == ["dnn.reshape"]
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(run(proto, x, dims={"N": 2})[0], x.reshape(3, 4))


def test_large_folding_is_left_to_the_target(model: Build) -> None:
    nodes = [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"], ["y"])]
    held = {"a": np.zeros((2048, 1), np.float32), "b": np.zeros((1, 2048), np.float32)}
    assert operators(import_onnx(model(nodes, {"x": [2048, 2048]}, ["y"], held))) == ["dnn.add", "dnn.add"]


def test_what_does_nothing_is_elided(model: Build, run: Run) -> None:
    nodes = [
        node("Identity", ["x"], ["i"]),
        node("Dropout", ["i"], ["d", "mask"]),
        node("Relu", ["d"], ["y"]),
        node("Foo", ["x"], ["unused"], domain="nobody"),
    ]
    proto = model(nodes, {"x": [3]}, ["y", "mask"], types={"mask": TensorProto.BOOL}, domains={"nobody": 1})
    assert operators(import_onnx(proto)) == ["dnn.relu"]
    np.testing.assert_array_equal(run(proto, -np.ones(3, np.float32))[1], [True] * 3)


def test_outputs_pick_values_and_drop_inputs(model: Build) -> None:
    nodes = [node("Relu", ["x"], ["a"]), node("Add", ["a", "z"], ["y"])]
    module = import_onnx(model(nodes, {"x": [3], "z": ["M"]}, ["y"]), outputs=["a"])
    assert operators(module) == ["dnn.relu"]
    assert len(main_of(module).args) == 1


def test_an_input_can_be_an_output(model: Build, run: Run) -> None:
    x = np.ones(3, np.float32)
    np.testing.assert_array_equal(run(model([], {"x": [3]}, ["x"]), x)[0], x)


def test_nodes_in_any_order(model: Build, run: Run) -> None:
    nodes = [node("Neg", ["b"], ["y"]), node("Relu", ["x"], ["a"]), node("Exp", ["a"], ["b"])]
    assert run(model(nodes, {"x": [1]}, ["y"]), np.zeros(1, np.float32))[0] == -1


CONSTANTS = [
    (node("Constant", [], ["y"], value_float=1.5), np.array(1.5, np.float32)),
    (node("Constant", [], ["y"], value_floats=[1.5, 2.0]), np.array([1.5, 2.0], np.float32)),
    (node("Constant", [], ["y"], value_int=7), np.array(7)),
    (node("Constant", [], ["y"], value_ints=[7, 8]), np.array([7, 8])),
    (node("Constant", [], ["y"], value=numpy_helper.from_array(np.array([[3]], np.int8))), np.array([[3]], np.int8)),
]


@pytest.mark.parametrize(("constant", "wanted"), CONSTANTS)
def test_constants_of_all_kinds(model: Build, run: Run, constant: NodeProto, wanted: Array) -> None:
    proto = model([constant], {}, ["y"], types={"y": helper.np_dtype_to_tensor_dtype(wanted.dtype)})
    found = run(proto)[0]
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def sparse() -> onnx.SparseTensorProto:
    values = numpy_helper.from_array(np.array([5, 6], np.float32), "w")
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([1, 5])), [2, 3])


def test_sparse_constants(model: Build, run: Run) -> None:
    wanted = np.array([[0, 5, 0], [0, 0, 6]], np.float32)
    proto = model([node("Constant", [], ["y"], sparse_value=sparse())], {}, ["y"])
    np.testing.assert_array_equal(run(proto)[0], wanted)
    proto = model([node("Neg", ["w"], ["y"])], {}, ["y"])
    proto.graph.sparse_initializer.append(sparse())
    np.testing.assert_array_equal(run(proto)[0], -wanted)


def test_weights_are_shared_by_content_and_not_copied(model: Build) -> None:
    array = np.arange(64, dtype=np.float32)
    nodes = [node("Add", ["x", "a"], ["s"]), node("Mul", ["s", "b"], ["y"])]
    module = import_onnx(model(nodes, {"x": [64]}, ["y"], {"a": array, "b": array}))
    assert len([op for op in module.walk() if isinstance(op, ConstantOp) and isinstance(op.value, WeightAttr)]) == 1


def test_external_data(model: Build, tmp_path: Path) -> None:
    array = np.arange(600, dtype=np.float32).reshape(20, 30)
    proto = model([node("Add", ["x", "w"], ["y"])], {"x": [20, 30]}, ["y"], {"w": array})
    path = tmp_path / "model.onnx"
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    write_external_data_tensors(proto, str(tmp_path))
    path.write_bytes(proto.SerializeToString())
    module = import_onnx(path)
    (tmp_path / "weights.bin").unlink()  # it is mapped
    np.testing.assert_array_equal(run_function(module, [array])[0], array * 2)


@pytest.mark.parametrize("code", [TensorProto.INT4, TensorProto.UINT4])
def test_packed_integers_are_widened(model: Build, run: Run, code: int) -> None:
    proto = model([node("Cast", ["w"], ["y"], to=TensorProto.INT32)], {}, ["y"], types={"y": TensorProto.INT32})
    proto.graph.initializer.append(helper.make_tensor("w", code, [3], [1, 7, 3]))
    np.testing.assert_array_equal(run(proto)[0], [1, 7, 3])


def test_functions_of_the_model_are_inlined(model: Build, run: Run) -> None:
    body = [
        helper.make_node("Constant", [], ["c"]),
        node("Mul", ["a", "c"], ["scaled"]),
        node("Foo", ["scaled"], ["unused"], domain="own"),
        node("Inner", ["scaled"], ["r"], name="deep", domain="own"),
    ]
    attribute = body[0].attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = "value_float", "factor", onnx.AttributeProto.FLOAT
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    inner = helper.make_function("own", "Inner", ["v"], ["w"], [node("Relu", ["v"], ["w"], name="relu")], imports)
    outer = helper.make_function("own", "Outer", ["a", "absent"], ["r"], body, imports, attributes=["factor"])
    calls = [
        node("Outer", ["x"], ["p"], name="one", domain="own", factor=2.0),
        node("Outer", ["p"], ["y"], name="two", domain="own", factor=3.0),
    ]
    proto = model(calls, {"x": [2]}, ["y"], domains={"own": 1}, functions=[outer, inner])
    np.testing.assert_array_equal(run(proto, np.array([1, -1], np.float32))[0], [6, 0])
    places = [op.location for op in import_onnx(proto).walk() if op.name == "dnn.relu"]
    assert [p.desc.data for p in places if isinstance(p, NameLoc)] == ["one/deep/relu", "two/deep/relu"]


def test_operators_without_converter_use_their_definition(model: Build, run: Run) -> None:
    nodes = [node("MeanVarianceNormalization", ["x"], ["y"], axes=[1])]
    x = np.array([[1, 2, 3, 6]], np.float32)
    wanted = (x - x.mean()) / (x.std() + 1e-9)
    found = run(model(nodes, {"x": [1, 4]}, ["y"]), x)[0]
    np.testing.assert_allclose(found.astype(np.float32), wanted, rtol=1e-5)


def branch(op_type: str, operand: str = "x") -> onnx.GraphProto:
    """A graph that takes a value from around it, with a name inside that is used around it too."""
    nodes = [node(op_type, [operand], ["c"]), node("Identity", ["c"], ["out"])]
    return helper.make_graph(nodes, op_type, [], [helper.make_tensor_value_info("out", F32, None)])


def test_the_branch_that_is_taken(model: Build, run: Run) -> None:
    nodes = [
        node("Size", ["x"], ["n"]),
        node("Equal", ["n", "three"], ["c"]),
        node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=branch("Relu")),
    ]
    held = {"three": np.array(3)}
    assert run(model(nodes, {"x": [3]}, ["y"], held), np.ones(3, np.float32))[0].tolist() == [-1, -1, -1]
    assert operators(import_onnx(model(nodes, {"x": [4]}, ["y"], held))) == ["dnn.relu"]


BRANCHES = [node("Abs", ["x"], ["a"]), node("Sqrt", ["a"], ["r"])], [node("Exp", ["x"], ["r"])]


def test_a_branch_that_is_taken_at_run_time(model: Build, run: Run) -> None:
    """Of several outputs, one of which is a value from around in both, and one in a single branch."""
    outputs = {"then_branch": ["r", "x", "z"], "else_branch": ["r", "x", "x"]}
    graphs = {
        name: helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(o, F32, None) for o in outputs[name]])
        for name, nodes in zip(outputs, BRANCHES, strict=True)
    }
    nodes = [
        node("If", ["c"], ["p", "q", "s"], then_branch=graphs["then_branch"], else_branch=graphs["else_branch"]),
        node("Neg", ["p"], ["y"]),
    ]
    types = {"c": TensorProto.BOOL}
    proto = model(nodes, {"c": [1], "x": [3], "z": [3]}, ["y", "q", "s"], types=types)
    x, z = np.array([-4, 0, 9], np.float32), np.ones(3, np.float32)
    for taken, wanted in ((True, [-np.sqrt(np.abs(x)), x, z]), (False, [-np.exp(x), x, x])):
        found = run(proto, np.array([taken]), x, z)
        for array, expected in zip(found, wanted, strict=True):
            np.testing.assert_allclose(array.astype(np.float32), expected, rtol=1e-6)
    assert operators(import_onnx(proto)).count("dnn.where") == 2


def test_branches_in_branches(model: Build, run: Run) -> None:
    """The inner one is known in the one, computed at run time in the other; NaN of what is not taken stays there."""
    inner = {"then_branch": branch("Log"), "else_branch": branch("Neg")}
    result = [helper.make_tensor_value_info("r", F32, None)]
    known = [
        node("Size", ["x"], ["n"]),
        node("Equal", ["n", "three"], ["d"]),
        node("If", ["d"], ["r"], then_branch=inner["then_branch"], else_branch=inner["else_branch"]),
    ]
    graphs = {
        "then_branch": helper.make_graph(known, "then", [], result),
        "else_branch": helper.make_graph(
            [node("If", ["e"], ["r"], then_branch=inner["then_branch"], else_branch=inner["else_branch"])],
            "else",
            [],
            result,
        ),
    }
    types = {"c": TensorProto.BOOL, "e": TensorProto.BOOL}
    nodes = [node("If", ["c"], ["y"], then_branch=graphs["then_branch"], else_branch=graphs["else_branch"])]
    proto = model(nodes, {"c": [], "e": [], "x": [2]}, ["y"], {"three": np.array(3)}, types=types)
    x = np.array([-1, -2], np.float32)
    for c, e in ((True, True), (True, False), (False, False)):
        np.testing.assert_array_equal(run(proto, np.array(c), np.array(e), x)[0], -x)
    np.testing.assert_allclose(
        run(proto, np.array(False), np.array(True), -x)[0].astype(np.float32), np.log(-x), rtol=1e-6
    )


def test_branches_that_give_codes_and_what_nobody_reads(model: Build, run: Run) -> None:
    """What is not read may have a type in each branch; floats of 8 bits stay what they are."""
    values = [helper.make_tensor_value_info(name, 0, None) for name in ("out", "other")]
    graphs = {
        f"{name}_branch": helper.make_graph(
            [node("Cast", [x], ["out"], to=TensorProto.FLOAT8E5M2), node("Concat", [x] * n, ["other"], axis=0)],
            name,
            [],
            values,
        )
        for name, x, n in (("then", "x", 1), ("else", "z", 2))
    }
    nodes = [
        node("If", ["c"], ["f", "unread"], then_branch=graphs["then_branch"], else_branch=graphs["else_branch"]),
        node("Cast", ["f"], ["y"], to=F32),
    ]
    proto = model(nodes, {"c": [], "x": [2], "z": [2]}, ["y"], types={"c": TensorProto.BOOL}, opset=19)
    x, z = np.array([0.5, 4], np.float32), np.array([-8, 1.25], np.float32)
    assert run(proto, np.array(True), x, z)[0].tolist() == x.tolist()
    assert run(proto, np.array(False), x, z)[0].tolist() == z.tolist()


def test_constants_fix_inputs_and_other_values(model: Build, run: Run) -> None:
    nodes = [
        node("If", ["flag"], ["b"], then_branch=branch("Neg"), else_branch=branch("Relu")),
        node("Exp", ["b"], ["e"]),
        node("Add", ["e", "x"], ["y"]),
    ]
    proto = model(nodes, {"x": ["N"], "flag": []}, ["y"], types={"flag": TensorProto.BOOL})
    one = np.ones(1, np.float32)
    assert run(proto, one, dims={"N": 1}, constants={"flag": np.array(True)})[0] == pytest.approx(1 + np.exp(-1))
    assert run(proto, one, dims={"N": 1}, constants={"e": np.array([4], np.float32), "flag": np.array(0)})[0] == 5


def test_tensors_without_elements_are_known(model: Build, run: Run) -> None:
    """As initializers, as inputs and as results; the smallest number stands for an extreme of none."""
    nodes = [
        node("Slice", ["x", "a", "a"], ["cut"]),
        node("Concat", ["cut", "x"], ["y"], axis=0),
        node("ReduceMax", ["e"], ["m"], keepdims=0),
    ]
    proto = model(nodes, {"x": [3], "e": ["N"]}, ["y", "m", "cut"], {"a": np.array([1])})
    found = run(proto, np.arange(3, dtype=np.float32), np.zeros(0, np.float32), dims={"N": 0})
    np.testing.assert_array_equal(found[0], [0, 1, 2])
    assert found[1] == -np.inf
    assert found[2].shape == (0,)


def test_operators_of_old_opsets_that_have_not_changed(model: Build, run: Run) -> None:
    proto = model([node("Neg", ["x"], ["y"])], {"x": [2]}, ["y"])
    proto.opset_import[0].version = 6
    np.testing.assert_array_equal(run(proto, np.ones(2, np.float32))[0], [-1, -1])


def test_windows_that_would_start_in_the_padding_behind_are_not_counted(model: Build) -> None:
    """ONNX's shape inference counts them here, and is not believed."""
    pool = node("MaxPool", ["x"], ["p"], kernel_shape=[3], strides=[2], pads=[1, 2], ceil_mode=1)
    module = import_onnx(model([pool, node("Neg", ["p"], ["y"])], {"x": [1, 1, 3]}, ["y"]))
    (y,) = run_function(module, [np.array([[[1, 2, 3]]], np.float32)])
    assert y.tolist() == [[[-2, -3]]]


def test_stale_shapes_are_not_believed(model: Build, run: Run) -> None:
    """Somebody changed the input's extents, and nothing else."""
    proto = model([node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["y"])], {"x": [2, 3]}, {"y": [1, 3]})
    proto.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 3]))
    (y,) = run(proto, np.ones((2, 3), np.float32))
    assert y.tolist() == [[-1, -1, -1]] * 2


def test_shapes_of_branches_that_never_run_are_not_believed(model: Build, run: Run) -> None:
    """As exporters write them: both branches declare what one of them gives."""
    values = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [6])]
    shape = numpy_helper.from_array(np.array([6]), "flat")
    nodes = ([node("Reshape", ["x", "flat"], ["out"])], [node("Abs", ["x"], ["out"])])
    then, other = (helper.make_graph(n, "branch", [], values, [shape]) for n in nodes)
    choice = node("If", ["c"], ["a"], then_branch=then, else_branch=other)
    proto = model([choice, node("Neg", ["a"], ["y"])], {"x": [2, 3]}, {"y": [6]}, {"c": np.array(False)})
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    (y,) = run(proto, np.ones((2, 3), np.float32))
    assert y.tolist() == [[-1, -1, -1]] * 2


@pytest.mark.parametrize("test", ["IsInf", "IsNaN"])
def test_floats_are_tested_before_they_are_widened(test: str, model: Build, run: Run) -> None:
    nodes = [node("Cast", ["x"], ["wide"], to=TensorProto.DOUBLE), node(test, ["wide"], ["y"])]
    proto = model(nodes, {"x": [4]}, ["y"], types={"y": TensorProto.BOOL})
    assert "dnn.cast" not in operators(import_onnx(proto))
    x = np.array([np.inf, -np.inf, np.nan, 3e38], np.float32)
    np.testing.assert_array_equal(run(proto, x)[0], getattr(np, test.lower())(x))
