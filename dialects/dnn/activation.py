"""Element-wise activations with attributes."""

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, TensorType, f64, i64
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, plain, same_element
from webdnn.dialects.dnn.traits import Elementwise, Homogeneous, InPlaceable
from webdnn.dialects.element import element_type, shape_of, tensor_type
from webdnn.support.shapes import ShapeError, broadcast


class ActivationOp(DnnOp):
    """One operand, properties, and a result of the operand's type."""

    input = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Elementwise(), InPlaceable())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        return [plain(tensor_type(self.input))]


@irdl_op_definition
class LeakyReluOp(ActivationOp):
    """`x` where it is not negative, else `alpha * x`. ONNX `LeakyRelu`.

    ```mlir
    %y = dnn.leaky_relu %x {alpha = 1.0e-02 : f64} : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "dnn.leaky_relu"
    traits = traits_def(Pure(), Elementwise(), InPlaceable(), Homogeneous())
    alpha = prop_def(FloatAttr.constr(f64))


@irdl_op_definition
class EluOp(ActivationOp):
    """`x` where it is not negative, else `alpha * (exp(rate * x) - 1)`. ONNX `Elu`, `Celu`, and `Selu` up to a factor.

    ```mlir
    %y = dnn.elu %x {alpha = 1.0 : f64, rate = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "dnn.elu"
    alpha = prop_def(FloatAttr.constr(f64))
    rate = prop_def(FloatAttr.constr(f64))


@irdl_op_definition
class HardSigmoidOp(ActivationOp):
    """`max(0, min(1, alpha * x + beta))`. ONNX `HardSigmoid`.

    ```mlir
    %y = dnn.hard_sigmoid %x {alpha = 2.0e-01 : f64, beta = 5.0e-01 : f64} : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "dnn.hard_sigmoid"
    alpha = prop_def(FloatAttr.constr(f64))
    beta = prop_def(FloatAttr.constr(f64))


@irdl_op_definition
class GeluOp(ActivationOp):
    """`x * Φ(x)` with the normal distribution Φ; `approximate` takes its form by tanh. ONNX `Gelu`.

    Exact: `x / 2 * (1 + erf(x / √2))`. Approximate: `x / 2 * (1 + tanh(√(2/π) * (x + 0.044715 * x³)))`.

    ```mlir
    %y = dnn.gelu %x {approximate = false} : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "dnn.gelu"
    approximate = prop_def(BoolAttr)


@irdl_op_definition
class ClipOp(ActivationOp):
    """`min(max(x, low), high)`, each bound only where it is given; NaN is kept. ONNX `Clip` with constant bounds.

    Bounds of floats are f64, those of integers i64.

    ```mlir
    %y = dnn.clip %x {low = 0.0 : f64, high = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "dnn.clip"
    low = opt_prop_def(FloatAttr.constr(f64) | IntegerAttr.constr(i64))
    high = opt_prop_def(FloatAttr.constr(f64) | IntegerAttr.constr(i64))

    def infer(self) -> Sequence[Tensor]:
        for bound in (self.low, self.high):
            if bound is not None and isinstance(bound, FloatAttr) != element_type(self.input.type).is_float:
                raise ShapeError(f"found a bound {bound} for elements of type {tensor_type(self.input).element_type}")
        return super().infer()


@irdl_op_definition
class PReluOp(DnnOp):
    """`x` where it is not negative, else `slope * x`; the slope broadcasts to the shape of x. ONNX `PRelu`.

    ```mlir
    %y = dnn.prelu %x, %slope : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.prelu"
    input = operand_def(TensorType)
    slope = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Elementwise(), InPlaceable(), Homogeneous())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        same_element(self.input, self.slope)
        if broadcast([shape_of(self.input), shape_of(self.slope)]) != shape_of(self.input):
            raise ShapeError(f"the slope {list(shape_of(self.slope))} does not fit into {list(shape_of(self.input))}")
        return [plain(tensor_type(self.input))]
