"""Operators that replace elements at computed indices: scatter_elements, scatter_nd."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.dnn.gather import check_axis, check_indices, common_axes
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.shapes import ShapeError


class ScatterOp(DnnOp):
    """The input with updates at computed places.

    `reduction` says what an update does to the element it meets: replace it (`none`; the last of several wins), or
    combine with it by `add`, `mul`, `max` or `min`.
    """

    input = operand_def(TensorType)
    indices = operand_def(TensorType)
    updates = operand_def(TensorType)
    output = result_def(TensorType)
    reduction = prop_def(StringAttr)

    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    REDUCTIONS: ClassVar = ("none", "add", "mul", "max", "min")

    def check_operands(self) -> None:
        check_indices(self.indices)
        same_element(self.input, self.updates)
        if self.reduction.data not in self.REDUCTIONS:
            raise ShapeError(f"found reduction '{self.reduction.data}', expected one of {', '.join(self.REDUCTIONS)}")


@irdl_op_definition
class ScatterElementsOp(ScatterOp):
    """`y[…, indices[…, i, …], …] = updates[…, i, …]`, the index standing at `axis`; else x. ONNX `ScatterElements`.

    ```mlir
    %y = dnn.scatter_elements %x, %i, %u {axis = 1 : i64, reduction = "none"}
       : (tensor<3x4xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x4xf32>
    ```
    """

    name = "dnn.scatter_elements"
    axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure(), Tensorwise(common_axes))

    def infer(self) -> Sequence[Tensor]:
        shape, indices, axis = shape_of(self.input), shape_of(self.indices), self.axis.value.data
        self.check_operands()
        check_axis(axis, len(shape))
        fits = len(shape) == len(indices) and all(a == axis or indices[a] <= n for a, n in enumerate(shape))
        if not fits or shape_of(self.updates) != indices:
            raise ShapeError(
                f"indices {list(indices)} and updates {list(shape_of(self.updates))} do not fit {list(shape)}"
            )
        return [typed(self.input, shape)]


@irdl_op_definition
class ScatterNdOp(ScatterOp):
    """`y[indices[i…, :]…, c…] = updates[i…, c…]`; else x. ONNX `ScatterND`.

    ```mlir
    %y = dnn.scatter_nd %x, %i, %u {reduction = "none"}
       : (tensor<8x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
    ```
    """

    name = "dnn.scatter_nd"
    traits = traits_def(Pure())

    def infer(self) -> Sequence[Tensor]:
        shape, indices, updates = shape_of(self.input), shape_of(self.indices), shape_of(self.updates)
        self.check_operands()
        depth = indices[-1] if indices else 0
        if not 1 <= depth <= len(shape) or updates != indices[:-1] + shape[depth:]:
            raise ShapeError(f"indices {list(indices)} and updates {list(updates)} do not fit {list(shape)}")
        return [typed(self.input, shape)]
