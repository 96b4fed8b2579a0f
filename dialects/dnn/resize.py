"""Resizing by interpolation."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, FloatAttr, StringAttr, TensorType, f64, i64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, typed
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.shapes import ShapeError


def unchanged_axes(op: Operation) -> frozenset[int]:
    """The axes that keep their elements as they are."""
    assert isinstance(op, ResizeOp)
    return frozenset(range(len(shape_of(op.input)))) - frozenset(op.resized_axes)


@irdl_op_definition
class ResizeOp(DnnOp):
    """The tensor sampled at other places, its result of shape `sizes`. ONNX `Resize`, `Upsample`.

    `mode` is `nearest`, `linear` or `cubic` (with parameter `cubic_a`). `coordinates` says where result elements look
    (ONNX's `coordinate_transformation_mode`), given the `scales`; `rounding` which element is nearest (`nearest_mode`;
    `simple` rounds down, or up where the scale is below 1). `roi` holds a start for each axis, then an end, for
    `tf_crop_and_resize`, which gives `extrapolation` outside of the input.

    ```mlir
    %y = dnn.resize %x {sizes = array<i64: 1, 3, 8, 8>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, mode = "nearest",
                        coordinates = "asymmetric", rounding = "floor", cubic_a = -7.5e-01 : f64,
                        exclude_outside = false, antialias = false, extrapolation = 0.0 : f64}
       : (tensor<1x3x4x4xf32>) -> tensor<1x3x8x8xf32>
    ```
    """

    name = "dnn.resize"
    input = operand_def(TensorType)
    output = result_def(TensorType)
    sizes = prop_def(DenseArrayBase.constr(i64))
    scales = prop_def(DenseArrayBase.constr(f64))
    roi = opt_prop_def(DenseArrayBase.constr(f64))
    mode = prop_def(StringAttr)
    coordinates = prop_def(StringAttr)
    rounding = prop_def(StringAttr)
    cubic_a = prop_def(FloatAttr.constr(f64))
    exclude_outside = prop_def(BoolAttr)
    antialias = prop_def(BoolAttr)
    extrapolation = prop_def(FloatAttr.constr(f64))
    traits = traits_def(Pure(), Tensorwise(unchanged_axes))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    MODES: ClassVar = ("nearest", "linear", "cubic")
    COORDINATES: ClassVar = (
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "tf_half_pixel_for_nn",
        "asymmetric",
        "align_corners",
        "tf_crop_and_resize",
    )
    ROUNDINGS: ClassVar = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple")

    @property
    def resized_axes(self) -> list[int]:
        """The axes along which elements are interpolated."""
        shape, sizes, scales = shape_of(self.input), self.sizes.get_values(), self.scales.get_values()
        whole = [0.0] * len(shape) + [1.0] * len(shape)
        roi = list(self.roi.get_values()) if self.roi and self.coordinates.data == "tf_crop_and_resize" else whole
        return [
            axis
            for axis, n in enumerate(shape)
            if (sizes[axis], scales[axis], roi[axis], roi[axis + len(shape)]) != (n, 1.0, 0.0, 1.0)
        ]

    def infer(self) -> Sequence[Tensor]:
        shape, sizes, scales = shape_of(self.input), self.sizes.get_values(), self.scales.get_values()
        if len(sizes) != len(shape) or len(scales) != len(shape):
            raise ShapeError(f"found {len(sizes)} sizes and {len(scales)} scales for {len(shape)} axes")
        if any(n < 1 for n in sizes) or any(s <= 0 for s in scales):
            raise ShapeError(
                f"cannot resize {list(shape)} to {list(sizes)} by {list(scales)}: expected positive numbers"
            )
        if self.roi and len(self.roi.get_values()) != 2 * len(shape):
            raise ShapeError(f"found {len(self.roi.get_values())} bounds of a region, expected two for each axis")
        for what, found, known in (
            ("mode", self.mode.data, self.MODES),
            ("coordinates", self.coordinates.data, self.COORDINATES),
            ("rounding", self.rounding.data, self.ROUNDINGS),
        ):
            if found not in known:
                raise ShapeError(f"found {what} '{found}', expected one of {', '.join(known)}")
        return [typed(self.input, sizes)]
