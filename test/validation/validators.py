"""Second opinions on emitted text: glslangValidator and Node (naga and a device: `software_gpu.py`)."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from validation.kernel_programs import Array
from webdnn.targets.bundle.sections import WebGl
from webdnn.targets.js.bundle import JsPart

APPENDIX_A = (
    "nonInductiveForLoops",
    "whileLoops",
    "doWhileLoops",
    "generalUniformIndexing",
    "generalAttributeMatrixVectorIndexing",
    "generalVaryingIndexing",
    "generalSamplerIndexing",
    "generalVariableIndexing",
    "generalConstantMatrixVectorIndexing",
)
"""What WebGL 1 need not support: the limits of glslangValidator's configuration that say so when they are 0."""


@cache
def appendix_a() -> str:
    """The default limits of glslangValidator, without what WebGL 1 need not support."""
    lines = subprocess.run(["glslangValidator", "-c"], check=True, capture_output=True, text=True).stdout.splitlines()
    return "\n".join(f"{name} 0" if (name := line.partition(" ")[0]) in APPENDIX_A else line for line in lines)


def fragment_shaders(section: WebGl, files: Mapping[str, bytes]) -> dict[int, list[str]]:
    """The distinct texts of a bundle's fragment shaders, by the version of GLSL ES."""
    sources = {300: section.sources.webgl2, 100: section.sources.webgl1}
    return {version: sorted(set(json.loads(files[path]))) for version, path in sources.items() if path is not None}


def complaints_of_glslang(texts: Sequence[str], version: int) -> str:
    """What glslangValidator has against fragment shaders; of version 100 it grants only what Appendix A does."""
    names = [f"{i}.frag" for i in range(len(texts))]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in zip(names, texts, strict=True):
            Path(folder, name).write_text(text, encoding="utf-8")
        Path(folder, "limits.conf").write_text(appendix_a(), encoding="utf-8")
        configuration = ["limits.conf"] if version == 100 else []
        command = ["glslangValidator", *configuration, *names]
        result = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if len(names) > 1:  # of one alone the name is not printed
        assert set(re.findall(r"^\d+\.frag$", result.stdout, re.MULTILINE)) == set(names)
    return result.stdout if result.returncode else ""


def validate_glsl(text: str, version: int) -> None:
    """Raise what glslangValidator has against a fragment shader; of version 100 only what Appendix A grants."""
    assert not (complaints := complaints_of_glslang([text], version)), f"{complaints}\n{text}"


NODE = """\
import { readFileSync, writeFileSync } from "node:fs";
import * as kernels from "./kernels.mjs";
const memory = new Uint8Array(readFileSync("memory.bin")).buffer;
const heap = {
  i8: new Int8Array(memory), u8: new Uint8Array(memory), i16: new Int16Array(memory), u16: new Uint16Array(memory),
  i32: new Int32Array(memory), u32: new Uint32Array(memory), f32: new Float32Array(memory),
  f64: new Float64Array(memory), i64: new BigInt64Array(memory), u64: new BigUint64Array(memory),
};
kernels.load?.(heap);
JSON.parse(readFileSync("inputs.json", "utf8")).forEach((address, i) => heap.u8.set(readFileSync(`${i}.bin`), address));
kernels.run(heap);
writeFileSync("memory.bin", new Uint8Array(memory));
"""


def run_node(part: JsPart, inputs: Sequence[Array], outputs: Sequence[Array]) -> list[Array]:
    """The outputs of a bundle's JavaScript part, shaped like those given, computed by Node."""
    section = part.section
    memory = bytearray(-(-section.memory_bytes // 8) * 8)
    for piece in section.weights:
        content = part.files[piece.file][piece.start : piece.start + piece.bytes]
        memory[piece.address : piece.address + piece.bytes] = content
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernels.mjs").write_bytes(part.files[section.module])
        Path(folder, "run.mjs").write_text(NODE)
        Path(folder, "memory.bin").write_bytes(memory)
        Path(folder, "inputs.json").write_text(json.dumps([place.address for place in section.inputs]))
        for i, value in enumerate(inputs):
            Path(folder, f"{i}.bin").write_bytes(value.tobytes())
        subprocess.run(["node", "run.mjs"], cwd=folder, check=True, capture_output=True, text=True)
        after = Path(folder, "memory.bin").read_bytes()
    return [
        np.frombuffer(after[r.address : r.address + r.bytes], y.dtype).reshape(y.shape)
        for r, y in zip(section.outputs, outputs, strict=True)
    ]
