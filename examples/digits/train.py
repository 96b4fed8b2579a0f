"""Train the digits network with numpy alone, and write `digits.onnx` and `test_digits.json`.

`pip install scikit-learn && python examples/digits/train.py` takes a minute or two.

The data is scikit-learn's copy of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI Machine
Learning Repository, 1998): 8x8 images, each pixel the count of ink in a 4x4 block of a 32x32 bitmap.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
from network import Array, Network
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

Labels = NDArray[np.int64]

HERE = Path(__file__).parent
SEED = 2018
EPOCHS = 60
BATCH = 64
RATE = 2e-3
HELD_OUT = 360
SHIPPED = 30
WANTED_ACCURACY = 0.97


def read_digits() -> tuple[Array, Labels]:
    """All images, [N, 1, 8, 8] with ink from 0 to 1, and their labels."""
    table = Path(str(files("sklearn"))) / "datasets" / "data" / "digits.csv.gz"
    rows = np.loadtxt(table, delimiter=",", dtype=np.float32)
    return rows[:, :64].reshape(-1, 1, 8, 8) / np.float32(16), rows[:, 64].astype(np.int64)


def distorted(images: Array, generator: np.random.Generator) -> Array:
    """Copies that are moved, scaled, sheared, and drawn with a thinner or thicker pen."""
    count = len(images)
    scale, shear = generator.uniform(0.8, 1.25, (2, count)), generator.uniform(-0.25, 0.25, (2, count))
    move = generator.uniform(-0.8, 0.8, (2, count))
    at = np.arange(8, dtype=np.float64) - 3.5
    rows, columns = np.tile(at[:, None], 8), np.tile(at, (8, 1))

    def source(i: int, along: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
        one = (slice(None), None, None)
        return along * scale[i][one] + across * shear[i][one] + move[i][one] + 3.5

    moved = bilinear(images[:, 0], source(0, rows, columns), source(1, columns, rows))
    ink = generator.uniform(0.75, 1.4, (count, 1, 1))
    return np.clip(moved * ink, 0, 1)[:, None].astype(np.float32)


def bilinear(images: Array, row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each image at fractional places; nothing is drawn outside."""
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    r, c = np.clip(row, -1, 8), np.clip(column, -1, 8)
    top, left = np.floor(r).astype(int), np.floor(c).astype(int)
    down, right = r - top, c - left
    image = np.arange(len(images))[:, None, None]

    def pixel(i: int, j: int) -> NDArray[np.float64]:
        return padded[image, top + 1 + i, left + 1 + j].astype(np.float64)

    upper = pixel(0, 0) * (1 - right) + pixel(0, 1) * right
    lower = pixel(1, 0) * (1 - right) + pixel(1, 1) * right
    return upper * (1 - down) + lower * down


def batches(count: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = generator.permutation(count)
    for begin in range(0, count, BATCH):
        yield order[begin : begin + BATCH]


def train(images: Array, labels: Labels, generator: np.random.Generator) -> Network:
    """Adam on distorted images, the step size falling to nothing along a cosine."""
    network = Network.initial(generator)
    steps, total = 0, EPOCHS * -(-len(images) // BATCH)
    for epoch in range(EPOCHS):
        loss = 0.0
        for batch in batches(len(images), generator):
            rate = RATE * (1 + np.cos(np.pi * steps / total)) / 2
            steps += 1
            loss += network.step(distorted(images[batch], generator), labels[batch], rate, steps) * len(batch)
        print(f"\repoch {epoch + 1} of {EPOCHS}: loss {loss / len(images):.4f}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return network


def onnx_model(network: Network) -> ModelProto:
    """The network as an exporter would write it: opset 17, one image at a time."""
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "conv1.weight", "conv1.bias"], ["conv1"], "conv1", kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", ["conv1"], ["relu1"], "relu1"),
        node("Conv", ["relu1", "conv2.weight", "conv2.bias"], ["conv2"], "conv2", kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", ["conv2"], ["relu2"], "relu2"),
        node("MaxPool", ["relu2"], ["pool"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["pool"], ["flat"], "flatten", axis=1),
        node("Gemm", ["flat", "dense.weight", "dense.bias"], ["scores"], "dense", transB=1),
        node("Softmax", ["scores"], ["probabilities"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(array, name) for name, array in network.parameters.items()],
    )
    return helper.make_model(
        graph, producer_name="examples/digits/train.py", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )


def main() -> int:
    generator = np.random.default_rng(SEED)
    images, labels = read_digits()
    order = generator.permutation(len(images))
    held, kept = order[:HELD_OUT], order[HELD_OUT:]
    network = train(images[kept], labels[kept], generator)
    accuracy = float((network.probabilities(images[held]).argmax(1) == labels[held]).mean())
    print(f"{accuracy:.2%} of {HELD_OUT} held-out digits are right")
    if accuracy < WANTED_ACCURACY:
        print(f"that is less than {WANTED_ACCURACY:.0%}: nothing is written", file=sys.stderr)
        return 1
    (HERE / "digits.onnx").write_bytes(onnx_model(network).SerializeToString())
    shipped = [
        {"label": int(labels[i]), "pixels": (images[i] * 16).astype(int).reshape(-1).tolist()} for i in held[:SHIPPED]
    ]
    lines = ",\n".join(json.dumps(digit, separators=(",", ":")) for digit in shipped)
    (HERE / "test_digits.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
