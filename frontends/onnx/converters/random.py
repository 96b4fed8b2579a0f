"""Converters of random numbers: drawn at import from a seed, so that every target and run has the same."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from zlib import crc32

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.tensors import onnx_element
from webdnn.frontends.onnx.term import Term
from webdnn.support.weights import numpy_dtype

MOST = 1 << 22
"""Numbers that a node may draw: they are part of the bundle"""


def generator(node: Node) -> np.random.Generator:
    """Philox, with the node's seed; without one, with its name, so that nodes differ."""
    seed = node.attributes.get("seed")
    text = node.name if seed is None else f"{seed.i} {seed.f}"  # of dropouts an integer, else a float
    return np.random.Generator(np.random.Philox(key=crc32(text.encode())))


def check_count(node: Node, shape: Sequence[int]) -> None:
    if prod(shape) > MOST:
        hint = f"draw at most {MOST} numbers, or make them an input of the model"
        node.refuse(f"draws {prod(shape)} random numbers", hint=hint)


def drawn_like(node: Node) -> tuple[Sequence[int], np.dtype[np.generic]]:
    """The shape and the type of what is drawn: attributes, or those of the operand."""
    like = node.op_type.endswith("Like")
    shape = node.shape(0) if like else node.integers("shape")
    check_count(node, shape)
    if node.has("dtype") or not like:
        return shape, numpy_dtype(onnx_element(node.integer("dtype", 1), node.name))
    return shape, numpy_dtype(node.element(0))


@converter("RandomUniform", "RandomUniformLike")
def random_uniform(node: Node) -> SSAValue:
    shape, dtype = drawn_like(node)
    low, high = node.number("low", 0.0), node.number("high", 1.0)
    return node.constant_value(as_array(generator(node).uniform(low, high, shape).astype(dtype)))


@converter("RandomNormal", "RandomNormalLike")
def random_normal(node: Node) -> SSAValue:
    shape, dtype = drawn_like(node)
    mean, deviation = node.number("mean", 0.0), node.number("scale", 1.0)
    return node.constant_value(as_array(generator(node).normal(mean, deviation, shape).astype(dtype)))


def uniform(node: Node, shape: Sequence[int], dtype: np.dtype[np.generic]) -> Term:
    """Numbers from 0 to 1, without 1."""
    check_count(node, shape)
    numbers = generator(node).random(shape, np.float32)
    return Term.known(node, as_array(numbers.astype(dtype)))


@converter("Bernoulli")
def bernoulli(node: Node) -> SSAValue:
    """1 with the probability that the operand says, else 0."""
    chance = Term.operand(node, 0)
    element = onnx_element(node.integer("dtype"), node.name) if node.has("dtype") else node.element(0)
    kind = np.dtype(np.float64 if node.element(0).bits == 64 else np.float32)
    wide = chance.cast("f64" if node.element(0).bits == 64 else "f32")
    return uniform(node, chance.shape, kind).less(wide).cast(element.name).value


def dropped(node: Node, x: Term, ratio: float) -> Sequence[SSAValue]:
    """Elements kept with the probability 1 - ratio and divided by it, and which they are."""
    kept = uniform(node, x.shape, np.dtype(np.float32)).less(1 - ratio)
    return [kept.where(x * (1 / (1 - ratio)), 0).value, kept.value]
