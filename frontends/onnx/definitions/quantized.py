"""Definitions of operators on quantized tensors: dequantized, computed on, and quantized again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webdnn.frontends.onnx.definitions.definition import Call, definition, floats, ints, lines
from webdnn.frontends.onnx.definitions.fused import embedding


def quantized(call: Call, value: str, scale: int, zero: int, like: int = 0) -> str:
    """The line that quantizes the result; without a zero point it has the element type of operand `like`."""
    if call.has(zero):
        return f"o0 = QuantizeLinear ({value}, i{scale}, i{zero})"
    return f"{floats('zero', 0.0, f'i{like}')}\no0 = QuantizeLinear ({value}, i{scale}, zero)"


def dequantized(result: str, first: int) -> str:
    """The line for a tensor whose scale and zero point stand behind it."""
    return f"{result} = DequantizeLinear (i{first}, i{first + 1}, i{first + 2})"


@definition("QLinearAdd", "QLinearMul")
def of_two(call: Call) -> str:
    kind = call.node.op_type.removeprefix("QLinear")
    return lines(dequantized("a", 0), dequantized("b", 3), f"c = {kind} (a, b)", quantized(call, "c", 6, 7))


@definition("QLinearSigmoid")
def sigmoid(call: Call) -> str:
    return lines(dequantized("x", 0), "y = Sigmoid (x)", quantized(call, "y", 3, 4))


@definition("QLinearLeakyRelu")
def leaky_relu(call: Call) -> str:
    return lines(dequantized("x", 0), "y = LeakyRelu <alpha: float = @alpha> (x)", quantized(call, "y", 3, 4))


@definition("QLinearSoftmax")
def softmax(call: Call) -> str:
    """Before opset 13 all axes from `axis` on are one."""
    axis = call.integer("axis", -1)
    if call.integer("opset", 13) >= 13:
        computed = f"y = Softmax <axis = {axis}> (x)"
    else:
        computed = f"s = Shape (x)\nf = Flatten <axis = {axis}> (x)\np = Softmax <axis = 1> (f)\ny = Reshape (p, s)"
    return lines(dequantized("x", 0), computed, quantized(call, "y", 3, 4))


@definition("QLinearConcat")
def concat(call: Call) -> str:
    """The scale and zero point of the result come first."""
    count = (len(call.operands) - 2) // 3
    parts = [dequantized(f"x{k}", 2 + 3 * k) for k in range(count)]
    joined = ", ".join(f"x{k}" for k in range(count))
    return lines(*parts, f"y = Concat <axis: int = @axis> ({joined})", "o0 = QuantizeLinear (y, i0, i1)")


@definition("QLinearWhere")
def where(call: Call) -> str:
    return lines(dequantized("x", 1), dequantized("y", 4), "z = Where (i0, x, y)", quantized(call, "z", 7, 8, like=1))


@definition("QLinearGlobalAveragePool")
def global_average_pool(call: Call) -> str:
    return pooled(call, "GlobalAveragePool")


@definition("QLinearAveragePool")
def average_pool(call: Call) -> str:
    kinds = {"ints": ("kernel_shape", "pads", "strides"), "int": ("ceil_mode", "count_include_pad")}
    taken = [f"{name}: {kind} = @{name}" for kind, names in kinds.items() for name in names]
    return pooled(call, f"AveragePool <auto_pad: string = @auto_pad, {', '.join(taken)}>")


def pooled(call: Call, kind: str) -> str:
    """A mean of places, with channels first or last."""
    if not call.integer("channels_last", 0):
        return lines(dequantized("x", 0), f"y = {kind} (x)", quantized(call, "y", 3, 4))
    rank = len(call.shape(0))
    first, last = [0, rank - 1, *range(1, rank - 1)], [0, *range(2, rank), 1]
    return lines(
        dequantized("t", 0),
        f"x = Transpose <perm = {first}> (t)",
        f"p = {kind} (x)",
        f"y = Transpose <perm = {last}> (p)",
        quantized(call, "y", 3, 4),
    )


@definition("QGemm")
def gemm(call: Call) -> str:
    """alpha · (A·B + C), where C is in units of the sums. Without a scale the result is a float."""
    alpha, turned = call.number("alpha", 1.0), call.integer("transB", 0)
    axis = 0 if turned else 1
    return lines(
        dequantized("a", 0),
        f"b = DequantizeLinear <axis = {axis}> (i3, i4, i5)",
        "unit = Mul (i1, i4)\nc = DequantizeLinear <axis = -1> (i6, unit)" if call.has(6) else "",
        f"g = Gemm <transA: int = @transA, transB = {turned}> (a, b{', c' if call.has(6) else ''})",
        "y = Identity (g)" if alpha == 1 else f"{floats('k', alpha, 'g')}\ny = Mul (g, k)",
        quantized(call, "y", 7, 8) if call.has(7) else "o0 = Identity (y)",
    )


@definition("QLinearConv")
def conv(call: Call) -> str:
    """ONNX's own operator, with channels first or last."""
    kinds = {"ints": ("kernel_shape", "pads", "strides", "dilations"), "int": ("group",), "string": ("auto_pad",)}
    return channels_moved(call, "QLinearConv", kinds, ", ".join(f"i{i}" for i in range(1, 9)))


