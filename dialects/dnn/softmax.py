"""Softmax and its logarithm."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, TensorType, i64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, typed
from webdnn.dialects.dnn.gather import check_axis
from webdnn.dialects.dnn.shape import axis_of
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.shapes import ShapeError


class NormalizedExponentialOp(DnnOp):
    """Floats normalized along one axis."""

    input = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))

    traits = traits_def(Pure(), Tensorwise(lambda op: frozenset(range(len(shape_of(op.results[0])))) - {axis_of(op)}))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        check_axis(self.axis.value.data, len(shape_of(self.input)))
        if not element_type(self.input.type).is_float:
            raise ShapeError(f"found {self.input.type}, expected floats")
        return [typed(self.input, shape_of(self.input))]


@irdl_op_definition
class SoftmaxOp(NormalizedExponentialOp):
    """`exp(x) / sum(exp(x))` along `axis`. ONNX `Softmax`.

    ```mlir
    %y = dnn.softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.softmax"


@irdl_op_definition
class LogSoftmaxOp(NormalizedExponentialOp):
    """`x - log(sum(exp(x)))` along `axis`. ONNX `LogSoftmax`.

    ```mlir
    %y = dnn.log_softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.log_softmax"
