# Not strict: PyTorch is no dependency, so that its types are unknown where this file is checked.
# pyright: basic, reportMissingImports=false
"""Writes models as PyTorch exports them: `python -m bench.torch_models DIR [NAME…]`, each by both of its exporters."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
except ImportError:
    sys.exit("bench.torch_models needs PyTorch, which is not installed: pip install torch onnxscript")


Store = Callable[[Tensor, Tensor], Tensor]
"""Puts new keys or values into those of the past."""


@dataclass(frozen=True)
class Export:
    """A module, example inputs, and the names of inputs, of outputs and of axes whose length is left open.

    The inputs after the first `parameters` are gathered by one starred parameter of the module, where there are such.
    """

    module: nn.Module
    inputs: Sequence[Tensor]
    input_names: Sequence[str]
    output_names: Sequence[str]
    open_axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    parameters: int | None = None


class DecoderBlock(nn.Module):
    """A block after GPT-2 that stores keys and values [1, heads, length, depth]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joint, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor, store: Store) -> tuple[Tensor, ...]:
        batch, length, width = x.shape
        parts = self.joint(self.before_attention(x)).split(width, dim=2)
        query, new_key, new_value = (p.view(batch, length, self.heads, -1).transpose(1, 2) for p in parts)
        key, value = store(key, new_key), store(value, new_value)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.before_mlp(x)), key, value


class Decoder(nn.Module):
    """Tokens [1, new] and the past -> logits and the past with the tokens."""

    def __init__(self, width: int, heads: int, layers: int, vocabulary: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(1024, width)
        self.blocks = nn.ModuleList(DecoderBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        # Small embeddings and large weights, so that the blocks decide what follows: tokens vary, as a test needs.
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=2 / module.in_features**0.5)
                nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        before, length = past[0].shape[2], tokens.shape[1]
        positions = torch.arange(before, before + length)
        return self.decode(tokens, positions, before + length, past, lambda old, new: torch.cat([old, new], 2))

    def decode(
        self, tokens: Tensor, positions: Tensor, length: int, past: Sequence[Tensor], store: Store
    ) -> tuple[Tensor, ...]:
        mask = torch.arange(length)[None, :] <= positions[:, None]
        x = self.tokens(tokens) + self.positions(positions)
        present: list[Tensor] = []
        for i, block in enumerate(self.blocks):
            x, key, value = block(x, past[2 * i], past[2 * i + 1], mask, store)
            present += [key, value]
        return (F.linear(self.norm(x), self.tokens.weight), *present)


class FixedCacheDecoder(Decoder):
    """One token [1, 1], its position [1] and caches of fixed length -> logits and the caches with the token."""

    def forward(self, token: Tensor, position: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        return self.decode(
            token, position, caches[0].shape[2], caches, lambda cache, new: cache.index_copy(2, position, new)
        )


def decoder(width: int = 64, heads: int = 4, layers: int = 2, vocabulary: int = 256) -> Export:
    names = [f"past_{layer}_{kind}" for layer in range(layers) for kind in ("key", "value")]
    past = [torch.randn(1, heads, 7, width // heads) for _ in names]
    return Export(
        Decoder(width, heads, layers, vocabulary),
        [torch.randint(0, vocabulary, (1, 3)), *past],
        ["tokens", *names],
        ["logits", *(name.replace("past", "present") for name in names)],
        {name: {2: "past"} for name in names},
        parameters=1,
    )


def fixed_cache(width: int = 64, heads: int = 4, layers: int = 2, vocabulary: int = 256, length: int = 16) -> Export:
    """A decoder that one bundle serves while the sequence grows, up to `length` tokens."""
    names = [f"past_{layer}_{kind}" for layer in range(layers) for kind in ("key", "value")]
    caches = [torch.randn(1, heads, length, width // heads) for _ in names]
    return Export(
        FixedCacheDecoder(width, heads, layers, vocabulary),
        [torch.tensor([[3]]), torch.tensor([5]), *caches],
        ["token", "position", *names],
        ["logits", *(name.replace("past", "present") for name in names)],
        parameters=2,
    )


class VisionTransformer(nn.Module):
    """Patches, a class token, positions resized to the image, and encoder layers."""

    def __init__(self, width: int = 64, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, width, 4, 4))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers + 1))
        self.attentions = nn.ModuleList(nn.MultiheadAttention(width, heads, batch_first=True) for _ in range(layers))
        self.mlps = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)) for _ in range(layers)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image)
        positions = F.interpolate(self.positions, size=x.shape[-2:], mode="bicubic", align_corners=False)
        x = (x + positions).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        for i, (attention, mlp) in enumerate(zip(self.attentions, self.mlps, strict=True)):
            y = self.norms[2 * i](x)
            x = x + attention(y, y, y, need_weights=False)[0]
            x = x + mlp(self.norms[2 * i + 1](x))
        return self.head(self.norms[-1](x)[:, 0])


