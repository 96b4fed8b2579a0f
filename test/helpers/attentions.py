"""Attention in many forms as ONNX models: heads, masks, scales, storage and lengths that may be ragged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from helpers.small_models import make_model

Array = NDArray[np.generic]


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
        nodes: list[NodeProto] = []

        def add(op: str, *operands: str, **attributes: object) -> str:
            nodes.append(helper.make_node(op, list(operands), [f"t{len(nodes)}"], **attributes))
            return nodes[-1].output[0]

        q, k, v = "q", "k", "v"
        if self.half:
            q, k, v = (add("Cast", add("Cast", name, to=10), to=1) for name in (q, k, v))
        if self.groups > 1:
            k, v = (self.repeated(add, name) for name in (k, v))
        scores = add("MatMul", q, add("Transpose", k, perm=[0, 1, 3, 2]))
        if self.scaled:
            scores = add("Mul", scores, "scale")
        if self.mask == "added":
            scores = add("Add", scores, add("Mul", add("Sub", "one", "allowed"), "low"))
        elif self.mask:
            scores = add("Where", add("Cast", "allowed", to=9), scores, "never")
        nodes.append(helper.make_node("MatMul", [add("Softmax", scores, axis=-1), v], ["y"]))
        weights = {
            "scale": np.float32(self.depth**-0.5),
            "one": np.float32(1),
            "low": np.float32(-1e4),
            "never": np.float32(-np.inf),
            "unsqueezed": np.array([1, self.heads // self.groups, 1, self.keys, -1]),
            "repeats": np.array([1, 1, self.groups, 1, 1]),
            "merged": np.array([1, self.heads, self.keys, -1]),
        }
        used = {name for node in nodes for name in node.input}
        known = {name: np.asarray(array) for name, array in weights.items() if name in used}
        return make_model(nodes, self.shapes, {"y": [1, self.heads, self.rows, self.width]}, known)

    def repeated(self, add: object, name: str) -> str:
        """Each head of keys or values, once for each head of queries that shares it."""
        assert callable(add)
        return add("Reshape", add("Tile", add("Reshape", name, "unsqueezed"), "repeats"), "merged")
