"""Constants of the `dnn` dialect."""

from collections.abc import Sequence
from math import isfinite

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr, TensorType
from xdsl.interfaces import HasFolderInterface
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, result_def, traits_def
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.dnn.base import DnnOp, Tensor, plain
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.element import element_attribute, is_dense, is_tensor
from webdnn.support.element_type import ElementType

INLINE_LIMIT = 16
"""Most elements of a constant that is written inline."""


@irdl_op_definition
class ConstantOp(DnnOp, HasFolderInterface):
    """A tensor that is known: a reference to weights, or a few finite elements inline. ONNX initializers, `Constant`.

    ```mlir
    %w = dnn.constant #dnn.weight<w5f1c09aa : tensor<64x3x7x7xf32>> : tensor<64x3x7x7xf32>
    %s = dnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
    ```
    """

    name = "dnn.constant"
    value = prop_def(Attribute)
    output = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "$value attr-dict `:` type($output)"

    def __init__(self, value: WeightAttr | DenseIntOrFPElementsAttr, type: Tensor | None = None):
        IRDLOperation.__init__(self, result_types=[type or value.type], properties={"value": value})

    @classmethod
    def weight(cls, key: str, element: ElementType, shape: Sequence[int]) -> "ConstantOp":
        """The weight under a key of the weight store."""
        return cls(WeightAttr(StringAttr(key), TensorType(element_attribute(element.name), shape)))

    def infer(self) -> Sequence[Tensor]:
        if isinstance(self.value, WeightAttr):
            return [plain(self.value.type)]
        if is_dense(self.value) and is_tensor(self.value.type):
            return [plain(self.value.type)]
        raise VerifyException(f"a constant's value is #dnn.weight<…> or dense<…> : tensor<…>, found {self.value}")

    def verify_(self) -> None:
        super().verify_()
        if is_dense(self.value):
            values = self.value.get_values()
            if len(values) > INLINE_LIMIT:
                raise VerifyException(f"found {len(values)} elements inline, expected at most {INLINE_LIMIT}")
            if any(isinstance(v, float) and not isfinite(v) for v in values):
                raise VerifyException("an inline constant is finite; refer to a weight for infinities and NaN")

    def fold(self) -> Sequence[Attribute]:
        return (self.value,)


def is_known(value: SSAValue) -> bool:
    """Is this a constant, or computed from constants alone?"""
    pending, met = [value], {value}
    while pending:
        owner = pending.pop().owner
        if isinstance(owner, ConstantOp):
            continue
        if not isinstance(owner, Operation) or not owner.operands:
            return False
        fresh = [operand for operand in owner.operands if operand not in met]
        met.update(fresh)
        pending += fresh
    return True


def known_values(block: Block) -> set[SSAValue]:
    """All values of a block that are constants, or computed from constants alone."""
    found: set[SSAValue] = set()
    for op in block.ops:
        if isinstance(op, ConstantOp) or (op.operands and found.issuperset(op.operands)):
            found.update(op.results)
    return found
