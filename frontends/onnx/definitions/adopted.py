"""Definitions of operators that onnxruntime had before ONNX took them over, perhaps with other names for options."""

from __future__ import annotations

from webdnn.frontends.onnx.definitions.definition import Call, definition, ints, lines

MODES = {"bilinear": "linear", "bicubic": "cubic"}
"""What ONNX calls ways to interpolate"""


@definition("Range")
def range_(call: Call) -> str:
    """In steps of 1 unless the node says otherwise."""
    if call.has(2):
        return "o0 = Range (i0, i1, i2)"
    return "one = Constant <value = int64 {1}> ()\nstep = CastLike (one, i0)\no0 = Range (i0, i1, step)"


@definition("Pad")
def pad(call: Call) -> str:
    """The number that pads may stand in an axis."""
    flat = lines(ints("flat", -1), "pads = Reshape (i1, flat)")
    mode = call.text("mode") or "constant"
    if not call.has(2):
        return lines(flat, f'o0 = Pad <mode = "{mode}"> (i0, pads)')
    return lines(flat, f'number = Squeeze (i2)\no0 = Pad <mode = "{mode}"> (i0, pads, number)')


@definition("GatherND")
def gather_nd(call: Call) -> str:
    return "wide = Cast <to = 7> (i1)\no0 = GatherND (i0, wide)"


@definition("ExpandDims")
def expand_dims(call: Call) -> str:
    return lines(
        "wide = Cast <to = 7> (i1)", ints("flat", -1), "axis = Reshape (wide, flat)\no0 = Unsqueeze (i0, axis)"
    )


@definition("GridSample")
def grid_sample(call: Call) -> str:
    mode, padding = call.text("mode") or "bilinear", call.text("padding_mode") or "zeros"
    options = f'mode = "{MODES.get(mode, mode)}", padding_mode = "{padding}"'
    return f"o0 = GridSample <{options}, align_corners = {call.integer('align_corners', 0)}> (i0, i1)"


@definition("Unique")
def unique(call: Call) -> str:
    """In the order in which they occur."""
    return "o0, first, o1, o2 = Unique <sorted = 0> (i0)"
