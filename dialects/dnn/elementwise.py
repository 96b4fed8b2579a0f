"""Element-wise operators without attributes, of one and two operands."""

from collections.abc import Sequence

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import BinaryOp, DnnOp, Tensor, UnaryOp, broadcast_type, same_element
from webdnn.dialects.dnn.traits import Associative, Commutative, Elementwise, Homogeneous, InPlaceable
from webdnn.support.shapes import ShapeError


@irdl_op_definition
class ReluOp(UnaryOp):
    """`max(x, 0)`, with NaN kept. ONNX `Relu`."""

    name = "dnn.relu"
    traits = traits_def(Pure(), Elementwise(), InPlaceable(), Homogeneous())


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """`1 / (1 + exp(-x))`. ONNX `Sigmoid`."""

    name = "dnn.sigmoid"


@irdl_op_definition
class TanhOp(UnaryOp):
    """The hyperbolic tangent. ONNX `Tanh`."""

    name = "dnn.tanh"


@irdl_op_definition
class ExpOp(UnaryOp):
    """`e^x`. ONNX `Exp`."""

    name = "dnn.exp"


@irdl_op_definition
class LogOp(UnaryOp):
    """The natural logarithm. ONNX `Log`."""

    name = "dnn.log"


@irdl_op_definition
class SqrtOp(UnaryOp):
    """The square root; NaN of a negative number. ONNX `Sqrt`."""

    name = "dnn.sqrt"


@irdl_op_definition
class ReciprocalOp(UnaryOp):
    """`1 / x`. ONNX `Reciprocal`."""

    name = "dnn.reciprocal"


@irdl_op_definition
class NegOp(UnaryOp):
    """`-x`; integers wrap. ONNX `Neg`."""

    name = "dnn.neg"


@irdl_op_definition
class AbsOp(UnaryOp):
    """`|x|`. ONNX `Abs`."""

    name = "dnn.abs"
    traits = traits_def(Pure(), Elementwise(), InPlaceable(), Homogeneous())


@irdl_op_definition
class FloorOp(UnaryOp):
    """The largest integer not above. ONNX `Floor`."""

    name = "dnn.floor"


@irdl_op_definition
class CeilOp(UnaryOp):
    """The smallest integer not below. ONNX `Ceil`."""

    name = "dnn.ceil"


@irdl_op_definition
class RoundOp(UnaryOp):
    """The nearest integer, ties to even. ONNX `Round`."""

    name = "dnn.round"


@irdl_op_definition
class SignOp(UnaryOp):
    """-1, 0 or 1; NaN of NaN. ONNX `Sign`."""

    name = "dnn.sign"


@irdl_op_definition
class ErfOp(UnaryOp):
    """The error function. ONNX `Erf`."""

    name = "dnn.erf"


@irdl_op_definition
class SinOp(UnaryOp):
    """The sine. ONNX `Sin`."""

    name = "dnn.sin"


@irdl_op_definition
class CosOp(UnaryOp):
    """The cosine. ONNX `Cos`."""

    name = "dnn.cos"


@irdl_op_definition
class TanOp(UnaryOp):
    """The tangent. ONNX `Tan`."""

    name = "dnn.tan"


@irdl_op_definition
class AsinOp(UnaryOp):
    """The inverse sine. ONNX `Asin`."""

    name = "dnn.asin"


@irdl_op_definition
class AcosOp(UnaryOp):
    """The inverse cosine. ONNX `Acos`."""

    name = "dnn.acos"


@irdl_op_definition
class AtanOp(UnaryOp):
    """The inverse tangent. ONNX `Atan`."""

    name = "dnn.atan"


@irdl_op_definition
class SinhOp(UnaryOp):
    """The hyperbolic sine. ONNX `Sinh`."""

    name = "dnn.sinh"


@irdl_op_definition
class CoshOp(UnaryOp):
    """The hyperbolic cosine. ONNX `Cosh`."""

    name = "dnn.cosh"


@irdl_op_definition
class AsinhOp(UnaryOp):
    """The inverse hyperbolic sine. ONNX `Asinh`."""

    name = "dnn.asinh"


@irdl_op_definition
class AcoshOp(UnaryOp):
    """The inverse hyperbolic cosine. ONNX `Acosh`."""

    name = "dnn.acosh"


@irdl_op_definition
class AtanhOp(UnaryOp):
    """The inverse hyperbolic tangent. ONNX `Atanh`."""

    name = "dnn.atanh"


@irdl_op_definition
class SoftplusOp(UnaryOp):
    """`log(1 + exp(x))`. ONNX `Softplus`."""

    name = "dnn.softplus"


