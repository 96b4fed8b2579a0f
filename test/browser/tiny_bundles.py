"""Hand-written bundles for every backend, so that the runners are tested without the compiler.

`write_relu`: y = relu(x) * w + b for x: f32[2, 3], in two kernels; y takes the place of x. On WebGPU the first may have
variants, workgroups of one, two and six.
`write_integers`: s = m ? a + 1 : -a and g = h, for a: i64[3], m: bool[3] and h: f16[3].
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import wasmtime
from numpy.typing import NDArray

from webdnn.targets.bundle import manifest as m
from webdnn.targets.bundle import sections as s
from webdnn.targets.bundle.write import Move, WeightShards, split_weights, write_bundle

W = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
B = np.array([[0.5, 0, -1], [2, -3, 100]], np.float32)


def relu_meaning(
    x: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the relu bundle computes."""
    return np.maximum(x, np.float32(0)) * W + B


def relu_wasm(added: float = 0.0, *, relaxed: bool = False) -> bytes:
    """The module; `added` tells variants apart."""
    madd = "(func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))"
    return bytes(
        wasmtime.wat2wasm(f"""(module (import "webdnn" "memory" (memory 1)) {madd if relaxed else ""}
        (func (export "run") (local $i i32)
          loop $relu
            (f32.store offset=96 (local.get $i) (f32.max (f32.const 0) (f32.load offset=64 (local.get $i))))
            (br_if $relu (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 24)))
          end
          (local.set $i (i32.const 0))
          loop $scale
            (f32.store offset=64 (local.get $i) (f32.add (f32.const {added}) (f32.add
              (f32.mul (f32.load offset=96 (local.get $i)) (f32.load (local.get $i)))
              (f32.load offset=24 (local.get $i)))))
            (br_if $scale (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 24)))
          end))""")
    )


def threads_wasm(run: str, work: str) -> bytes:
    """A module for threads that computes nothing; workers sleep on the word 1024 until it is 1."""
    return bytes(
        wasmtime.wat2wasm(f"""(module (import "webdnn" "memory" (memory 1 1 shared))
        (func $wake (i32.atomic.store (i32.const 1024) (i32.const 1))
          (drop (memory.atomic.notify (i32.const 1024) (i32.const -1))))
        (func $sleep (drop (memory.atomic.wait32 (i32.const 1024) (i32.const 0) (i64.const -1))))
        (func (export "run") {run}) (func (export "work") {work}) (func (export "stop") (call $wake)))""")
    )


RELU_JS = """export function run({ f32 }) {
  for (let i = 0; i < 6; i++) f32[24 + i] = Math.max(0, f32[16 + i]);
  for (let i = 0; i < 6; i++) f32[16 + i] = f32[24 + i] * f32[i] + f32[6 + i];
}
"""

RELU_WGSL = [
    """@group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> t: array<f32>;
    @compute @workgroup_size(2) fn relu(@builtin(global_invocation_id) i: vec3u) { t[i.x] = max(x[i.x], 0.0); }""",
    """@group(0) @binding(0) var<storage, read_write> t: array<f32>;
    @group(0) @binding(1) var<storage, read> w: array<f32>;
    @group(0) @binding(2) var<storage, read> b: array<f32>;
    @group(0) @binding(3) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(2) fn scale(@builtin(global_invocation_id) i: vec3u) {
      y[i.x] = t[i.x] * w[i.x] + b[i.x];
    }""",
]


def _variant(name: str, invocations: int) -> str:
    return RELU_WGSL[0].replace("workgroup_size(2) fn relu", f"workgroup_size({invocations}) fn {name}")


VARIANTS_WGSL = [*RELU_WGSL, _variant("relu_alone", 1), _variant("relu_tiles32", 6)]

_ES3 = "#version 300 es\nprecision highp float;\nout vec4 color;\n"
_AT3 = "ivec2 at = ivec2(gl_FragCoord.xy);"
RELU_ES3 = [
    f"{_ES3}uniform highp sampler2D b0;void main(){{{_AT3}color=max(texelFetch(b0,at,0),0.0);}}",
    f"{_ES3}uniform highp sampler2D b0,b1,b2;void main(){{{_AT3}"
    "color=texelFetch(b0,at,0)*texelFetch(b1,at,0)+texelFetch(b2,at,0);}",
]

_ES1 = "precision highp float;\n"
_AT1 = "vec2 at=gl_FragCoord.xy/vec2(1.0,2.0);"
RELU_ES1 = [
    f"{_ES1}uniform highp sampler2D b0;void main(){{{_AT1}gl_FragColor=max(texture2D(b0,at),0.0);}}",
    f"{_ES1}uniform highp sampler2D b0,b1,b2;void main(){{{_AT1}"
    "gl_FragColor=texture2D(b0,at)*texture2D(b1,at)+texture2D(b2,at);}",
]


def _texts(texts: list[str]) -> bytes:
    return json.dumps(texts).encode()


def _padded(rows: NDArray[np.float32]) -> bytes:
    return np.pad(rows, ((0, 0), (0, 1))).astype("<f4").tobytes()


