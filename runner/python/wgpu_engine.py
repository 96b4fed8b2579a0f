"""Runs a bundle's WebGPU part without a browser, by PyPI's wgpu: on a GPU, or on one in software."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from webdnn.runner.python.bundle import REBUILD_HINT, Bundle
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import BufferPiece, BufferTensor, WebGpu
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.storage import from_storage, to_storage
from webdnn.runner.python.tensors import DTYPES, Array, shaped
from webdnn.runner.python.wgpu_device import failures, is_software, open_device
from webdnn.runner.python.wgpu_kernels import Kernels, create_buffers, record


@dataclass(frozen=True)
class Wgpu:
    """The engine; on an adapter in software invocations work alone as far as kernels allow, as in browsers.

    `variant` says in the adapter's place which one of a kernel is launched, where there is such a one: "alone",
    "subgroups", or "together", which is that which suits most GPUs.
    """

    variant: str | None = None

    def open(self, bundle: Bundle) -> "WgpuExecutor":
        """Compile the kernels on a device that has the weights."""
        section = bundle.manifest["backends"].get("webgpu")
        if section is None:
            problem = f"{bundle.directory} was not compiled for webgpu"
            raise SessionError(problem, "compile it for webgpu, or name another engine")
        return WgpuExecutor(bundle, section, self.variant or ("alone" if is_software() else "together"))


class WgpuExecutor:
    """The buffers and the steps of one model; sessions share devices."""

    backend = "webgpu"

    def __init__(self, bundle: Bundle, section: WebGpu, variant: str) -> None:
        self._inputs = Inputs.of(bundle.manifest)
        self._outputs = bundle.manifest["outputs"]
        self._section = section
        self._device = open_device(section)
        texts: list[str] = json.loads(bundle.read(section["sources"]))
        with failures(f"{bundle.directory} cannot be loaded", f"{REBUILD_HINT}, or run it on another GPU"):
            self._buffers = create_buffers(self._device, section)
            loading, self._steps = Kernels(self._device, section, texts, self._buffers).steps(variant)
            for piece, content in bundle.weights(section["weights"]):
                words = content.ljust(-(-len(content) // 4) * 4, b"\0")
                self._device.queue.write_buffer(self._buffers[piece["buffer"]], piece["offset"], words)
            self._device.queue.submit([record(self._device, loading)])

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Write the inputs, launch the kernels, read the outputs."""
        pairs = zip(self._inputs.all, self._inputs.greatest(inputs), self._section["inputs"], strict=True)
        # What cannot be stored is found before anything is queued.
        stored = [to_storage(tensor, value, place["storage"], place.get("magnitude")) for tensor, value, place in pairs]
        with failures("wgpu failed", "report this as a bug of the compiler, or run it on another engine"):
            for value, place in zip(stored, self._section["inputs"], strict=True):
                self._write(value.tobytes(), place)
            self._device.queue.submit([record(self._device, self._steps)])
            found = [self._read(place) for place in self._section["outputs"]]
        return shaped(self._outputs, [from_storage(*pair) for pair in zip(self._outputs, found, strict=True)])

    def close(self) -> None:
        """Free the model's memory."""
        for buffer in self._buffers.values():
            buffer.destroy()

    def _write(self, content: bytes, place: BufferTensor) -> None:
        start = 0
        for piece in _pieces(place):
            if part := content[start : start + piece["size"]]:
                self._device.queue.write_buffer(self._buffers["arena"], piece["offset"], part)
            start += piece["size"]

    def _read(self, place: BufferTensor) -> Array:
        arena, queue = self._buffers["arena"], self._device.queue
        parts = [queue.read_buffer(arena, piece["offset"], piece["size"]) for piece in _pieces(place)]
        return np.frombuffer(b"".join(parts), DTYPES[place["storage"]])


def _pieces(place: BufferTensor) -> Sequence[BufferPiece]:
    """The ranges of the arena that hold a tensor, in order."""
    return place.get("pieces") or [{"offset": place["offset"], "size": place["size"]}]