@irdl_op_definition
class SoftsignOp(UnaryOp):
    """`x / (1 + |x|)`. ONNX `Softsign`."""

    name = "dnn.softsign"


@irdl_op_definition
class HardSwishOp(UnaryOp):
    """`x * max(0, min(1, x / 6 + 1/2))`. ONNX `HardSwish`."""

    name = "dnn.hard_swish"


@irdl_op_definition
class MishOp(UnaryOp):
    """`x * tanh(softplus(x))`. ONNX `Mish`."""

    name = "dnn.mish"


@irdl_op_definition
class NotOp(UnaryOp):
    """Logical negation of a bool. ONNX `Not`."""

    name = "dnn.not"


@irdl_op_definition
class BitwiseNotOp(UnaryOp):
    """The complement of an integer. ONNX `BitwiseNot`."""

    name = "dnn.bitwise_not"


@irdl_op_definition
class AddOp(BinaryOp):
    """`a + b`; integers wrap. ONNX `Add`."""

    name = "dnn.add"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class SubOp(BinaryOp):
    """`a - b`; integers wrap. ONNX `Sub`."""

    name = "dnn.sub"


@irdl_op_definition
class MulOp(BinaryOp):
    """`a * b`; integers wrap. ONNX `Mul`."""

    name = "dnn.mul"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class DivOp(BinaryOp):
    """`a / b`; integers round towards zero. ONNX `Div`."""

    name = "dnn.div"


@irdl_op_definition
class MaxOp(BinaryOp):
    """The larger; NaN where either is. ONNX `Max`."""

    name = "dnn.max"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class MinOp(BinaryOp):
    """The smaller; NaN where either is. ONNX `Min`."""

    name = "dnn.min"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class BitwiseAndOp(BinaryOp):
    """Bits set in both. ONNX `BitwiseAnd`."""

    name = "dnn.bitwise_and"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class BitwiseOrOp(BinaryOp):
    """Bits set in either. ONNX `BitwiseOr`."""

    name = "dnn.bitwise_or"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


@irdl_op_definition
class BitwiseXorOp(BinaryOp):
    """Bits set in one. ONNX `BitwiseXor`."""

    name = "dnn.bitwise_xor"
    traits = traits_def(Pure(), Elementwise(), Commutative(), Associative())


class PredicateOp(BinaryOp):
    """A comparison: its result is a tensor of bools."""

    @classmethod
    def result_element(cls, element: Attribute) -> Attribute:
        return i1


@irdl_op_definition
class EqualOp(PredicateOp):
    """`a == b`; false where either is NaN. ONNX `Equal`."""

    name = "dnn.equal"
    traits = traits_def(Pure(), Elementwise(), Commutative())


@irdl_op_definition
class LessOp(PredicateOp):
    """`a < b`; false where either is NaN. ONNX `Less`."""

    name = "dnn.less"


@irdl_op_definition
class LessOrEqualOp(PredicateOp):
    """`a <= b`; false where either is NaN. ONNX `LessOrEqual`."""

    name = "dnn.less_or_equal"


@irdl_op_definition
class GreaterOp(PredicateOp):
    """`a > b`; false where either is NaN. ONNX `Greater`."""

    name = "dnn.greater"


@irdl_op_definition
class GreaterOrEqualOp(PredicateOp):
    """`a >= b`; false where either is NaN. ONNX `GreaterOrEqual`."""

    name = "dnn.greater_or_equal"


@irdl_op_definition
class AndOp(PredicateOp):
    """Both, of bools. ONNX `And`."""

    name = "dnn.and"
    traits = traits_def(Pure(), Elementwise(), Commutative())


@irdl_op_definition
class OrOp(PredicateOp):
    """Either, of bools. ONNX `Or`."""

    name = "dnn.or"
    traits = traits_def(Pure(), Elementwise(), Commutative())


@irdl_op_definition
class XorOp(PredicateOp):
    """One but not both, of bools. ONNX `Xor`."""

    name = "dnn.xor"
    traits = traits_def(Pure(), Elementwise(), Commutative())


@irdl_op_definition
class WhereOp(DnnOp):
    """The element of `yes` where the condition holds, else that of `no`; all three broadcast. ONNX `Where`."""

    name = "dnn.where"
    condition = operand_def(TensorType)
    yes = operand_def(TensorType)
    no = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        if same_element(self.condition) != i1:
            raise ShapeError(f"the condition has elements of type {same_element(self.condition)}, expected i1")
        return [broadcast_type([self.condition, self.yes, self.no], same_element(self.yes, self.no))]
