"""What passes know of a class of devices: how values lie there, what it is fast at, what it cannot exceed.

Rates matter only by their ratios: they weigh arithmetic, traffic and launches against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from webdnn.support.axis_layout import AxisLayout, Storage, row_major

KIB, MIB = 1 << 10, 1 << 20

LAUNCH_TRAFFIC = MIB
"""Bytes that a GPU moves in the time of a launch."""

BUSY = 2048
"""Invocations that keep a GPU busy: fewer take as long."""

STREAMING = 8192
"""Invocations that have enough reads under way for all of a GPU's memory bandwidth, if each waits for its own."""


@dataclass(frozen=True)
class Rates:
    """Multiply-adds and bytes a second, and the seconds that starting a kernel takes.

    Sums whose factors are fetched from textures reach `fetched` of the multiply-adds.
    """

    macs: float
    bytes: float
    launch: float
    fetched: float = 1.0

    @property
    def launch_operations(self) -> int:
        """Sums and products in the time of a launch."""
        return round(2 * self.macs * self.launch)


@dataclass(frozen=True)
class Efficiency:
    """The share of its rates that a kernel reaches, by what its vectors hold.

    `lanes`: neighbours that the operator treats alike; `crossing`: neighbours across which it reaches (a window, a
    reduction, a concatenation); `gathered`: elements that must be collected one by one.
    """

    lanes: float
    crossing: float
    gathered: float


@dataclass(frozen=True)
class Limits:
    """What no kernel may exceed; None where there is no limit."""

    bindings: int | None = None
    """Buffers, or textures, that one kernel reads and writes."""
    binding_bytes: int | None = None
    buffer_bytes: int | None = None
    binding_alignment: int = 1
    texture_extent: int | None = None
    render_targets: int | None = None
    workgroup_size: tuple[int, int, int] | None = None
    workgroup_invocations: int | None = None
    workgroup_bytes: int | None = None
    workgroups: int | None = None
    """Workgroups along one axis of a dispatch."""
    memory_bytes: int | None = None
    """What a run may hold at a time, constants left out; 0 for as little as possible."""


@dataclass(frozen=True)
class DeviceModel:
    """A class of devices; `name` is what options of passes call it."""

    name: str
    lanes: int
    """Elements of a vector."""
    align: int
    """The last stored extent of values between kernels is a multiple of this."""
    caller_align: int
    """The same of the function's arguments and results, as the runner holds them."""
    storage: Storage
    rates: Rates
    efficiency: Efficiency
    limits: Limits = field(default_factory=Limits)
    scatters: bool = False
    """May a kernel go through what it reads in order, and store its results far apart (`kernel-map-points`)?"""
    features: frozenset[str] = frozenset()
    """Such as `relaxed_simd`, `f16`, `subgroups`."""

    def caller_layout(self, rank: int) -> AxisLayout:
        """How the runner holds the function's arguments and results."""
        return row_major(rank, self.caller_align, self.storage)


WASM = DeviceModel(
    name="wasm",
    lanes=4,
    align=1,
    caller_align=1,
    storage=Storage.LINEAR,
    rates=Rates(macs=28e9, bytes=12e9, launch=1e-7),
    efficiency=Efficiency(lanes=0.95, crossing=0.4, gathered=0.12),
    features=frozenset({"relaxed_simd"}),
)

JS = replace(
    WASM,
    name="js",
    lanes=1,
    rates=Rates(macs=1.2e9, bytes=6e9, launch=1e-6),
    efficiency=Efficiency(lanes=1.0, crossing=0.8, gathered=0.7),
    features=frozenset[str](),
)

WGSL = DeviceModel(
    name="wgsl",
    lanes=4,
    align=4,
    caller_align=1,
    storage=Storage.LINEAR,
    scatters=True,
    rates=Rates(macs=500e9, bytes=35e9, launch=30e-6),
    efficiency=Efficiency(lanes=0.9, crossing=0.4, gathered=0.2),
    limits=Limits(
        bindings=8,
        binding_bytes=128 * MIB,
        buffer_bytes=256 * MIB,
        binding_alignment=256,
        workgroup_size=(256, 256, 64),
        workgroup_invocations=256,
        workgroup_bytes=16 * KIB,
        workgroups=65535,
    ),
)
"""The limits that every WebGPU implementation offers: https://www.w3.org/TR/webgpu/#limits"""

GLSL300 = DeviceModel(
    name="glsl300",
    lanes=4,
    align=4,
    caller_align=4,
    storage=Storage.TEXTURE,
    rates=Rates(macs=300e9, bytes=30e9, launch=30e-6, fetched=0.15),
    efficiency=Efficiency(lanes=0.9, crossing=0.35, gathered=0.2),
    limits=Limits(bindings=16, texture_extent=4096, render_targets=4),
)
"""WebGL 2: 16 samplers and 4 draw buffers are its least values."""

GLSL100 = replace(GLSL300, name="glsl100", limits=Limits(bindings=8, texture_extent=4096, render_targets=1))
"""WebGL 1 with float textures: 8 samplers are its least value."""

DEVICES = {device.name: device for device in (WASM, JS, WGSL, GLSL300, GLSL100)} | {"glsl": GLSL300}
"""By the names that options of passes take."""
