"""Operators that move elements: reshape, transpose, slice, concat, expand, tile, pad, trilu."""

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Self

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, ints, same_element, typed
from webdnn.dialects.dnn.traits import Moving, Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.shapes import ShapeError, broadcast


def unchanged_axes(op: Operation) -> frozenset[int]:
    """The axes that an operator of one main operand takes over as they are."""
    match op:
        case SliceOp():
            before, starts, steps = shape_of(op.input), op.starts.get_values(), op.steps.get_values()
            kept = [a for a, n in enumerate(op.sizes.get_values()) if (starts[a], steps[a], n) == (0, 1, before[a])]
        case PadOp():
            rank, pads = len(shape_of(op.input)), op.pads.get_values()
            kept = [a for a in range(rank) if pads[a] == pads[a + rank] == 0]
        case TileOp():
            kept = [a for a, count in enumerate(op.repeats.get_values()) if count == 1]
        case ExpandOp():
            before, after = shape_of(op.input), op.shape.get_values()
            kept = [a for a, n in enumerate(after) if len(before) == len(after) and before[a] == n]
        case _:
            kept = []
    return frozenset(kept)


@irdl_op_definition
class ReshapeOp(DnnOp):
    """The same elements in the same row-major order under another shape. ONNX `Reshape`, `Flatten`, `Squeeze`, ….

    ```mlir
    %y = dnn.reshape %x {shape = array<i64: 3, 4>} : (tensor<2x6xf32>) -> tensor<3x4xf32>
    ```
    """

    name = "dnn.reshape"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    shape = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Moving())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        before, after = shape_of(self.input), self.shape.get_values()
        if prod(before) != prod(after) or any(extent < 0 for extent in after):
            raise ShapeError(f"cannot reshape {list(before)} to {list(after)}: expected as many elements")
        return [typed(self.input, after)]


@irdl_op_definition
class TransposeOp(DnnOp):
    """Axis `i` of the result is axis `permutation[i]` of the operand. ONNX `Transpose`.

    ```mlir
    %y = dnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
    ```
    """

    name = "dnn.transpose"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    permutation = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Moving())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, permutation = shape_of(self.input), self.permutation.get_values()
        if sorted(permutation) != list(range(len(shape))):
            raise ShapeError(f"the permutation {list(permutation)} does not name each of {len(shape)} axes once")
        return [typed(self.input, [shape[axis] for axis in permutation])]


