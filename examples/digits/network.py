"""A small convolutional network in numpy: its values, its gradients, and a step of Adam."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]
Parameters = dict[str, Array]

SHAPES = {
    "conv1.weight": (16, 1, 3, 3),
    "conv1.bias": (16,),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "dense.weight": (10, 512),
    "dense.bias": (10,),
}
DECAY = (0.9, 0.999)
SMALLEST = 1e-8


def conv(x: Array, weight: Array, bias: Array) -> tuple[Array, Array]:
    """A 3x3 convolution that keeps the extent, and the windows [N, H, W, C, 3, 3] that it read."""
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3)).transpose(
        0, 2, 3, 1, 4, 5
    )
    columns = np.ascontiguousarray(windows).reshape(-1, weight[0].size)
    out = columns @ weight.reshape(len(weight), -1).T + bias
    return out.reshape(len(x), *x.shape[2:], -1).transpose(0, 3, 1, 2), columns


def conv_gradients(slope: Array, columns: Array, weight: Array) -> tuple[Array, Array, Array]:
    """The gradients of a convolution: of its weight, its bias and its input."""
    rows = slope.transpose(0, 2, 3, 1).reshape(-1, len(weight))
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    back, _ = conv(slope, turned, np.zeros(len(turned), np.float32))
    return (rows.T @ columns).reshape(weight.shape), rows.sum(0), back


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@dataclass
class Network:
    """conv - relu - conv - relu - 2x2 max-pool - dense; `moments` are Adam's."""

    parameters: Parameters
    moments: dict[str, tuple[Array, Array]] = field(default_factory=dict[str, tuple[Array, Array]])

    @classmethod
    def initial(cls, generator: np.random.Generator) -> Network:
        """He's initial values: a variance of 2 over the number of inputs."""

        def initial(shape: tuple[int, ...]) -> Array:
            if len(shape) == 1:
                return np.zeros(shape, np.float32)
            deviation = np.sqrt(2 / np.prod(shape[1:]))
            return (generator.standard_normal(shape) * deviation).astype(np.float32)

        return cls({name: initial(shape) for name, shape in SHAPES.items()})

    def probabilities(self, images: Array) -> Array:
        """How likely each digit is, [N, 10]."""
        p = self.parameters
        first = np.maximum(conv(images, p["conv1.weight"], p["conv1.bias"])[0], 0)
        second = np.maximum(conv(first, p["conv2.weight"], p["conv2.bias"])[0], 0)
        flat = second.reshape(len(images), -1, 4, 2, 4, 2).max((3, 5)).reshape(len(images), -1)
        return softmax(flat @ p["dense.weight"].T + p["dense.bias"])

    def step(self, images: Array, labels: NDArray[np.int64], rate: float, count: int) -> float:
        """Move the parameters down the slope of the cross-entropy, which is returned."""
        loss, slopes = self.gradients(images, labels)
        for name, slope in slopes.items():
            mean, square = self.moments.get(name, (np.zeros_like(slope), np.zeros_like(slope)))
            mean = DECAY[0] * mean + (1 - DECAY[0]) * slope
            square = DECAY[1] * square + (1 - DECAY[1]) * slope * slope
            self.moments[name] = mean.astype(np.float32), square.astype(np.float32)
            corrected = mean / (1 - DECAY[0] ** count)
            spread = np.sqrt(square / (1 - DECAY[1] ** count)) + SMALLEST
            self.parameters[name] = (self.parameters[name] - rate * corrected / spread).astype(np.float32)
        return loss

    def gradients(self, images: Array, labels: NDArray[np.int64]) -> tuple[float, Parameters]:
        """The mean cross-entropy, and its gradient by every parameter."""
        p, count = self.parameters, len(images)
        sum1, columns1 = conv(images, p["conv1.weight"], p["conv1.bias"])
        first = np.maximum(sum1, 0)
        sum2, columns2 = conv(first, p["conv2.weight"], p["conv2.bias"])
        blocks = np.maximum(sum2, 0).reshape(count, -1, 4, 2, 4, 2)
        pooled = blocks.max((3, 5), keepdims=True)
        flat = pooled.reshape(count, -1)
        found = softmax(flat @ p["dense.weight"].T + p["dense.bias"])
        loss = -np.log(found[np.arange(count), labels] + 1e-12).mean()

        slope = (found - np.eye(10, dtype=np.float32)[labels]) / count
        back = (slope @ p["dense.weight"]).reshape(pooled.shape) * (blocks == pooled)
        weight2, bias2, back1 = conv_gradients(back.reshape(sum2.shape) * (sum2 > 0), columns2, p["conv2.weight"])
        weight1, bias1, _ = conv_gradients(back1 * (sum1 > 0), columns1, p["conv1.weight"])
        return float(loss), {
            "conv1.weight": weight1,
            "conv1.bias": bias1,
            "conv2.weight": weight2,
            "conv2.bias": bias2,
            "dense.weight": slope.T @ flat,
            "dense.bias": slope.sum(0),
        }
