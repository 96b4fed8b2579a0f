"""Operators that find elements: arg_max, arg_min, top_k, search_sorted, non_max_suppression."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, TensorType, f32, f64, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.dnn.gather import check_axis
from webdnn.dialects.dnn.shape import axis_of
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import shape_of, tensor_type
from webdnn.support.shapes import ShapeError


def kept_axes(op: Operation) -> frozenset[int]:
    """The axes of the result that the operand has at the same place."""
    assert isinstance(op, ArgOp)
    axis, rank = op.axis.value.data, len(shape_of(op.input))
    return frozenset(range(rank if op.keepdims.value.data else axis)) - {axis}


class ArgOp(DnnOp):
    """The index (i64) along `axis` of an extreme element; of the first of equal ones, or of the last (`select_last`).

    ```mlir
    %y = dnn.arg_max %x {axis = 1 : i64, keepdims = true, select_last = false}
       : (tensor<2x3xf32>) -> tensor<2x1xi64>
    ```
    """

    input = operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    keepdims = prop_def(BoolAttr)
    select_last = prop_def(BoolAttr)

    traits = traits_def(Pure(), Tensorwise(kept_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, axis = shape_of(self.input), self.axis.value.data
        check_axis(axis, len(shape))
        kept = [1] if self.keepdims.value.data else []
        return [typed(self.input, [*shape[:axis], *kept, *shape[axis + 1 :]], i64)]


@irdl_op_definition
class ArgMaxOp(ArgOp):
    """The index of the greatest element. ONNX `ArgMax`."""

    name = "dnn.arg_max"


@irdl_op_definition
class ArgMinOp(ArgOp):
    """The index of the least element. ONNX `ArgMin`."""

    name = "dnn.arg_min"


@irdl_op_definition
class TopKOp(DnnOp):
    """The `k` greatest (`largest`) or least elements along `axis` in order, and their indices (i64). ONNX `TopK`.

    Of equal elements the one with the smaller index comes first. NaN has no place in the order.

    ```mlir
    %values, %indices = dnn.top_k %x {k = 2 : i64, axis = 1 : i64, largest = true}
                      : (tensor<2x5xf32>) -> (tensor<2x2xf32>, tensor<2x2xi64>)
    ```
    """

    name = "dnn.top_k"
    input = operand_def(TensorType)
    values = result_def(TensorType)
    indices = result_def(TensorType)
    k = prop_def(IntegerAttr.constr(i64))
    axis = prop_def(IntegerAttr.constr(i64))
    largest = prop_def(BoolAttr)
    traits = traits_def(Pure(), Tensorwise(lambda op: frozenset(range(len(shape_of(op.results[0])))) - {axis_of(op)}))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    @classmethod
    def result_count(
        cls, operands: Sequence[SSAValue | Sequence[SSAValue] | None], properties: Mapping[str, Attribute | None]
    ) -> int:
        return 2

    def infer(self) -> Sequence[Tensor]:
        shape, axis, k = shape_of(self.input), self.axis.value.data, self.k.value.data
        check_axis(axis, len(shape))
        if not 1 <= k <= shape[axis]:
            raise ShapeError(f"cannot take {k} of the {shape[axis]} elements along axis {axis}")
        result = [*shape[:axis], k, *shape[axis + 1 :]]
        return [typed(self.input, result), typed(self.input, result, i64)]


@irdl_op_definition
class SearchSortedOp(DnnOp):
    """How many elements of a vector in ascending order are at most as large as each value (i32): numpy, from the right.

    ```mlir
    %y = dnn.search_sorted %sorted, %values : (tensor<9xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
    ```
    """

    name = "dnn.search_sorted"
    sorted = operand_def(TensorType)
    values = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        same_element(self.sorted, self.values)
        if len(shape_of(self.sorted)) != 1:
            raise ShapeError(f"{list(shape_of(self.sorted))} is no vector to search in")
        return [typed(self.values, shape_of(self.values), i32)]


@irdl_op_definition
class NonMaxSuppressionOp(DnnOp):
    """The boxes that are taken, best score first, for each class of each image: `(B, C, most)` places (i64).

    A step takes the box with the best score above `least` (any score, without it) that is left, the first of equal
    ones, and removes all boxes whose intersection with it is more than `overlap` of their union. A step that finds
    none gives -1, and so do all after it. Boxes `(B, N, 4)` are two corners `low y, low x, high y, high x`, scores
    `(B, C, N)`. ONNX `NonMaxSuppression`.

    ```mlir
    %places = dnn.non_max_suppression %boxes, %scores {most = 3 : i64, overlap = 5.000000e-01 : f64}
            : (tensor<1x6x4xf32>, tensor<1x2x6xf32>) -> tensor<1x2x3xi64>
    ```
    """

    name = "dnn.non_max_suppression"
    boxes = operand_def(TensorType)
    scores = operand_def(TensorType)
    places = result_def(TensorType)
    most = prop_def(IntegerAttr.constr(i64))
    overlap = prop_def(FloatAttr.constr(f64))
    least = opt_prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        boxes, scores, most = shape_of(self.boxes), shape_of(self.scores), self.most.value.data
        if any(tensor_type(operand).element_type != f32 for operand in self.operands):
            raise ShapeError("boxes and scores have elements of type f32")
        if len(scores) != 3 or boxes != (scores[0], scores[2], 4):
            raise ShapeError(f"boxes {list(boxes)} and scores {list(scores)}, expected (B, N, 4) and (B, C, N)")
        if not 1 <= most <= scores[2]:
            raise ShapeError(f"cannot take {most} of {scores[2]} boxes")
        return [typed(self.scores, [*scores[:2], most], i64)]
