"""Definitions of operators that onnxruntime makes of several: products with activations, sums with normalizations."""

from __future__ import annotations

from collections.abc import Sequence

from webdnn.frontends.onnx.definitions.definition import Call, definition, floats, lines

SIMPLE_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "Softsign", "Softplus")
ACTIVATIONS = {"LeakyRelu": ("alpha",), "Elu": ("alpha",), "HardSigmoid": ("alpha", "beta")}
"""Those with parameters, by the names that ONNX gives them"""


def activated(call: Call, value: str, kind: str, parameters: Sequence[float]) -> str:
    """The line for the result: an activation, or none."""
    if not kind:
        return f"o0 = Identity ({value})"
    if kind in SIMPLE_ACTIVATIONS:
        return f"o0 = {kind} ({value})"
    if kind == "Clip" and len(parameters) == 2:
        bounds = [floats(name, bound, value) for name, bound in zip(("low", "high"), parameters, strict=True)]
        return lines(*bounds, f"o0 = Clip ({value}, low, high)")
    if kind not in ACTIVATIONS:
        call.refuse(f"has the activation '{kind}'", hint="export the model without fusing activations")
    given = zip(ACTIVATIONS[kind], parameters, strict=False)
    listed = ", ".join(f"{name} = {float(number)!r}" for name, number in given)
    return f"o0 = {kind} <{listed}> ({value})" if listed else f"o0 = {kind} ({value})"


@definition("FusedConv")
def conv(call: Call) -> str:
    """activation(conv(X, W) + B + Z)"""
    kinds = {"ints": ("kernel_shape", "pads", "strides", "dilations"), "int": ("group",), "string": ("auto_pad",)}
    taken = ", ".join(f"{name}: {kind} = @{name}" for kind, names in kinds.items() for name in names)
    return lines(
        f"c = Conv <{taken}> (i0, i1, i2)",
        "s = Add (c, i3)" if call.has(3) else "s = Identity (c)",
        activated(call, "s", call.text("activation"), call.numbers("activation_params")),
    )


@definition("FusedGemm")
def gemm(call: Call) -> str:
    taken = "alpha: float = @alpha, beta: float = @beta, transA: int = @transA, transB: int = @transB"
    names = [f"activation_{name}" for name in ("alpha", "beta", "gamma")]
    given = {attribute.name for attribute in call.node.attribute}
    parameters = [call.number(name, 0.0) for name in names if name in given]
    return lines(f"g = Gemm <{taken}> (i0, i1, i2)", activated(call, "g", call.text("activation"), parameters))


@definition("FusedMatMul", "TransposeMatMul")
def matmul(call: Call) -> str:
    """alpha · A·B, either with its matrices or its batches transposed."""
    alpha = call.number("alpha", 1.0)
    return lines(
        turned(call, "a", 0, "A"),
        turned(call, "b", 1, "B"),
        "p = MatMul (a, b)",
        "o0 = Identity (p)" if alpha == 1 else f"{floats('k', alpha, 'p')}\no0 = Mul (p, k)",
    )


def turned(call: Call, result: str, i: int, letter: str) -> str:
    """An operand with its first axis as the rows of matrices (`transBatch…`), then rows and columns exchanged."""
    axes = list(range(len(call.shape(i))))
    if len(axes) > 1 and call.integer(f"transBatch{letter}", 0):
        axes = [*axes[1:-1], axes[0], axes[-1]]
    if len(axes) > 1 and call.integer(f"trans{letter}", 0):
        axes[-2:] = axes[:-3:-1]
    return f"{result} = Transpose <perm = {axes}> (i{i})"


@definition("BiasGelu")
def bias_gelu(call: Call) -> str:
    return "s = Add (i0, i1)\no0 = Gelu (s)"


@definition("Gelu")
def gelu(call: Call) -> str:
    return "o0 = Gelu (i0)"


@definition("FastGelu")
def fast_gelu(call: Call) -> str:
    """By tanh."""
    total = "s = Add (i0, i1)" if call.has(1) else "s = Identity (i0)"
    return lines(total, 'o0 = Gelu <approximate = "tanh"> (s)')


@definition("QuickGelu")
def quick_gelu(call: Call) -> str:
    """x · sigmoid(alpha · x)"""
    return lines(floats("k", call.number("alpha", 1.702), "i0"), "t = Mul (i0, k)\ns = Sigmoid (t)\no0 = Mul (i0, s)")


@definition("SkipLayerNormalization")
def skip_layer_normalization(call: Call) -> str:
    """The layer norm of a sum of two values, perhaps with a bias; the sum is the last result."""
    epsilon = call.number("epsilon", 1e-12)
    norm = f"o0 = LayerNormalization <axis = -1, epsilon = {epsilon!r}> (o3, i2, i3)"
    return lines(summed(call, 4), norm)


@definition("SkipSimplifiedLayerNormalization")
def skip_simplified_layer_normalization(call: Call) -> str:
    epsilon = call.number("epsilon", 1e-12)
    return lines(summed(call, 3), f"o0 = RMSNormalization <axis = -1, epsilon = {epsilon!r}> (o3, i2)")


def summed(call: Call, bias: int) -> str:
    """The sum that is normalized."""
    return f"s = Add (i0, i1)\no3 = Add (s, i{bias})" if call.has(bias) else "o3 = Add (i0, i1)"


@definition("SimplifiedLayerNormalization", domain="")
def simplified_layer_normalization(call: Call) -> str:
    return "o0 = RMSNormalization <axis: int = @axis, epsilon: float = @epsilon> (i0, i1)"


@definition("Trilu")
def trilu(call: Call) -> str:
    return "o0 = Trilu <upper: int = @upper> (i0, i1)"


@definition("EmbedLayerNormalization")
def embed_layer_normalization(call: Call) -> str:
    """Rows for words, places and segments, summed and normalized; then how many places of each row are not masked."""
    return embedding(call, [f"i{i}" for i in range(2, 7)], mask=7, positions=8)


def embedding(call: Call, tables: Sequence[str], mask: int, positions: int | None) -> str:
    """`tables` are those of words, places and segments, then scale and bias of the normalization."""
    words, places, segments, gamma, beta = tables
    epsilon = call.number("epsilon", 1e-12)
    if positions is not None and call.has(positions):
        place = f"p = Gather ({places}, i{positions})"
    else:
        place = lines(
            "length = Shape <start = 1, end = 2> (i0)\nscalar = Squeeze (length)",
            "first = Constant <value = int64 {0}> ()\nstep = Constant <value = int64 {1}> ()",
            f"range = Range (first, scalar, step)\np = Gather ({places}, range)",
        )
    return lines(
        f"w = Gather ({words}, i0)",
        place,
        "wp = Add (w, p)",
        f"g = Gather ({segments}, i1)\no2 = Add (wp, g)" if call.has(1) else "o2 = Identity (wp)",
        f"o0 = LayerNormalization <axis = -1, epsilon = {epsilon!r}> (o2, {gamma}, {beta})",
        f"ones = Constant <value = int64[1] {{1}}> ()\no1 = ReduceSum <keepdims = 0> (i{mask}, ones)"
        if call.has(mask)
        else "",
    )
