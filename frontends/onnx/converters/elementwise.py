"""Converters of the element-wise operators without attributes."""

from __future__ import annotations

from functools import reduce

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn import elementwise as dnn
from webdnn.dialects.dnn.base import BinaryOp, UnaryOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.support.weights import numpy_dtype

UNARY: dict[str, type[UnaryOp]] = {
    "Abs": dnn.AbsOp,
    "Acos": dnn.AcosOp,
    "Acosh": dnn.AcoshOp,
    "Asin": dnn.AsinOp,
    "Asinh": dnn.AsinhOp,
    "Atan": dnn.AtanOp,
    "Atanh": dnn.AtanhOp,
    "BitwiseNot": dnn.BitwiseNotOp,
    "Ceil": dnn.CeilOp,
    "Cos": dnn.CosOp,
    "Cosh": dnn.CoshOp,
    "Erf": dnn.ErfOp,
    "Exp": dnn.ExpOp,
    "Floor": dnn.FloorOp,
    "HardSwish": dnn.HardSwishOp,
    "Log": dnn.LogOp,
    "Mish": dnn.MishOp,
    "Neg": dnn.NegOp,
    "Not": dnn.NotOp,
    "Reciprocal": dnn.ReciprocalOp,
    "Relu": dnn.ReluOp,
    "Round": dnn.RoundOp,
    "Sigmoid": dnn.SigmoidOp,
    "Sign": dnn.SignOp,
    "Sin": dnn.SinOp,
    "Sinh": dnn.SinhOp,
    "Softplus": dnn.SoftplusOp,
    "Softsign": dnn.SoftsignOp,
    "Sqrt": dnn.SqrtOp,
    "Tan": dnn.TanOp,
    "Tanh": dnn.TanhOp,
}

BINARY: dict[str, type[BinaryOp]] = {
    "Add": dnn.AddOp,
    "And": dnn.AndOp,
    "BitwiseAnd": dnn.BitwiseAndOp,
    "BitwiseOr": dnn.BitwiseOrOp,
    "BitwiseXor": dnn.BitwiseXorOp,
    "Div": dnn.DivOp,
    "Equal": dnn.EqualOp,
    "Greater": dnn.GreaterOp,
    "GreaterOrEqual": dnn.GreaterOrEqualOp,
    "Less": dnn.LessOp,
    "LessOrEqual": dnn.LessOrEqualOp,
    "Mul": dnn.MulOp,
    "Or": dnn.OrOp,
    "Sub": dnn.SubOp,
    "Xor": dnn.XorOp,
}

VARIADIC: dict[str, type[BinaryOp]] = {"Max": dnn.MaxOp, "Min": dnn.MinOp, "Sum": dnn.AddOp}


@converter(*UNARY)
def unary(node: Node) -> SSAValue:
    return node.add(UNARY[node.op_type](node.operand(0)))


@converter(*BINARY)
def binary(node: Node) -> SSAValue:
    return node.add(BINARY[node.op_type](node.operand(0), node.operand(1)))


def chain(node: Node, kind: type[BinaryOp]) -> SSAValue:
    """((a + b) + c) + …"""
    operands = [node.operand(i) for i in range(max(1, len(node.operands)))]
    return reduce(lambda a, b: node.add(kind(a, b)), operands)


@converter(*VARIADIC)
def variadic(node: Node) -> SSAValue:
    return chain(node, VARIADIC[node.op_type])


@converter("Mean")
def mean(node: Node) -> SSAValue:
    """The sum of the operands, times one over their number."""
    factor = np.asarray(1 / len(node.operands), numpy_dtype(node.element(0)))
    return node.add(dnn.MulOp(chain(node, dnn.AddOp), node.constant_value(as_array(factor))))


@converter("Where")
def where(node: Node) -> SSAValue:
    return node.add(dnn.WhereOp.of(node.operand(0), node.operand(1), node.operand(2)))