Sections = dict[str, s.Wasm | s.Js | s.WebGpu | s.WebGl]


def write_relu(
    directory: Path,
    *,
    leave_out: tuple[str, ...] = (),
    replaced: Mapping[str, bytes] | None = None,
    limits: Mapping[str, int] | None = None,
    max_texture_size: int = 2,
    threads: bytes | None = None,
    variants: bool = False,
    feature: str | None = None,
) -> Path:
    """Write the relu bundle, without some backends or with other files in place of its own.

    `threads` is a module, and `feature` what the last variant needs.
    """
    memory = split_weights(W.tobytes() + B.tobytes(), 32)
    buffer = split_weights(W.tobytes().ljust(256, b"\0") + B.tobytes(), 128)
    # The last element of b is padding, which a constant need not store.
    textures = split_weights(_padded(W) + _padded(B)[:-4], 24)
    sections: Sections = {
        **_relu_in_memory(memory, threads is not None),
        "webgpu": _relu_in_buffers(buffer, limits or {"minStorageBufferOffsetAlignment": 256}, variants, feature),
        "webgl": _relu_in_textures(textures, max_texture_size),
    }
    files = {
        **memory.files,
        **buffer.files,
        **textures.files,
        "relaxed.wasm": relu_wasm(relaxed=True),
        "simd.wasm": relu_wasm(),
        **({"threads.wasm": threads} if threads else {}),
        "kernels.js": RELU_JS.encode(),
        "wgsl.json": _texts(VARIANTS_WGSL if variants else RELU_WGSL),
        "es3.json": _texts(RELU_ES3),
        "es1.json": _texts(RELU_ES1),
        **(replaced or {}),
    }
    kept = {name: section for name, section in sections.items() if name not in leave_out}
    tensors = (m.Tensor("x", "f32", (2, 3)),), (m.Tensor("y", "f32", (2, 3)),)
    write_bundle(directory, _manifest("relu", *tensors, kept), files)
    return directory


def _relu_in_memory(weights: WeightShards, threads: bool) -> Sections:
    modules = (s.WasmModule("relaxed.wasm", ("simd", "relaxed-simd")), s.WasmModule("simd.wasm", ("simd",)))
    if threads:
        modules = (*modules, s.WasmModule("threads.wasm", ("simd", "threads")))
    place = (s.MemoryRange(64, 24),)
    return {
        "wasm": s.Wasm(modules, 128, 56, 0, weights.at_addresses([Move(0, 48, 0)]), place, place),
        "js": s.Js("kernels.js", 128, weights.at_addresses([Move(0, 48, 0)]), place, place),
    }


def _relu_in_buffers(weights: WeightShards, limits: Mapping[str, int], variants: bool, feature: str | None) -> s.WebGpu:
    x, t = s.Binding("arena", 0, 24), s.Binding("arena", 256, 24)
    w, b = s.Binding("weights", 0, 24), s.Binding("weights", 256, 24)
    relu = s.Dispatch(0, (3, 1, 1), (x, t))
    pipelines = [s.Pipeline(0, "relu"), s.Pipeline(1, "scale")]
    if variants:
        others = (s.Variant("tiles32", 3, (1, 1, 1), (feature,) if feature else None),)
        relu = replace(relu, alone=s.Alone(2, (6, 1, 1)), variant="groups", others=others)
        pipelines += [s.Pipeline(2, "relu_alone"), s.Pipeline(3, "relu_tiles32")]
    return s.WebGpu(
        "wgsl.json",
        tuple(pipelines),
        arena_bytes=280,
        weights_bytes=280,
        weights=weights.in_buffer("weights", [Move(0, 280, 0)]),
        dispatches=(relu, s.Dispatch(1, (3, 1, 1), (t, w, b, x))),
        inputs=(s.BufferTensor(0, 24, "f32"),),
        outputs=(s.BufferTensor(0, 24, "f32"),),
        limits=limits,
    )


def _relu_in_textures(weights: WeightShards, max_texture_size: int) -> s.WebGl:
    place = (s.TextureTensor(0, rows=2, row_length=3, row_stride=4),)
    return s.WebGl(
        s.WebGlSources("es3.json", "es1.json"),
        (s.Texture(1, 2),) * 4,
        weights_bytes=60,
        weights=weights.as_image(),
        constants=(s.Constant(2, 0, 32), s.Constant(3, 32, 28)),
        draws=(s.Draw(0, (0,), 1), s.Draw(1, (1, 2, 3), 0)),
        inputs=place,
        outputs=place,
        max_texture_size=max_texture_size,
        max_samplers=3,
    )


def _manifest(
    name: str,
    inputs: tuple[m.Tensor, ...],
    outputs: tuple[m.Tensor, ...],
    sections: Sections,
) -> m.Manifest:
    wasm, js, webgpu, webgl = (sections.get(key) for key in ("wasm", "js", "webgpu", "webgl"))
    backends = m.Backends(
        wasm=wasm if isinstance(wasm, s.Wasm) else None,
        js=js if isinstance(js, s.Js) else None,
        webgpu=webgpu if isinstance(webgpu, s.WebGpu) else None,
        webgl=webgl if isinstance(webgl, s.WebGl) else None,
    )
    return m.Manifest(name=name, producer="tests", inputs=inputs, outputs=outputs, backends=backends)


