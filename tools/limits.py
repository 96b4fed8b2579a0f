"""The option that names what devices allow at least, so that a bundle runs on all of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from webdnn.passes.kernel.splitting.split_buffers import LEAST
from webdnn.support.device import KIB, MIB, Limits
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.glsl.textures import WIDTH
from webdnn.tools.arguments import pairs

LEAST_MEMORY = "least"
MEMORY_UNITS = {"kB": 1000, "MB": 1_000_000, "KiB": KIB, "MiB": MIB}
UNITS = {"KiB": KIB, "MiB": MIB, "GiB": KIB * MIB}
HINT = "write texture=2048 (texels a side), binding=16MiB or buffer=1GiB (bytes, KiB, MiB or GiB)"


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="what devices allow: texture=2048 texels a side (webgl; 4096 if not given), binding=16MiB for a buffer "
        "of a kernel (webgpu; if not given, what the model needs); larger tensors are cut into pieces; "
        "buffer=1GiB for all values of a run (webgpu; 256MiB if not given)",
    )


def add_memory_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memory-limit",
        metavar="SIZE",
        help="what a run may hold at a time, constants left out: 1.5MB (bytes, kB, MB, KiB or MiB), or 'least'; "
        "kernels that would need more run in strips of rows, and compute some rows twice (wasm, webgpu and js)",
    )


def memory_bytes(text: str | None) -> int | None:
    """What the option says; 0 stands for as little as possible. Raises DiagnosticError."""
    if text is None or text == LEAST_MEMORY:
        return None if text is None else 0
    unit = next((unit for unit in MEMORY_UNITS if text.endswith(unit)), "")
    try:
        found = int(float(text.removesuffix(unit)) * MEMORY_UNITS.get(unit, 1))
    except (ValueError, OverflowError):
        found = 0
    if found < 1:
        hint = "write 1.5MB (bytes, kB, MB, KiB or MiB), or least"
        raise DiagnosticError(f"--memory-limit {text} is no size", hint=hint)
    return found


def size(text: str) -> int:
    """A whole number, perhaps with a unit. Raises ValueError."""
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    return int(text.removesuffix(unit)) * UNITS.get(unit, 1)


def limits_of(given: Sequence[str], memory: str | None = None) -> Limits:
    """What the options say. Raises DiagnosticError."""
    found = pairs("--limit", given, size, hint=HINT)
    unknown = next((name for name in found if name not in ("texture", "binding", "buffer")), None)
    if unknown is not None:
        raise DiagnosticError(f"there is no limit '{unknown}'", hint=HINT)
    texture, binding, buffer = (found.get(name) for name in ("texture", "binding", "buffer"))
    if texture is not None and texture < WIDTH:
        raise DiagnosticError(f"--limit texture={texture}: textures have rows of {WIDTH}", hint=f"give {WIDTH} or more")
    if binding is not None and binding < LEAST:
        raise DiagnosticError(f"--limit binding={binding}: a vector is larger", hint=f"give {LEAST} or more")
    if buffer is not None and buffer < LEAST:
        raise DiagnosticError(f"--limit buffer={buffer}: a vector is larger", hint=f"give {LEAST} or more")
    held = memory_bytes(memory)
    return Limits(texture_extent=texture, binding_bytes=binding, buffer_bytes=buffer, memory_bytes=held)
