"""Converters of signal processing: Fourier transforms as products with tables of angles, mel filters."""

from __future__ import annotations

from math import pi

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.element import element_type
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.tensors import onnx_element
from webdnn.frontends.onnx.term import Term, joined, stacked
from webdnn.support.shapes import normalize_axis
from webdnn.support.weights import numpy_dtype

LONGEST = 1 << 12
"""Longest transform whose table of angles is worth its bytes: 64 MiB"""


def table(node: Node, rows: int, columns: int, length: int, function: str, scale: Array | float) -> Term:
    """scale · cos(2π · j · k / length), or sin."""
    steps = np.outer(np.arange(rows), np.arange(columns)) % length
    angles = steps * (2 * pi / length)
    values = as_array((np.cos(angles) if function == "cos" else np.sin(angles)) * scale)
    return Term.known(node, as_array(values.astype(numpy_dtype(node.element(0)))))


def transformed(signal: Term, length: int, inverse: bool, onesided: bool) -> Term:
    """The transform of the axis before the last, of which that holds the real part or the real and the imaginary one.

    Signals are cut or filled with zeros to the length. One-sided inverses are real.
    """
    if inverse and onesided:
        return real_inverse(signal, length)
    node, rank, half = signal.node, len(signal.shape), length // 2 + 1
    whole = filled(signal, length)
    outputs = half if onesided else length
    scale = 1 / length if inverse else 1.0
    counts = pair_counts(half, length) / 2
    cosines = table(node, half, outputs, length, "cos", scale * counts)
    sines = table(node, half, outputs, length, "sin", scale if inverse else -scale)
    # Terms k and length - k share a cosine, and sines of opposite signs: half of the products, and exact symmetry.
    mirror = Term.known(node, as_array(-np.arange(half) % length))
    firsts = whole.part(rank - 2, range(half))
    seconds = whole.gathered(mirror, rank - 2)
    even, odd = (x.transposed(*range(rank - 2), rank - 1, rank - 2) for x in (firsts + seconds, firsts - seconds))
    even, odd = even @ cosines, odd @ sines
    real, imaginary = even.at(rank - 2, 0), odd.at(rank - 2, 0)
    if signal.shape[-1] == 2:
        real = real - odd.at(rank - 2, 1)
        imaginary = imaginary + even.at(rank - 2, 1)
    return stacked([real, imaginary], rank - 1)


def pair_counts(half: int, length: int) -> Array:
    """How many of the terms k and length - k there are, for each k of the first half."""
    return as_array(np.array([1.0 if k == 0 or 2 * k == length else 2.0 for k in range(half)]).reshape(-1, 1))


def filled(signal: Term, length: int) -> Term:
    """The axis before the last cut or filled with zeros to a length."""
    axis = len(signal.shape) - 2
    cut = signal.part(axis, range(min(length, signal.shape[axis])))
    missing = length - cut.shape[axis]
    if not missing:
        return cut
    zeros = as_array(np.zeros((*cut.shape[:axis], missing, cut.shape[-1]), numpy_dtype(element_type(cut.value.type))))
    return joined([cut, Term.known(signal.node, zeros)], axis)


def real_inverse(signal: Term, length: int) -> Term:
    """The real signal whose transform has this half; the other half is its complex conjugate."""
    node, rank, half = signal.node, len(signal.shape), length // 2 + 1
    taken = filled(signal, half)
    scale = pair_counts(half, length) / length
    real = taken.at(rank - 1, 0) @ table(node, half, length, length, "cos", scale)
    if signal.shape[-1] == 2:
        real = real - taken.at(rank - 1, 1) @ table(node, half, length, length, "sin", scale)
    return stacked([real], rank - 1)


def check_length(node: Node, length: int) -> None:
    if not 1 <= length <= LONGEST:
        node.refuse(f"has a length of {length}", hint=f"transform 1 to {LONGEST} elements at once")


@converter("DFT")
def dft(node: Node) -> SSAValue:
    """The axis was an attribute before opset 20. The last axis holds complex numbers."""
    signal, rank = Term.operand(node, 0), len(node.shape(0))
    axis = node.integer("axis", 1) if node.opset < 20 else node.constant_integers(2, (-2,))[0]
    axis = normalize_axis(axis, rank)
    if axis == rank - 1 or signal.shape[-1] not in (1, 2):
        node.refuse(f"transforms axis {axis} of {list(signal.shape)}", hint="the last axis holds complex numbers")
    inverse, onesided = bool(node.integer("inverse", 0)), bool(node.integer("onesided", 0))
    size = signal.shape[axis]
    (length,) = node.constant_integers(1, (2 * (size - 1) if inverse and onesided else size,))
    check_length(node, length)
    if onesided and not inverse and signal.shape[-1] == 2:
        hint = "leave out onesided, or the imaginary part"
        node.refuse("gives one side of the transform of complex numbers", hint=hint)
    order = [*(a for a in range(rank - 1) if a != axis), axis, rank - 1]
    back = [order.index(a) for a in range(rank)]
    return transformed(signal.transposed(*order), length, inverse, onesided).transposed(*back).value


@converter("STFT")
def stft(node: Node) -> SSAValue:
    """Transforms of frames that begin `frame_step` apart, each times a window."""
    signal = Term.operand(node, 0)
    if len(signal.shape) == 2:
        signal = signal.reshaped(*signal.shape, 1)
    batch, size, parts = signal.shape
    (step,) = node.constant_integers(1)
    window = node.optional(2)
    default = size if window is None else node.shape(2)[0]
    (length,) = node.constant_integers(3, (default,))
    check_length(node, length)
    onesided = bool(node.integer("onesided", 1)) and parts == 1
    count = 1 + (size - length) // step if step > 0 and size >= length else 0
    if count < 1 or (window is not None and node.shape(2) != (length,)):
        node.refuse(f"cuts {size} samples in frames of {length} by {step}", hint="check the model's shapes")
    places = as_array((np.arange(count)[:, None] * step + np.arange(length)).astype(np.int64))
    frames = signal.gathered(Term.known(node, places), 1)
    if window is not None:
        frames = frames * Term(node, window).reshaped(length, 1)
    assert frames.shape == (batch, count, length, parts)
    return transformed(frames, length, False, onesided).value


@converter("MelWeightMatrix")
def mel_weight_matrix(node: Node) -> SSAValue:
    """Triangles over the bins of a spectrum whose corners are evenly spaced on the mel scale; known at import."""
    bins, length, rate = (int(node.constant(i).reshape(())) for i in range(3))
    lower, upper = (float(node.constant(i).reshape(())) for i in (3, 4))
    spectrum = length // 2 + 1
    ends = 2595 * np.log10(1 + np.array([lower, upper]) / 700)
    mels = np.arange(bins + 2) * ((ends[1] - ends[0]) / (bins + 2)) + ends[0]
    corners = np.floor((length + 1) * (700 * (10 ** (mels / 2595) - 1)) / rate).astype(np.int64)
    matrix = np.zeros((spectrum, bins))
    for i in range(bins):
        low, middle, high = (int(corners[i + j]) for j in range(3))
        for j in range(low, middle):
            matrix[j, i] = (j - low) / (middle - low)
        matrix[middle, i] = 1
        for j in range(middle, high):
            matrix[j, i] = (high - j) / (high - middle)
    dtype = numpy_dtype(onnx_element(node.integer("output_datatype", 1), node.name))
    return node.constant_value(as_array(matrix.astype(dtype)))
