"""What the ONNX importer says of models that it cannot import: all of it, in one error, never a traceback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.generic]
Build = Callable[..., ModelProto]

node = helper.make_node


def refusal(
    source: ModelProto | Path,
    *,
    dims: Mapping[str, int] | None = None,
    constants: Mapping[str, Array] | None = None,
    outputs: Sequence[str] | None = None,
) -> DiagnosticError:
    with pytest.raises(DiagnosticError) as caught:
        import_onnx(source, dims=dims, constants=constants, outputs=outputs)
    assert all(problem.hint for problem in caught.value.problems)
    return caught.value


def one(model: Build) -> ModelProto:
    return model([node("Relu", ["x"], ["y"], name="n")], {"x": [2, 3]}, ["y"])


def test_every_problem_is_named(model: Build) -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("ImageDecoder", ["a"], ["o"], name="first"),
        node("Conv", ["a", "w"], ["b"], name="conv", auto_pad="SOMEHOW"),
        node("Multinomial", ["b"], ["c"], name="second"),
        node("Softmax", ["c"], ["d"], name="fine"),
        node("Gelu", ["b"], ["e"], name="gelu", approximate="often"),
        node("Relu", ["b"], ["f"], name="extra", strange=1),
        node("Foo", ["o"], ["g"], name="third", domain="custom"),
        node("Relu", ["g"], ["h"]),
    ]
    held = {"w": np.ones((2, 2, 3, 3), np.float32)}
    outputs = ["d", "e", "f", "h"]
    types = {"d": TensorProto.INT32}
    proto = model(nodes, {"x": [1, 2, 8, 8]}, outputs, held, types=types, opset=20, domains={"custom": 1})
    error = refusal(proto)
    assert {problem.where for problem in error.problems} >= {"first", "conv", "second", "gelu", "third"}
    assert "fine" not in {problem.where for problem in error.problems}
    assert "'Foo' of the domain 'custom' is not supported" in str(error)


def test_layouts_of_one_processor_are_refused_with_the_level_that_makes_none(model: Build) -> None:
    domain = "com.microsoft.nchwc"
    nodes = [node("ReorderInput", ["x"], ["a"], name="blocked", domain=domain, channels_last=0)]
    error = refusal(model(nodes, {"x": [1, 8, 4, 4]}, ["a"], domains={domain: 1}))
    assert "'ReorderInput' of the domain 'com.microsoft.nchwc' is not supported" in str(error)
    assert "the level 'extended'" in error.hint


def test_nodes_behind_a_refused_one_are_tried(model: Build) -> None:
    nodes = [
        node("Foo", ["x"], ["a"], name="foo", domain="custom"),
        node("Det", ["x"], ["d"], name="det"),
        node("Gelu", ["d"], ["y"], name="gelu", approximate="often"),
    ]
    error = refusal(model(nodes, {"x": [2, 2]}, ["a", "y"], opset=22, domains={"custom": 1}))
    assert "foo" in {p.where for p in error.problems}


SHARED = {"x": ["N", 3], "z": [None, 3], "w": ["N", 3]}


def test_an_unbound_dimension_is_named_once(model: Build) -> None:
    proto = model([node("Add", ["x", "z"], ["a"]), node("Add", ["a", "w"], ["y"])], SHARED, ["y"])
    error = refusal(proto)
    assert str(error).count("--dim N=1,") == 1
    assert "--dim z.0=1" in str(error)


def test_dimensions_that_are_none(model: Build) -> None:
    error = refusal(model([], {"x": ["N", "M"]}, ["x"]), dims={"batch": 2})
    assert error.problems[-1].hint == "the dimensions to bind are: N, M"
    assert "number of elements" in str(refusal(model([], {"x": ["N"]}, ["x"]), dims={"N": -1}))


def test_names_that_stand_for_nothing(model: Build) -> None:
    assert "its inputs are: x" in str(refusal(one(model), constants={"z": np.zeros(1)}))
    assert "its outputs are: y" in str(refusal(one(model), outputs=["z"]))


@pytest.mark.parametrize("array", [np.zeros((2, 4), np.float32), np.zeros(6), np.full((2, 3), 0.1), np.array("text")])
def test_constants_that_do_not_fit(model: Build, array: Array) -> None:
    assert "the constant given for it" in str(refusal(one(model), constants={"x": array}))


def test_operands_that_must_be_known(model: Build) -> None:
    nodes = [node("Neg", ["s"], ["t"]), node("Reshape", ["x", "t"], ["y"], name="r")]
    proto = model(nodes, {"x": [2, 3], "s": [1]}, ["y"], types={"s": TensorProto.INT64})
    assert "--constant s=FILE.npy" in str(refusal(proto))


def chosen(model: Build, yes: onnx.NodeProto, no: onnx.NodeProto) -> ModelProto:
    """The output of one node or the other, by an input `c`."""
    values = [helper.make_tensor_value_info("out", 0, None)]
    then, other = (helper.make_graph([n], "branch", [], values) for n in (yes, no))
    choice = node("If", ["c"], ["y"], name="if", then_branch=then, else_branch=other)
    return model([choice], {"x": [2], "c": []}, ["y"], types={"c": TensorProto.BOOL})


def test_what_cannot_be_imported_in_either_branch(model: Build) -> None:
    proto = chosen(model, node("Foo", ["x"], ["out"], name="one"), node("Bar", ["x"], ["out"], name="other"))
    error = refusal(proto)
    assert {p.where for p in error.problems} >= {"one", "other", "if"}
    assert "--constant c=FILE.npy, so that one branch is enough" in str(error)


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (node("Flatten", ["x"], ["out"], axis=0), "f32 [1, 2]"),
        (node("Cast", ["x"], ["out"], to=TensorProto.INT32), "i32 [2]"),
        (node("Cast", ["x"], ["out"], to=TensorProto.FLOAT8E5M2), "FLOAT8E5M2 [2]"),
    ],
)
def test_branches_that_give_different_types(model: Build, other: onnx.NodeProto, kind: str) -> None:
    error = refusal(chosen(model, node("Neg", ["x"], ["out"]), other))
    assert error.where == "if"
    assert f"output 0 is f32 [2] or {kind}" in str(error)
    assert "--constant c=FILE.npy" in str(error)
    known = import_onnx(chosen(model, node("Neg", ["x"], ["out"]), other), constants={"c": np.array(True)})
    assert any(op.name == "dnn.neg" for op in known.walk())


def test_shapes_that_contradict_each_other(model: Build) -> None:
    nodes = [node("MatMul", ["x", "w"], ["y"], name="product")]
    error = refusal(model(nodes, {"x": [2, 3]}, ["y"], {"w": np.zeros((4, 5), np.float32)}))
    assert error.where == "product"
    pool = node("MaxPool", ["x"], ["y"], name="pool", kernel_shape=[3], strides=[2], ceil_mode=1)
    error = refusal(model([pool], {"x": [1, 1, 4]}, {"y": [1, 1, 5]}))  # which ONNX's inference is not asked about
    assert "[1, 1, 2], not f32 [1, 1, 5]" in str(error)
    nodes = [node("Relu", ["x"], ["a"], name="relu"), node("Neg", ["a"], ["y"])]
    proto = model(nodes, {"x": [2]}, ["y"])
    proto.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.INT32, [2]))
    assert refusal(proto).where == "relu"


def test_cycles_and_missing_values(model: Build) -> None:
    nodes = [node("Add", ["x", "b"], ["a"], name="one"), node("Relu", ["a"], ["b"], name="two")]
    assert {p.where for p in refusal(model(nodes, {"x": [2]}, ["b"])).problems} == {"one", "two"}
    assert "'q', which nothing produces" in str(refusal(model([node("Relu", ["q"], ["y"])], {"x": [2]}, ["y"])))
    assert "'y', which nothing produces" in str(refusal(model([], {"x": [2]}, ["y"])))


def test_names_that_are_used_twice(model: Build) -> None:
    twice = [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])]
    assert "produced by 2 nodes" in str(refusal(model(twice, {"x": [2]}, ["y"])))
    assert "used twice" in str(refusal(model([node("Relu", ["y"], ["x"])], {"x": [2], "y": [2]}, ["x"])))
    proto = one(model)
    proto.graph.initializer.extend([numpy_helper.from_array(np.zeros(2), "w")] * 2)
    assert "two initializers are called 'w'" in str(refusal(proto))
    proto = one(model)
    proto.graph.initializer.append(numpy_helper.from_array(np.zeros(2), "y"))
    assert "both an initializer and" in str(refusal(proto))


@pytest.mark.parametrize(("opset", "hint"), [(6, "version_converter"), (1000, "newer onnx")])
def test_opsets_out_of_range(model: Build, opset: int, hint: str) -> None:
    """Dropout has changed between opsets 6 and 7."""
    proto = model([node("Dropout", ["x"], ["y"], name="n")], {"x": [2, 3]}, ["y"])
    proto.opset_import[0].version = opset
    assert hint in refusal(proto).hint


def test_newer_files(model: Build) -> None:
    proto = one(model)
    proto.ir_version = onnx.IR_VERSION + 1
    assert "IR version" in str(refusal(proto))


def test_values_that_are_no_tensors(model: Build) -> None:
    proto = one(model)
    proto.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [2]))
    assert "no tensor but a sequence" in str(refusal(proto))
    proto = model([node("Identity", ["x"], ["y"])], {"x": [2]}, ["y"], types={"x": TensorProto.STRING})
    assert "ONNX type STRING" in str(refusal(proto))


def test_tensors_without_elements(model: Build) -> None:
    """Nothing is computed on them at run time; what they say is known."""
    nodes = [node("ScatterElements", ["x", "i", "u"], ["y"], name="none")]
    held = {"i": np.zeros(0, np.int64), "u": np.zeros(0, np.float32)}
    error = refusal(model(nodes, {"x": [3]}, ["y"], held))
    assert (error.where, error.what) == ("none", "'dnn.scatter_elements' has an operand without elements")


def test_a_function_that_calls_itself(model: Build) -> None:
    imports = [helper.make_opsetid("own", 1)]
    own = helper.make_function("own", "Self", ["a"], ["b"], [node("Self", ["a"], ["b"], domain="own")], imports)
    nodes = [node("Self", ["x"], ["y"], name="n", domain="own")]
    proto = model(nodes, {"x": [2]}, ["y"], domains={"own": 1}, functions=[own])
    assert "calls itself" in str(refusal(proto))


def test_external_data_that_is_not_there(model: Build, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"

    def saved(location: str) -> DiagnosticError:
        nodes = [node("Add", ["x", "w"], ["y"])]
        proto = model(nodes, {"x": [64]}, ["y"], {"w": np.zeros(64, np.float32)})
        tensor = proto.graph.initializer[0]
        set_external_data(tensor, location)
        tensor.ClearField("raw_data")
        path.write_bytes(proto.SerializeToString())
        return refusal(path)

    assert "does not exist" in str(saved("weights.bin"))
    (tmp_path / "weights.bin").write_bytes(b"short")
    assert "has no 256 bytes" in str(saved("weights.bin"))
    assert "outside of the model's folder" in str(saved("../weights.bin"))


def test_files_that_are_no_models(model: Build, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    assert "no such file" in str(refusal(path))
    data = one(model).SerializeToString()
    for wrong in (b"", b"\x00" * 40, bytes(range(256)), data[: len(data) // 2], b"{}"):
        path.write_bytes(wrong)
        refusal(path)
    refusal(tmp_path)
    refusal(ModelProto())
    refusal(ModelProto(ir_version=8))


def test_damaged_bytes_give_messages(model: Build, tmp_path: Path) -> None:
    """Flip bytes of a model of several operators; whatever is read, the answer is a module or a DiagnosticError."""
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Clip", ["c", "low"], ["r"]),
        node("Shape", ["r"], ["s"]),
        node("Reshape", ["r", "s"], ["f"]),
        node("Softmax", ["f"], ["y"], axis=1),
    ]
    held = {"w": np.ones((2, 2, 3, 3), np.float32), "low": np.array(0, np.float32)}
    data = model(nodes, {"x": [1, 2, 4, 4]}, {"y": [1, 2, 2, 2]}, held).SerializeToString()
    generator = np.random.default_rng(1)
    path = tmp_path / "model.onnx"
    for _ in range(60):
        damaged = bytearray(data)
        for at in generator.integers(0, len(data), 2):
            damaged[at] = generator.integers(0, 256)
        path.write_bytes(damaged)
        with suppress(DiagnosticError):
            import_onnx(path).verify()
