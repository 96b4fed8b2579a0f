"""Attention in many forms as ONNX models: heads, masks, scales, storage and lengths that may be ragged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from helpers.small_models import make_model

Array = NDArray[np.generic]


@dataclass
class Nodes:
    """The nodes of a graph so far, each with one result."""

    found: list[NodeProto] = field(default_factory=list[NodeProto])

    def add(self, op: str, *operands: str, **attributes: int | list[int]) -> str:
        """The name of what one node more gives."""
        node = helper.make_node(op, list(operands), [f"t{len(self.found)}"])
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.found.append(node)
        return node.output[0]


@dataclass(frozen=True)
class Attention:
    """softmax(q · kᵀ · scale + mask) · v of some heads, of which `groups` share keys and values.

    `mask`: "" for none, "added" (large negative numbers), "causal" (-inf above the diagonal), "bool" (-inf where an
    input says so), "all" (-inf for every key of the first row).
    """

    heads: int = 2
    groups: int = 1
    rows: int = 5
    keys: int = 8
    depth: int = 4
    width: int = 4
    mask: str = ""
    scaled: bool = False
    half: bool = False
    infinite: bool = False

    @property
    def shapes(self) -> dict[str, list[int]]:
        shared = [1, self.heads // self.groups]
        found = {
            "q": [1, self.heads, self.rows, self.depth],
            "k": [*shared, self.keys, self.depth],
            "v": [*shared, self.keys, self.width],
        }
        return found | ({"allowed": [1, 1, self.rows, self.keys]} if self.mask else {})

    def inputs(self, seed: int = 0) -> dict[str, Array]:
        generator = np.random.default_rng(seed)
        found: dict[str, Array] = {
            name: generator.standard_normal(shape).astype(np.float32) * np.float32(2)
            for name, shape in self.shapes.items()
        }
        if self.mask:
            found["allowed"] = self.allowed(generator).astype(np.float32)
        if self.infinite:
            found["k"][0, 0, self.keys // 2, 0] = np.float32(np.inf)
        return found

    def allowed(self, generator: np.random.Generator) -> NDArray[np.bool]:
        shape = (1, 1, self.rows, self.keys)
        if self.mask == "causal":
            return np.broadcast_to(np.tril(np.ones((self.rows, self.keys), np.bool)), shape)
        found = generator.random(shape) < 0.6
        found[..., -1] = True
        if self.mask == "all":
            found[:, :, 0] = False
        return found

    def model(self) -> ModelProto:
        nodes = Nodes()
        q, k, v = "q", "k", "v"
        if self.half:
            q, k, v = (nodes.add("Cast", nodes.add("Cast", name, to=10), to=1) for name in (q, k, v))
        if self.groups > 1:
            k, v = (self.repeated(nodes, name) for name in (k, v))
        scores = nodes.add("MatMul", q, nodes.add("Transpose", k, perm=[0, 1, 3, 2]))
        if self.scaled:
            scores = nodes.add("Mul", scores, "scale")
        if self.mask == "added":
            scores = nodes.add("Add", scores, nodes.add("Mul", nodes.add("Sub", "one", "allowed"), "low"))
        elif self.mask:
            scores = nodes.add("Where", nodes.add("Cast", "allowed", to=9), scores, "never")
        nodes.found.append(helper.make_node("MatMul", [nodes.add("Softmax", scores, axis=-1), v], ["y"]))
        weights: dict[str, Array] = {
            "scale": np.array(self.depth**-0.5, np.float32),
            "one": np.array(1, np.float32),
            "low": np.array(-1e4, np.float32),
            "never": np.array(-np.inf, np.float32),
            "apart": np.array([1, self.heads // self.groups, 1, self.keys, -1]),
            "repeats": np.array([1, 1, self.groups, 1, 1]),
            "together": np.array([1, self.heads, self.keys, -1]),
        }
        used = {name for node in nodes.found for name in node.input}
        known = {name: array for name, array in weights.items() if name in used}
        return make_model(nodes.found, self.shapes, {"y": [1, self.heads, self.rows, self.width]}, known)

    def repeated(self, nodes: Nodes, name: str) -> str:
        """Each head of keys or values, once for each head of queries that shares it."""
        return nodes.add("Reshape", nodes.add("Tile", nodes.add("Reshape", name, "apart"), "repeats"), "together")
