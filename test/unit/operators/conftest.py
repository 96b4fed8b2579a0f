"""One ONNX node, four ways: onnxruntime, the numpy reference, and the kernel form in several layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import AddOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.element import element_type, shape_of
from webdnn.dialects.kernel.reference import run_function
from webdnn.dialects.tensor_layout import ConvertOp, layout_of, with_layout
from webdnn.frontends.onnx.importer import import_onnx
from webdnn.lowering.tensor_layout_to_kernel.convert import ConvertTensorLayoutToKernelPass
from webdnn.support.axis_layout import AxisLayout, channels_last, row_major
from webdnn.support.weights import numpy_dtype

Array = NDArray[np.generic]
Attribute = int | float | str | Sequence[int] | Sequence[float] | TensorProto
Layout = Callable[[int], AxisLayout | None]
"""rank -> the layout of tensors of that rank, or None for row-major"""

LAYOUTS: dict[str, Layout] = {
    "row-major": lambda rank: None,
    "channels-last": lambda rank: channels_last(rank) if rank > 2 else None,
    "aligned": lambda rank: row_major(rank, align=4) if rank else None,
    "channels-last, aligned": lambda rank: channels_last(rank, align=4) if rank > 2 else None,
    "blocked": lambda rank: AxisLayout(tuple(range(rank)), (1, 4)) if rank > 1 else None,
}
SHIFTED = ("f32", "f64", "f16", "i8", "u8", "i32")


@dataclass(frozen=True)
class Case:
    """A node, its operands (None for one left out), and which of them are initializers."""

    op_type: str
    operands: Sequence[Array | None]
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    opset: int = 21
    constants: frozenset[int] = frozenset()
    outputs: int = 1

    @property
    def given(self) -> dict[str, Array]:
        """The arrays that are inputs of the model."""
        named = enumerate(self.operands)
        return {f"x{i}": np.asarray(a) for i, a in named if a is not None and i not in self.constants}

    def model(self) -> ModelProto:
        names = [f"x{i}" if a is not None else "" for i, a in enumerate(self.operands)]
        results = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(self.op_type, names, results, name="node")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in self.attributes.items())
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for name, a in self.given.items()
        ]
        held = [(i, a) for i, a in enumerate(self.operands) if i in self.constants]
        initializers = [numpy_helper.from_array(a, f"x{i}") for i, a in held if a is not None]
        undefined = [helper.make_value_info(name, onnx.TypeProto()) for name in results]
        graph = helper.make_graph([node], "case", inputs, undefined, initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        inferred = {v.name: v for v in onnx.shape_inference.infer_shapes(model).graph.output}
        for value in model.graph.output:
            value.CopyFrom(inferred[value.name])
            value.type.tensor_type.ClearField("shape")  # wrong for some windows, before ONNX 1.20
        return model


class Session(Protocol):
    """An onnxruntime session, which has no types of its own."""

    def run(self, names: None, inputs: Mapping[str, Array]) -> Sequence[Array]: ...


def by_onnxruntime(case: Case) -> Sequence[Array]:
    """What onnxruntime computes."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = case.model().SerializeToString()
    session: Session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, case.given)


def main_of(module: ModuleOp) -> func.FuncOp:
    function = module.body.block.first_op
    assert isinstance(function, func.FuncOp)
    return function


def lay_out(module: ModuleOp, layout: Layout) -> None:
    """Give every value that is no constant a layout, arguments by a conversion.

    Numbers are shifted by one after it, so that what is stored as padding is not zero.
    """
    block = main_of(module).body.block
    for op in list(block.ops):
        for result in op.results:
            chosen = layout(len(shape_of(result)))
            if chosen and not isinstance(op, ConstantOp):
                Rewriter.replace_value_with_new_type(result, with_layout(result.type, chosen))
    for argument in block.args:
        chosen = layout(len(shape_of(argument))) or layout_of(argument.type)
        converted = ConvertOp(argument, chosen)
        made: list[Operation] = [converted]
        element = element_type(argument.type)
        if element.name in SHIFTED:
            one = constant_of(as_array(np.ones((), numpy_dtype(element))))
            made += [one, add := AddOp(converted.result, one.output)]
            Rewriter.replace_value_with_new_type(add.output, converted.result.type)
        uses = [use for use in argument.uses if use.operation is not converted]
        for use in uses:
            use.operation.operands[use.index] = made[-1].results[0]
        first = block.first_op
        assert first is not None
        block.insert_ops_before(made, first)
    end = block.last_op
    assert end is not None
    for i, value in enumerate(end.operands):
        plain = ConvertOp(value, row_major(len(shape_of(value))))
        block.insert_op_before(plain, end)
        end.operands[i] = plain.result
    main_of(module).function_type = FunctionType.from_lists(block.arg_types, end.operand_types)


def agree_as_kernels(module: ModuleOp, inputs: Sequence[Array], tolerance: float) -> None:
    """Compare the kernel forms in every layout with the reference."""
    for name, layout in LAYOUTS.items():
        own = module.clone()
        lay_out(own, layout)
        own.verify()
        reference = run_function(own, inputs)
        ConvertTensorLayoutToKernelPass().apply(Context(), own)
        own.verify()
        agree(run_function(own, inputs), reference, tolerance, f"the kernel form ({name}) and the reference")


@dataclass(frozen=True)
class Check:
    """Compare all ways to compute a case."""

    tolerance: float = 1e-5

    def __call__(
        self,
        op_type: str,
        *operands: Array | None,
        opset: int = 21,
        constants: Sequence[int] = (),
        outputs: int = 1,
        tolerance: float | None = None,
        expected: Sequence[Array] | None = None,
        kernels: bool = True,
        **attributes: Attribute,
    ) -> ModuleOp:
        """Raise AssertionError where two ways differ; `expected` stands in for onnxruntime. The imported module."""
        case = Case(op_type, operands, attributes, opset, frozenset(constants), outputs)
        within = self.tolerance if tolerance is None else tolerance
        wanted = by_onnxruntime(case) if expected is None else expected
        module = import_onnx(case.model())
        module.verify()
        inputs = list(case.given.values())
        reference = run_function(module, inputs)
        agree(reference, wanted, within, "the reference and what is expected")
        if kernels:
            agree_as_kernels(module, inputs, within)
        return module


def agree(found: Sequence[Array], wanted: Sequence[Array], tolerance: float, what: str) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype, what
        assert a.shape == b.shape, what
        np.testing.assert_allclose(
            a.astype(np.float64), b.astype(np.float64), rtol=tolerance, atol=tolerance, err_msg=f"{what} differ"
        )


@pytest.fixture(scope="session")
def check() -> Check:
    return Check()


def random(*shape: int, dtype: str = "float32", seed: int = 0) -> NDArray[np.float64]:
    """Numbers around zero, of a type; integers of all its small values."""
    generator = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind in "iu":
        low = 0 if np.dtype(dtype).kind == "u" else -9
        return as_array(generator.integers(low, 10, shape).astype(dtype))
    return as_array(np.asarray(generator.standard_normal(shape)).astype(dtype))


@pytest.fixture(scope="session")
def noise() -> Callable[..., NDArray[np.float64]]:
    return random
