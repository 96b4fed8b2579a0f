"""The operation that moves a value from one layout to another."""

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import tensor_type
from webdnn.dialects.tensor_layout.layout import layout_of, with_layout
from webdnn.support.axis_layout import AxisLayout


@irdl_op_definition
class ConvertOp(IRDLOperation):
    """The same tensor in another layout.

    ```mlir
    %1 = tensor_layout.convert %0 : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32, #tensor_layout.layout<[0, 2, 3, 1]>>
    ```
    """

    name = "tensor_layout.convert"
    source = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$source attr-dict `:` type($source) `->` type($result)"

    def __init__(self, source: SSAValue, layout: AxisLayout):
        super().__init__(operands=[source], result_types=[with_layout(source.type, layout)])

    def verify_(self) -> None:
        before, after = tensor_type(self.source), tensor_type(self.result)
        if before.get_shape() != after.get_shape() or before.element_type != after.element_type:
            raise VerifyException(f"cannot convert {before} to {after}: expected the same shape and element type")
        for type in (before, after):
            if layout_of(type).rank != type.get_num_dims():
                raise VerifyException(f"the layout orders {layout_of(type).rank} axes, expected {type.get_num_dims()}")
