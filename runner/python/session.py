"""A loaded model: the same interface over every engine that can run a bundle."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from webdnn.runner.python.bundle import Bundle, open_bundle
from webdnn.runner.python.error import SessionError
from webdnn.runner.python.manifest import Dimension, Tensor
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import Array


class Executor(Protocol):
    """A model on an engine; arrays are in the order of the manifest, inputs the model's own, checked, of any size."""

    @property
    def backend(self) -> str:
        """What computes: a backend of the bundle, or the engine's name."""
        ...

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """Compute the outputs."""
        ...

    def close(self) -> None:
        """Free what the model holds."""
        ...


class Engine(Protocol):
    """Something that runs bundles."""

    def open(self, bundle: Bundle) -> Executor:
        """Load a bundle, or raise a `SessionError`."""
        ...


def _wasmtime(option: str) -> Engine:
    from webdnn.runner.python.wasmtime_engine import Wasmtime

    if option not in ("", "simd"):
        raise SessionError(f"there is no engine 'wasmtime:{option}'", "name wasmtime or wasmtime:simd")
    return Wasmtime(relaxed_simd=option != "simd")


def _chromium(option: str) -> Engine:
    from webdnn.runner.python.chromium import Chromium

    return Chromium(backend=option or None)


def _wgpu(option: str) -> Engine:
    from webdnn.runner.python.wgpu_engine import Wgpu

    if option not in ("", "alone", "together", "subgroups"):
        hint = "name wgpu, wgpu:alone, wgpu:together or wgpu:subgroups"
        raise SessionError(f"there is no engine 'wgpu:{option}'", hint)
    return Wgpu(option or None)


_ENGINES: dict[str, Callable[[str], Engine]] = {"wasmtime": _wasmtime, "chromium": _chromium, "wgpu": _wgpu}


def register_engine(name: str, make: Callable[[str], Engine]) -> None:
    """Let sessions name another engine; `make` is given what follows the colon in "name:option"."""
    _ENGINES[name] = make


def engine_names() -> list[str]:
    """The engines that a session can name."""
    return sorted(_ENGINES)


class Session:
    """A model that is ready to run; a context manager.

    `engine` is an `Engine`, or a name: "wasmtime" ("wasmtime:simd" without relaxed SIMD), "chromium" or
    "chromium:webgl2" (any backend of the browser runner), "wgpu" ("wgpu:alone", "wgpu:together" or
    "wgpu:subgroups" with kernels whose invocations work so), or what `register_engine` added.
    """

    def __init__(self, directory: Path | str, engine: str | Engine = "wasmtime") -> None:
        bundle = open_bundle(Path(directory))
        self._inputs = Inputs.of(bundle.manifest)
        self.inputs: Sequence[Tensor] = self._inputs.own
        self.dimensions: Sequence[Dimension] = self._inputs.dimensions
        self.outputs: Sequence[Tensor] = bundle.manifest["outputs"]
        chosen = _engine_named(engine) if isinstance(engine, str) else engine
        self._executor: Executor | None = chosen.open(bundle)

    @property
    def backend(self) -> str:
        """What computes, such as "webgl2" or "wasm"."""
        return self._open().backend

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name. Raises SessionError where inputs do not fit, or disagree about a size."""
        executor = self._open()
        results = executor.run(self._inputs.in_order(inputs))
        return {tensor["name"]: result for tensor, result in zip(self.outputs, results, strict=True)}

    def close(self) -> None:
        """Free what the session holds; a closed session cannot run."""
        if self._executor:
            self._executor.close()
        self._executor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Executor:
        if self._executor is None:
            raise SessionError("the session is closed", "open a new one")
        return self._executor


def _engine_named(text: str) -> Engine:
    name, _, option = text.partition(":")
    if name not in _ENGINES:
        raise SessionError(f"there is no engine {name!r}", f"the engines are {', '.join(engine_names())}")
    return _ENGINES[name](option)