INTEGERS_WAT = """(module (import "webdnn" "memory" (memory 1)) (func (export "run") (local $i i32)
  loop $each
    (i64.store offset=64 (i32.mul (local.get $i) (i32.const 8)) (select
      (i64.add (i64.load (i32.mul (local.get $i) (i32.const 8))) (i64.const 1))
      (i64.sub (i64.const 0) (i64.load (i32.mul (local.get $i) (i32.const 8))))
      (i32.load8_u offset=24 (local.get $i))))
    (i32.store16 offset=96 (i32.mul (local.get $i) (i32.const 2))
      (i32.load16_u offset=32 (i32.mul (local.get $i) (i32.const 2))))
    (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3)))
  end))"""

INTEGERS_JS = """export function run({ u8, u16, i64 }) {
  for (let i = 0; i < 3; i++) {
    i64[8 + i] = u8[24 + i] ? i64[i] + 1n : -i64[i];
    u16[48 + i] = u16[16 + i];
  }
}
"""

INTEGERS_WGSL = """@group(0) @binding(0) var<storage, read_write> a: array<i32>;
@group(0) @binding(1) var<storage, read_write> m: array<u32>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;
@group(0) @binding(3) var<storage, read_write> s: array<i32>;
@group(0) @binding(4) var<storage, read_write> g: array<f32>;
@compute @workgroup_size(3) fn integers(@builtin(global_invocation_id) i: vec3u) {
  s[i.x] = select(-a[i.x], a[i.x] + 1, m[i.x] != 0);
  g[i.x] = h[i.x];
}"""

INTEGERS_ES3 = [
    f"{_ES3}uniform highp sampler2D b0,b1;void main(){{{_AT3}vec4 a=texelFetch(b0,at,0);"
    "color=mix(-a,a+1.0,texelFetch(b1,at,0));}",
    f"{_ES3}uniform highp sampler2D b0;void main(){{{_AT3}color=texelFetch(b0,at,0);}}",
]
INTEGERS_ES1 = [
    f"{_ES1}uniform highp sampler2D b0,b1;void main(){{vec2 at=vec2(0.5);vec4 a=texture2D(b0,at);"
    "gl_FragColor=mix(-a,a+1.0,texture2D(b1,at));}",
    f"{_ES1}uniform highp sampler2D b0;void main(){{gl_FragColor=texture2D(b0,vec2(0.5));}}",
]


def write_integers(directory: Path) -> Path:
    """Write the integers bundle."""
    tensors = (
        (m.Tensor("a", "i64", (3,)), m.Tensor("m", "bool", (3,)), m.Tensor("h", "f16", (3,))),
        (m.Tensor("s", "i64", (3,)), m.Tensor("g", "f16", (3,))),
    )
    files = {
        "plain.wasm": bytes(wasmtime.wat2wasm(INTEGERS_WAT)),
        "kernels.js": INTEGERS_JS.encode(),
        "wgsl.json": _texts([INTEGERS_WGSL]),
        "es3.json": _texts(INTEGERS_ES3),
        "es1.json": _texts(INTEGERS_ES1),
    }
    write_bundle(directory, _manifest("integers", *tensors, _integer_sections()), files)
    return directory


def _integer_sections() -> Sections:
    inputs = (s.MemoryRange(0, 24), s.MemoryRange(24, 3), s.MemoryRange(32, 6))
    outputs = (s.MemoryRange(64, 24), s.MemoryRange(96, 6))
    return {
        "wasm": s.Wasm((s.WasmModule("plain.wasm", ()),), 128, 102, 0, (), inputs, outputs),
        "js": s.Js("kernels.js", 102, (), inputs, outputs),
        "webgpu": s.WebGpu(
            "wgsl.json",
            (s.Pipeline(0, "integers"),),
            arena_bytes=1036,
            weights_bytes=0,
            weights=(),
            dispatches=(s.Dispatch(0, (1, 1, 1), tuple(s.Binding("arena", 256 * i, 12) for i in range(5))),),
            inputs=(s.BufferTensor(0, 12, "i32"), s.BufferTensor(256, 12, "u32"), s.BufferTensor(512, 12, "f32")),
            outputs=(s.BufferTensor(768, 12, "i32"), s.BufferTensor(1024, 12, "f32")),
        ),
        "webgl": s.WebGl(
            s.WebGlSources("es3.json", "es1.json"),
            (s.Texture(1, 1),) * 5,
            weights_bytes=0,
            weights=(),
            constants=(),
            draws=(s.Draw(0, (0, 1), 3), s.Draw(1, (2,), 4)),
            inputs=tuple(s.TextureTensor(i, 1, 3, 4) for i in range(3)),
            outputs=tuple(s.TextureTensor(i, 1, 3, 4) for i in (3, 4)),
            max_texture_size=1,
            max_samplers=2,
        ),
    }
