"""Our wasm against ONNX Runtime Web's, interleaved in one page of one Chromium, one thread each.

    python bench/wasm_peers.py [--models resnet18,resnet50] [--rounds 15] [--out results.json]

`../shared/peers/setup.sh` makes the models and installs the peer; BENCH names the directory that it filled.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from webdnn.runner.python.chromium import Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.bundle.write import write_bundle
from webdnn.tools.compiler import compile_model

ROOT = Path(__file__).resolve().parents[1]
BENCH = Path(os.environ.get("BENCH", ROOT.parent / "shared/peers/.bench"))
MODELS = ("tiny_mlp", "mnist_cnn", "squeezenet11", "mobilenetv2", "resnet18", "resnet50", "minilm_l6")


class Times(TypedDict):
    """Milliseconds of each timed run, inputs and outputs copied, and the largest error against native ONNX Runtime."""

    ours: list[float]
    peer: list[float]
    first: list[float]
    errors: list[float]


def measure(browser: Browser, name: str, bundles: Path, rounds: int) -> Times:
    """Time both engines in turn."""
    page = browser.new_page()
    try:
        page.add_script_tag(url="/npm/onnxruntime-web/dist/ort.wasm.min.js")
        script = (Path(__file__).parent / "wasm_peers.js").read_text().rstrip().removesuffix(";")
        result: Times = page.evaluate(script, {"model": name, "rounds": rounds})
        return result
    finally:
        page.close()


def report(name: str, times: Times) -> str:
    ours, peer = sorted(times["ours"]), sorted(times["peer"])
    middle = len(ours) // 2
    return (
        f"{name:14} {ours[0]:9.2f} {ours[middle]:9.2f}   {peer[0]:9.2f} {peer[middle]:9.2f}   {peer[0] / ours[0]:6.2f}"
        f"   {times['first'][0]:8.0f} {times['first'][1]:8.0f}   {times['errors'][0]:.1e} {times['errors'][1]:.1e}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    if not (BENCH / "models/manifest.json").exists():
        print(f"{BENCH} holds no models: run ../shared/peers/setup.sh, or set BENCH", file=sys.stderr)
        return 1
    results: dict[str, Times] = {}
    print("milliseconds            ours            onnxruntime-web    ratio      first run       largest error")
    print("model                min    median         min    median   of min     ours     peer     ours    peer")
    with TemporaryDirectory() as directory, Browser() as browser:
        bundles = Path(directory)
        for prefix, root in (("/npm/", BENCH / "npm/node_modules"), ("/models/", BENCH / "models")):
            browser.server.mount(prefix, root)
        browser.server.mount("/bundles/", bundles)
        for name in options.models.split(","):
            try:
                manifest, files, _ = compile_model(BENCH / f"models/{name}.onnx", ["wasm"])
            except DiagnosticError as error:
                print(f"{name:14} refused: {error.what}")
                continue
            write_bundle(bundles / name, manifest, files)
            results[name] = measure(browser, name, bundles, options.rounds)
            print(report(name, results[name]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