@definition("NhwcMaxPool")
def max_pool(call: Call) -> str:
    kinds = {"ints": ("kernel_shape", "pads", "strides", "dilations"), "int": ("ceil_mode",), "string": ("auto_pad",)}
    return channels_moved(call, "MaxPool", kinds, "", last=True)


def channels_moved(
    call: Call, kind: str, kinds: Mapping[str, Sequence[str]], others: str, last: bool | None = None
) -> str:
    """An operator with attributes of these kinds, on the first operand and others; its channels may be last."""
    taken = ", ".join(f"{name}: {kind} = @{name}" for kind, names in kinds.items() for name in names)
    computed = f"y = {kind} <{taken}> (x{', ' if others else ''}{others})"
    if not (call.integer("channels_last", 0) if last is None else last):
        return lines("x = Identity (i0)", computed, "o0 = Identity (y)")
    rank = len(call.shape(0))
    first, back = [0, rank - 1, *range(1, rank - 1)], [0, *range(2, rank), 1]
    return lines(f"x = Transpose <perm = {first}> (i0)", computed, f"o0 = Transpose <perm = {back}> (y)")


@definition("QEmbedLayerNormalization")
def embed_layer_normalization(call: Call) -> str:
    """Tables of integers with a scale and a zero point each; where there are no segments, those are left out."""
    tables = [(2, 8, 13), (3, 9, 14), (4, 10, 15), (5, 11, 16), (6, 12, 17)]
    given = [(name, of) for name, of in zip("wpsgb", tables, strict=True) if call.has(of[0])]
    dequantizes = [f"{name}t = DequantizeLinear (i{a}, i{b}, i{c})" for name, (a, b, c) in given]
    return lines(*dequantizes, embedding(call, [f"{name}t" for name in "wpsgb"], mask=7, positions=None))


@definition("QuantizeLinear")
def quantize_linear(call: Call) -> str:
    """Older than 16 bits and 4 bits in ONNX's own operator."""
    return "o0 = QuantizeLinear <axis: int = @axis> (i0, i1, i2)"


@definition("DequantizeLinear")
def dequantize_linear(call: Call) -> str:
    return "o0 = DequantizeLinear <axis: int = @axis> (i0, i1, i2)"


@definition("MatMulIntegerToFloat")
def integer_product(call: Call) -> str:
    return scaled_sums(call, "i0, i1, i4, i5", "i2", "i3", 6)


@definition("DynamicQuantizeMatMul")
def dynamic_product(call: Call) -> str:
    quantizes = "q, scale, zero = DynamicQuantizeLinear (i0)"
    return lines(quantizes, scaled_sums(call, "q, i1, zero, i3", "scale", "i2", 4))


def scaled_sums(call: Call, operands: str, scale: str, other: str, bias: int, result: str = "o0") -> str:
    """A product of integers, times both scales, and a bias if there is operand `bias`."""
    return lines(
        f"sums = MatMulInteger ({operands})",
        f"unit = Mul ({scale}, {other})",
        f"real = CastLike (sums, {scale})",
        "product = Mul (real, unit)",
        f"{result} = Add (product, i{bias})" if call.has(bias) else f"{result} = Identity (product)",
    )


@definition("DynamicQuantizeLSTM")
def dynamic_lstm(call: Call) -> str:
    """ONNX's own operator, on weights whose columns are gates. What it would quantize anew at each step is exact."""
    numbers, given = ("activation_alpha", "activation_beta"), {attribute.name for attribute in call.node.attribute}
    kinds = {"strings": ("activations",), "floats": numbers, "float": ("clip",), "int": ("input_forget",)}
    others = [f", {name}: {kind} = @{name}" for kind, names in kinds.items() for name in names if name in given]
    direction = call.text("direction") or "forward"
    taken = f'hidden_size = {call.shape(2)[1]}, direction = "{direction}"{"".join(others)}'
    operands = ", ".join(["i0", "w", "r", *(f"i{i}" for i in range(3, 8))])
    return lines(
        gates(call, "w", 1, 8),
        gates(call, "r", 2, 10),
        f"o0, o1, o2 = LSTM <{taken}> ({operands})",
    )


def gates(call: Call, result: str, i: int, scale: int) -> str:
    """The lines for rows of gates, of columns for each direction, which have one scale or one for each."""
    directions = range(call.shape(i)[0])
    names = {part: ", ".join(f"{result}_{part}{d}" for d in directions) for part in ("held", "by", "zero")}
    kinds = [("held", i), ("by", scale), ("zero", scale + 1)]
    count, axis = len(directions), ints(f"{result}_axis", 0)
    cuts = [f"{names[part]} = Split <axis = 0, num_outputs = {count}> (i{operand})" for part, operand in kinds]
    turned = [
        lines(
            *(f"{result}_{part}{d}s = Squeeze ({result}_{part}{d}, {result}_axis)" for part, _ in kinds),
            f"{result}_{d} = DequantizeLinear <axis = 1> ({result}_held{d}s, {result}_by{d}s, {result}_zero{d}s)",
            f"{result}_{d}t = Transpose <perm = [1, 0]> ({result}_{d})",
            f"{result}_{d}u = Unsqueeze ({result}_{d}t, {result}_axis)",
        )
        for d in directions
    ]
    whole = ", ".join(f"{result}_{d}u" for d in directions)
    return lines(axis, *cuts, *turned, f"{result} = Concat <axis = 0> ({whole})")