def vision_transformer() -> Export:
    return Export(VisionTransformer(), [torch.randn(1, 3, 48, 48)], ["image"], ["classes"])


class Detector(nn.Module):
    """Two levels of a pyramid, anchors made in the graph, boxes decoded, and the best by score."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 4, 1)
        self.down = nn.Conv2d(16, 16, 3, 2, 1)
        self.side, self.head = nn.Conv2d(16, 16, 1), nn.Conv2d(16, 4 + 3, 3, padding=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = F.relu(self.stem(image))
        coarse = F.relu(self.down(fine))
        fine = self.side(fine) + F.interpolate(coarse, scale_factor=2, mode="nearest")
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        for level, stride in ((fine, 4), (coarse, 8)):
            y = self.head(level).permute(0, 2, 3, 1).reshape(-1, 7)
            rows, columns = torch.arange(level.shape[2]), torch.arange(level.shape[3])
            grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).reshape(-1, 2)
            centre = (grid + 0.5) * stride + y[:, :2] * stride
            half = y[:, 2:4].clamp(max=4.0).exp() * stride / 2
            boxes.append(torch.cat([centre - half, centre + half], 1))
            scores.append(y[:, 4:].sigmoid())
        best, classes = torch.cat(scores).max(1)
        top, index = best.topk(20)
        return torch.cat(boxes)[index], top, classes[index]


def detector() -> Export:
    return Export(Detector(), [torch.randn(1, 3, 64, 64)], ["image"], ["boxes", "scores", "classes"])


class UNet(nn.Module):
    """Resizing by factor and by size, transposed convolution, groups' norms and skips."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 8), (8, 16), (16, 16)))
        self.norm, self.second_norm = nn.GroupNorm(2, 8), nn.GroupNorm(4, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.mix, self.out = nn.Conv2d(32, 8, 3, padding=1), nn.Conv2d(16, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        top = F.silu(self.norm(self.first(image)))
        middle = F.silu(self.second_norm(self.second(F.max_pool2d(top, 2))))
        bottom = F.silu(self.third(F.avg_pool2d(middle, 2)))
        bottom = F.interpolate(bottom, scale_factor=2.0, mode="bilinear", align_corners=False)
        middle = self.mix(torch.cat([bottom, middle], 1))
        raised = F.interpolate(middle, size=top.shape[-2:], mode="nearest")
        middle = torch.cat([self.up(torch.cat([middle, middle], 1)), raised], 1)
        return torch.sigmoid(self.out(middle))


def unet() -> Export:
    return Export(UNet(), [torch.randn(1, 3, 32, 32)], ["image"], ["mask"])


class Recurrent(nn.Module):
    """An LSTM in both directions, then a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 16, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(32, 16, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.gru(self.lstm(x)[0])


def recurrent() -> Export:
    return Export(Recurrent(), [torch.randn(1, 9, 12)], ["x"], ["y", "state"])


class Windows(nn.Module):
    """A ConvNeXt block, rolled windows as in Swin, reflection, pixel shuffle, adaptive pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, 7, padding=3, groups=16)
        self.mlp = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.norm(self.stem(F.pad(image, (1, 1, 1, 1), mode="reflect"))))
        pooled = F.adaptive_avg_pool2d(x, 4)
        x = (x + self.mlp(self.depthwise(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        batch, height, width, channels = x.shape
        x = torch.roll(x, (-2, -2), (1, 2)).view(batch, height // 4, 4, width // 4, 4, channels)
        windows = x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, channels)
        x = torch.einsum("wij,wjc->wic", torch.einsum("wic,wjc->wij", windows, windows).softmax(-1), windows)
        x = x.view(batch, height // 4, width // 4, 4, 4, channels).permute(0, 5, 1, 3, 2, 4)
        x = x.reshape(batch, channels, height, width)
        return F.pixel_shuffle(x, 2), pooled


def windows() -> Export:
    return Export(Windows(), [torch.randn(1, 3, 16, 16)], ["image"], ["shuffled", "pooled"])


class Indexing(nn.Module):
    """Sums along an axis, one-hot vectors, writes at indices and masks, over an axis of open length."""

    def forward(self, x: Tensor, index: Tensor) -> tuple[Tensor, ...]:
        first, second = x.chunk(2, dim=-1)
        hot = F.one_hot(index, 8).to(x.dtype)
        spread = torch.zeros_like(x).scatter_add(0, index[:, None].expand_as(x), x)
        written = x.clone()
        written[index, 1] = 5.0
        masked = torch.where(x > 0, x, torch.full_like(x, float("-inf"))).softmax(0)
        return first.cumsum(0) + second, hot, spread, written, masked.nan_to_num(), x.view(x.shape[0], -1, 2)


def indexing() -> Export:
    names = ["sums", "hot", "spread", "written", "masked", "viewed"]
    inputs = [torch.randn(6, 8), torch.tensor([1, 0, 3, 2, 5, 4])]
    return Export(Indexing(), inputs, ["x", "index"], names, {"x": {0: "length"}, "index": {0: "length"}})


MODELS: Mapping[str, Callable[[], Export]] = {
    "decoder": decoder,
    "fixed_cache": fixed_cache,
    "gpt2": lambda: fixed_cache(768, 12, 12, 50257, length=128),
    "vision_transformer": vision_transformer,
    "detector": detector,
    "unet": unet,
    "recurrent": recurrent,
    "windows": windows,
    "indexing": indexing,
}


def export(build: Callable[[], Export], path: Path, modern: bool) -> None:
    """Write the module to `path`, weights in it: by the exporter that captures (modern), or the one that traces."""
    torch.manual_seed(0)
    model = build()
    names = {"input_names": list(model.input_names), "output_names": list(model.output_names)}
    if modern:
        shapes = tuple(
            {axis: torch.export.Dim(dim) for axis, dim in model.open_axes.get(name, {}).items()}
            for name in model.input_names
        )
        if model.parameters is not None:
            shapes = (*shapes[: model.parameters], shapes[model.parameters :])
        options = {"dynamo": True, "dynamic_shapes": shapes, "external_data": False}
    else:
        options = {"dynamo": False, "dynamic_axes": model.open_axes}
    torch.onnx.export(model.module.eval(), tuple(model.inputs), path, verbose=False, **names, **options)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.torch_models", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(MODELS)} (default: all)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in MODELS]
    if unknown:
        parser.error(f"there is no model {', '.join(unknown)}; there are {', '.join(MODELS)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    failed = False
    for name in options.names or MODELS:
        for exporter in ("modern", "legacy"):
            path = options.directory / f"{name}_{exporter}.onnx"
            try:
                export(MODELS[name], path, exporter == "modern")
            except Exception as error:  # What an exporter cannot write is told, and the others are written.
                print(f"{path}: not exported: {str(error).splitlines()[0]}", file=sys.stderr)
                failed = True
            else:
                print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
