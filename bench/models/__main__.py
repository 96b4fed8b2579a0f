"""Writes the models: `python -m bench.models DIR [NAME…]`; each is run once on onnxruntime."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from bench.models import convnext, decoder_step, detector, speech_encoder, style_transfer, unet, vision_transformer
from bench.models.graph import Array, Graph
from onnx import ModelProto, helper

from webdnn.tools.oracle import Oracle

MODELS: Mapping[str, Callable[[], Graph]] = {
    "detector": detector.build,
    "style_transfer": style_transfer.build,
    "speech_encoder": speech_encoder.build,
    "unet": unet.build,
    "vision_transformer": vision_transformer.build,
    "convnext": convnext.build,
    "decoder_step": decoder_step.build,
}


def deviations(model: ModelProto, path: Path) -> dict[str, float]:
    """How far the outputs spread on random inputs: neither nothing nor everything may be left of the signal."""
    generator = np.random.default_rng(0)
    feeds: dict[str, Array] = {}
    for info in model.graph.input:
        type = info.type.tensor_type
        shape = [dimension.dim_value for dimension in type.shape.dim]
        values = generator.standard_normal(shape)
        feeds[info.name] = values.astype(helper.tensor_dtype_to_np_dtype(type.elem_type))
    return {name: float(np.std(value.astype(np.float64))) for name, value in Oracle(path).run(feeds).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(MODELS)} (default: all)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in MODELS]
    if unknown:
        parser.error(f"there is no model {', '.join(unknown)}; there are {', '.join(MODELS)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in options.names or MODELS:
        model, path = MODELS[name]().model(), options.directory / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        spreads = [f"{key} {deviation:.3g}" for key, deviation in deviations(model, path).items()]
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, deviations of outputs: {', '.join(spreads)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