@irdl_op_definition
class SliceOp(DnnOp):
    """`y[i] = x[starts + i * steps]` for `sizes` elements of each axis; steps may be negative. ONNX `Slice`, `Split`.

    ```mlir
    %y = dnn.slice %x {starts = array<i64: 0, 5>, sizes = array<i64: 2, 3>, steps = array<i64: 1, -2>}
       : (tensor<2x6xf32>) -> tensor<2x3xf32>
    ```
    """

    name = "dnn.slice"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    starts = prop_def(DenseArrayBase.constr(i64))
    sizes = prop_def(DenseArrayBase.constr(i64))
    steps = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Moving(), Tensorwise(unchanged_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    @classmethod
    def at(cls, value: SSAValue, places: Sequence[range]) -> Self:
        """The elements at these places of each axis."""
        return cls.of(
            value,
            starts=ints([part.start for part in places]),
            sizes=ints([len(part) for part in places]),
            steps=ints([part.step for part in places]),
        )

    @classmethod
    def along(cls, value: SSAValue, axis: int, part: range) -> Self:
        """The elements at these places of one axis."""
        return cls.at(value, [part if i == axis else range(n) for i, n in enumerate(shape_of(value))])

    def infer(self) -> Sequence[Tensor]:
        shape = shape_of(self.input)
        starts, sizes, steps = (a.get_values() for a in (self.starts, self.sizes, self.steps))
        if not len(starts) == len(sizes) == len(steps) == len(shape):
            raise ShapeError(
                f"found {len(starts)} starts, {len(sizes)} sizes, {len(steps)} steps for {len(shape)} axes"
            )
        for axis, extent in enumerate(shape):
            first, last = starts[axis], starts[axis] + (sizes[axis] - 1) * steps[axis]
            inside = 0 <= first < extent and 0 <= last < extent
            if sizes[axis] < 0 or (sizes[axis] and not inside):
                raise ShapeError(
                    f"{sizes[axis]} elements from {first} by {steps[axis]} leave axis {axis} of extent {extent}"
                )
        return [typed(self.input, sizes)]


@irdl_op_definition
class ConcatOp(DnnOp):
    """The operands side by side along `axis`. ONNX `Concat`.

    ```mlir
    %y = dnn.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
    ```
    """

    name = "dnn.concat"
    inputs = var_operand_def(TensorType)
    output = result_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(
        Pure(),
        Tensorwise(lambda op: frozenset(range(len(shape_of(op.results[0])))) - {axis_of(op)}),
    )
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shapes, axis = [shape_of(o) for o in self.inputs], self.axis.value.data
        if not shapes or not 0 <= axis < len(shapes[0]):
            raise ShapeError(f"found {len(shapes)} operands and axis {axis}, expected an axis of at least one operand")
        rest = shapes[0][:axis] + shapes[0][axis + 1 :]
        if any(len(s) != len(shapes[0]) or s[:axis] + s[axis + 1 :] != rest for s in shapes):
            raise ShapeError(f"shapes {[list(s) for s in shapes]} differ in more than axis {axis}")
        same_element(*self.inputs)
        total = sum(s[axis] for s in shapes)
        return [typed(self.inputs[0], [*shapes[0][:axis], total, *shapes[0][axis + 1 :]])]


def axis_of(op: Operation) -> int:
    """The `axis` that an operator works along."""
    axis = op.properties["axis"]
    assert isinstance(axis, IntegerAttr)
    return axis.value.data


@irdl_op_definition
class ExpandOp(DnnOp):
    """The operand repeated along its axes of extent 1, and along new leading axes, to fill `shape`. ONNX `Expand`.

    ```mlir
    %y = dnn.expand %x {shape = array<i64: 2, 3, 4>} : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
    ```
    """

    name = "dnn.expand"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    shape = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Tensorwise(unchanged_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        before, after = shape_of(self.input), self.shape.get_values()
        if broadcast([before, after]) != tuple(after):
            raise ShapeError(f"{list(before)} does not broadcast to {list(after)}")
        return [typed(self.input, after)]


@irdl_op_definition
class TileOp(DnnOp):
    """The operand laid side by side `repeats` times along each axis. ONNX `Tile`.

    ```mlir
    %y = dnn.tile %x {repeats = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
    ```
    """

    name = "dnn.tile"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    repeats = prop_def(DenseArrayBase.constr(i64))
    traits = traits_def(Pure(), Tensorwise(unchanged_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape, repeats = shape_of(self.input), self.repeats.get_values()
        if len(repeats) != len(shape) or any(count < 1 for count in repeats):
            raise ShapeError(f"found repeats {list(repeats)}, expected {len(shape)} positive counts")
        return [typed(self.input, [n * count for n, count in zip(shape, repeats, strict=True)])]


@irdl_op_definition
class PadOp(DnnOp):
    """Elements added before and behind each axis, or cut off where a pad is negative. ONNX `Pad`.

    `pads` holds what is added before each axis, then behind each. `mode` says what is added: `constant` (the element
    of `value`, or zero), `edge` (the nearest element), `reflect` (mirrored at the edge, which is not repeated) or
    `wrap` (from the other end). Cutting comes before adding.

    ```mlir
    %y = dnn.pad %x {pads = array<i64: 0, 1, 0, 2>, mode = "edge"} : (tensor<2x3xf32>) -> tensor<2x6xf32>
    ```
    """

    name = "dnn.pad"
    input = operand_def(TensorType)
    value = opt_operand_def(TensorType)
    output = result_def(TensorType)
    pads = prop_def(DenseArrayBase.constr(i64))
    mode = prop_def(StringAttr)
    traits = traits_def(Pure(), Tensorwise(unchanged_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    MODES: ClassVar = ("constant", "edge", "reflect", "wrap")

    def kept(self) -> list[tuple[int, int]]:
        """For each axis, the part of the operand that is left after cutting: from, to."""
        shape, pads = shape_of(self.input), self.pads.get_values()
        return [(max(0, -pads[a]), n + min(0, pads[a + len(shape)])) for a, n in enumerate(shape)]

    def infer(self) -> Sequence[Tensor]:
        shape, pads = shape_of(self.input), self.pads.get_values()
        rank = len(shape)
        if self.mode.data not in self.MODES:
            raise ShapeError(f"found mode '{self.mode.data}', expected one of {', '.join(self.MODES)}")
        if len(pads) != 2 * rank:
            raise ShapeError(f"found {len(pads)} pads for {rank} axes, expected two for each")
        if self.value and (prod(shape_of(self.value)) != 1 or self.mode.data != "constant"):
            raise ShapeError("the value padded with is one element, and belongs to the mode 'constant'")
        same_element(self.input, *([self.value] if self.value else []))
        result = [n + pads[a] + pads[a + rank] for a, n in enumerate(shape)]
        if any(n < 1 for n in result):
            raise ShapeError(f"padding {list(shape)} by {list(pads)} leaves nothing")
        self.check_kept()
        return [typed(self.input, result)]

    def check_kept(self) -> None:
        """What is added is made of something that was kept."""
        pads, rank = self.pads.get_values(), len(shape_of(self.input))
        for axis, (low, high) in enumerate(self.kept()):
            grows = max(pads[axis], pads[axis + rank]) > 0
            if self.mode.data != "constant" and grows and high - low < 1:
                raise ShapeError(f"mode '{self.mode.data}' has nothing to add along axis {axis}: all of it is cut off")


@irdl_op_definition
class TriluOp(DnnOp):
    """The triangle of each matrix on and above diagonal `k` (`upper`), or on and below it; else zero. ONNX `Trilu`.

    ```mlir
    %y = dnn.trilu %x {upper = true, k = 0 : i64} : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
    ```
    """

    name = "dnn.trilu"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    upper = prop_def(BoolAttr)
    k = prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Pure(), Tensorwise(lambda op: frozenset(range(len(shape_of(op.results[0])) - 2))))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        shape = shape_of(self.input)
        if len(shape) < 2:
            raise ShapeError(f"{list(shape)} holds no matrices, expected at least two axes")
        return [typed(self.input, shape)]
