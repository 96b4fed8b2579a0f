"""What a page shows of a bundle: what its manifest tells of one target; the rest needs the model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from webdnn.runner.python.bundle import Bundle, open_bundle
from webdnn.runner.python.manifest import Js, Repeat, Wasm, WebGl, WebGpu
from webdnn.support.diagnostic import DiagnosticError
from webdnn.tools.backends import BACKENDS
from webdnn.tools.view.kernels import Kernel
from webdnn.tools.view.memory import Buffer, Launch, Plan
from webdnn.tools.view.model import View

MISSING = (
    "This is a bundle: levels, passes, schedules and the ONNX nodes of kernels need the model "
    "('webdnn view MODEL.onnx')."
)
REMARKS = {
    "wasm": "Its module is binary and has no list of calls; what is drawn are inputs, outputs and weights.",
    "js": "Its calls stand in the text of the module; what is drawn are inputs, outputs and weights.",
    "webgpu": "A rectangle is a range of the arena that a dispatch binds.",
    "webgl": "A rectangle is a texture that a draw uses, textures one behind another: they lie in no arena.",
}
TEXEL_BYTES = 16

_FUNCTION = re.compile(r"^function (\w+)\(.*?^}", re.MULTILINE | re.DOTALL)


def view_of_bundle(directory: Path, target: str | None) -> View:
    """The part of a target, or of the first that the bundle has. Raises DiagnosticError and SessionError."""
    bundle = open_bundle(directory)
    there = [name for name in BACKENDS if name in bundle.manifest["backends"]]
    chosen = target or next(iter(there), "")
    if chosen not in there:
        hint = f"it has {', '.join(there) or 'none'}"
        raise DiagnosticError(f"the bundle has no target '{chosen}'", where=str(directory), hint=hint)
    plan, kernels = part(bundle, chosen)
    return View(
        name=bundle.manifest["name"],
        target=chosen,
        producer=bundle.manifest["producer"],
        remark=f"{MISSING} {REMARKS[chosen]}",
        levels=[],
        nodes=[],
        steps=[],
        plan=plan,
        kernels=kernels,
    )


def part(bundle: Bundle, target: str) -> tuple[Plan, list[Kernel]]:
    """The plan and the kernels of one target."""
    backends = bundle.manifest["backends"]
    if target == "webgpu" and (gpu := backends.get("webgpu")):
        return of_webgpu(bundle, gpu)
    if target == "webgl" and (gl := backends.get("webgl")):
        return of_webgl(bundle, gl)
    if target == "js" and (js := backends.get("js")):
        text = bundle.read(js["module"]).decode()
        return plan_of_image(bundle, js), [kernel(it[1], [], it[0]) for it in _FUNCTION.finditer(text)]
    wasm = backends.get("wasm")
    assert wasm, "the target is in the bundle"
    return plan_of_image(bundle, wasm), []


def plan_of_image(bundle: Bundle, section: Wasm | Js) -> Plan:
    """Inputs, outputs and weights in a memory image."""
    inputs, outputs = bundle.manifest["inputs"], bundle.manifest["outputs"]
    buffers = [
        buffer(tensor["name"], kind, place["address"], place["bytes"], 0)
        for kind, tensors, places in (("input", inputs, section["inputs"]), ("output", outputs, section["outputs"]))
        for tensor, place in zip(tensors, places, strict=True)
    ]
    files = bundle.manifest["files"]
    for piece in section["weights"]:
        buffers.append(buffer(piece["file"], "once", piece["address"], files[piece["file"]]["bytes"], 0))
    return Plan(arena=section["memoryBytes"], bound=0, launches=[], buffers=[{**it, "readers": []} for it in buffers])


def of_webgpu(bundle: Bundle, section: WebGpu) -> tuple[Plan, list[Kernel]]:
    """Dispatches, and the ranges that they bind."""
    texts: list[str] = json.loads(bundle.read(section["sources"]))
    entries = section["pipelines"]
    used = [entries[dispatch["pipeline"]]["entry"] for dispatch in section["dispatches"]]
    buffers = [
        buffer(f"{binding['offset']}", "value", binding["offset"], binding["size"], i)
        for i, dispatch in enumerate(section["dispatches"])
        for binding in dispatch["bindings"]
        if binding["buffer"] == "arena"
    ]
    plan = Plan(arena=section["arenaBytes"], bound=0, launches=launches(used, section["loops"]), buffers=buffers)
    return plan, [kernel(it["entry"], calls_of(it["entry"], used), texts[it["source"]]) for it in entries]


def of_webgl(bundle: Bundle, section: WebGl) -> tuple[Plan, list[Kernel]]:
    """Draws, and the textures that they use."""
    sources = section["sources"]
    path = sources.get("webgl2") or sources.get("webgl1")
    assert path, "WebGL has sources"
    texts: list[str] = json.loads(bundle.read(path))
    used = [f"program{draw['program']}" for draw in section["draws"]]
    sizes = [texture["width"] * texture["height"] * TEXEL_BYTES for texture in section["textures"]]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    buffers = [
        buffer(f"texture {texture}", "value", starts[texture], sizes[texture], i)
        for i, draw in enumerate(section["draws"])
        for texture in dict.fromkeys((*draw["samplers"], draw["target"]))
    ]
    plan = Plan(arena=sum(sizes), bound=0, launches=launches(used, section["loops"]), buffers=buffers)
    names = [f"program{i}" for i in range(len(texts))]
    return plan, [kernel(name, calls_of(name, used), text) for name, text in zip(names, texts, strict=True)]


def launches(kernels: Sequence[str], loops: Sequence[Repeat]) -> list[Launch]:
    """Calls in order; those in loops are made as often as all loops around them say."""
    found = [Launch(kernel=name, origins=[], trips=1, once=False) for name in kernels]
    for loop in loops:
        for launch in found[loop["first"] : loop["first"] + loop["count"]]:
            launch["trips"] *= loop["trips"]
    return found


def calls_of(name: str, used: Sequence[str]) -> list[int]:
    return [i for i, other in enumerate(used) if other == name]


def buffer(name: str, kind: str, at: int, size: int, call: int) -> Buffer:
    """Bytes that a call uses."""
    return Buffer(name=name, kind=kind, type="", at=at, bytes=size, first=call, last=call, writers=[], readers=[call])


def kernel(name: str, calls: list[int], source: str) -> Kernel:
    """A kernel of which nothing but the text is known."""
    return Kernel(name=name, calls=calls, shape="", flops=0, bytes=0, schedule=[], ir="", source=source)
