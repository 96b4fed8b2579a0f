"""The pass pipeline of each target, as text that `webdnn-opt --pass-pipeline` takes too."""

from __future__ import annotations

from dataclasses import dataclass, replace

from webdnn.support.device import GLSL300, WGSL
from webdnn.targets.glsl.textures import MOST_ROWS, texture_bytes

GRAPH = (
    "dnn-fold-constants",
    "dnn-elide-duplicates",
    "dnn-narrow-integers",
    "dnn-absorb-moves",
    "dnn-trim-windows",
    "dnn-aggregate-constants",
    "dnn-commute-resampling",
    "dnn-elide-identities",
)
"""What every target shares: passes on the `dnn` dialect."""

NEIGHBOURS = 64
"""Points that an invocation of WGSL computes at most: so many sums fit into its registers."""

FRAGMENTS = 256
"""Fragments that keep a GPU busy, of several texels each, whose loads wait side by side."""


def graph_passes(weights: str = "f32") -> tuple[str, ...]:
    """Those of `GRAPH`, and what compresses weights to a format of `dnn-compress-weights`."""
    return (*GRAPH, *((f"dnn-compress-weights{{format={weights}}}",) if weights != "f32" else ()))


@dataclass(frozen=True)
class Pipeline:
    """How a target wants its kernels, up to functions on flat buffers.

    `panel` columns of a weight lie side by side for matrix products, rows of weights are padded to `align` elements,
    `halo` stores zeros around what windows read, `places` writes concatenated operands straight into their result,
    `max_inputs` is how many buffers a kernel may read, `alignment` that of buffers in the arena, in bytes, `integers`
    the largest integer that every language of the target computes with, `points` at how many points convolutions may
    evaluate a tile along an axis (Winograd; 1: not at all) and `room` how many bytes all tiles of one may take (0:
    any number), `phases` splits axes that are divided, `strips` is how many bytes of what kernels hand to one another
    should be alive at a time, `stage` keeps dear values that are needed twice, `decode` is how many operations a
    kernel may spend on each element of a compressed weight that it reads once, `joined` how many operands a kernel
    joins where there are no places, `siblings` makes products that read the same one kernel, `launch` is how many
    operations a kernel may repeat to spare a launch, and `neighbours` how many points an invocation computes at most.
    `memory` is how many bytes a run may hold at a time (0: as few as possible), if there is a limit, and `budget` how
    many a plan may need, if that is not the same; without a limit, less memory may cost `spend` thousandths of the
    work; `overlap` lets the buffers of one kernel lie in one another, as far as it uses other bytes of them.
    """

    target: str
    panel: int = 1
    align: int = 1
    halo: bool = False
    prologues: bool = False
    places: bool = True
    in_place: bool = True
    max_inputs: int = 64
    alignment: int = 64
    integers: int = 2**31 - 1
    pairs: bool = False
    points: int = 1
    room: int = 0
    phases: bool = False
    strips: int = 0
    stage: bool = False
    decode: int = 0
    joined: int = 7
    siblings: bool = False
    launch: int = 0
    neighbours: int = 4
    memory: int | None = None
    budget: int | None = None
    spend: int = 0
    overlap: bool = False

    @property
    def most_joined(self) -> str:
        return "" if self.joined == 7 else f"{{most={self.joined}}}"

    @property
    def tiles(self) -> str:
        return f"points={self.points}" + (f" room={self.room}" if self.room else "")

    @property
    def spare_launches(self) -> tuple[str, ...]:
        """What computes again what is cheaper than a launch, and what makes attention one kernel."""
        cost = f"launch={self.launch} max-inputs={self.max_inputs}"
        scores = f"kernel-fuse-scores{{{cost} neighbours={self.neighbours}}}"
        return (f"kernel-fuse-repeated{{{cost}}}", "kernel-hoist-factors", scores)

    @property
    def within_memory(self) -> tuple[str, ...]:
        """What keeps a limit of memory, or lowers that of a run where there is none."""
        if self.memory is None:
            return (f"kernel-lower-peak{{spend={self.spend} strips={self.strips}}}",) if self.spend else ()
        limit = self.memory if self.budget is None else self.budget
        split = f"kernel-split-rows{{limit={limit} overlay={str(self.overlap).lower()}}}"
        return (split, *(() if self.places else (f"kernel-expand-concat{self.most_joined}",)))

    def with_pieces(self) -> Pipeline:
        """For buffers that may be cut: kernels write them whole, and have bindings to spare for pieces."""
        return replace(self, places=False, max_inputs=3, joined=3)

    def passes(self) -> tuple[str, ...]:
        """The passes in order, after those of `GRAPH`."""
        return (*self.before_buffers, *self.placing, *self.from_places)

    @property
    def before_buffers(self) -> tuple[str, ...]:
        """The passes on tensors."""
        fuse = f"max-inputs={self.max_inputs} prologues={str(self.prologues).lower()} decode={self.decode}"
        return (
            "dnn-pad-empty-tensors",
            f"dnn-form-integer-products{{limit={self.integers}}}",
            "dnn-pack-nibbles",
            "dnn-hoist-invariants",
            *((f"dnn-merge-siblings{{places={str(self.places).lower()}}}",) if self.siblings else ()),
            *((f"dnn-select-algorithms{{{self.tiles}}}",) if self.points > 1 else ()),
            "convert-dnn-to-tensor-layout",
            f"tensor-layout-assign-layouts{{target={self.target}}}",
            "tensor-layout-elide-conversions",
            "convert-tensor-layout-to-kernel",
            *(() if self.places else (f"kernel-expand-concat{self.most_joined}", "kernel-expand-stacks")),
            "kernel-fold-constant-reads",
            f"kernel-fuse-producers{{{fuse}}}",
            *(("kernel-stage-repeated",) if self.stage else ()),
            "kernel-split-shared-reductions",
            *(("kernel-hoist-factors",) if self.stage else ()),
            "kernel-hoist-scales",
            "kernel-fold-initial-values",
            *(self.spare_launches if self.launch else ()),
            *(("kernel-pair-steps",) if self.pairs else ()),
            f"kernel-pack-weights{{panel={self.panel} align={self.align}{' pairs=true' if self.pairs else ''}}}",
            *((f"kernel-pack-operands{{panel={self.panel}}}",) if self.panel > 1 else ()),
            *(("kernel-pad-operands",) if self.halo else ()),
        )

    @property
    def placing(self) -> tuple[str, ...]:
        """The passes that settle the memory of a run."""
        return (
            *self.within_memory,
            f"kernel-assign-buffers{{in-place={str(self.in_place).lower()}}}",
            *((f"kernel-form-strips{{limit={self.strips}}}",) if self.strips else ()),
            f"kernel-hoist-initializers{{alignment={self.alignment}}}",
            *((f"kernel-order-computes{{alignment={self.alignment}}}",) if self.memory is None else ()),
            assign_offsets(self.alignment, self.memory, parts=self.overlap),
        )

    @property
    def from_places(self) -> tuple[str, ...]:
        """The passes on buffers that have their places."""
        return (
            *(("kernel-share-offsets",) if self.within_memory else ()),
            "kernel-form-kernels",
            "kernel-expand-outside",
            "kernel-flatten-buffers",
            *(("kernel-form-dots",) if self.pairs else ()),
            *(("kernel-split-axes",) if self.phases else ()),
            "kernel-collapse-axes",
        )


def assign_offsets(alignment: int, memory: int | None = None, *, parts: bool = False, most: int = 0) -> str:
    """The pass that places buffers; within a limit of memory perhaps in parts that live at different times.

    A device may have no arena of more than `most` bytes, if that is not 0.
    """
    within = "" if memory is None else f" parts={str(parts).lower()} enough={memory}"
    largest = f" most={most}" if most else ""
    return f"kernel-assign-offsets{{alignment={alignment}{within}{largest}}}"


WASM = Pipeline(
    "wasm",
    panel=8,
    halo=True,
    pairs=True,
    points=6,
    phases=True,
    strips=1 << 21,
    stage=True,
    decode=3,
    spend=10,
    overlap=True,
)
PIPELINES = {
    "wasm": WASM,
    "js": Pipeline("js", phases=True, stage=True, overlap=True),
    "webgpu": Pipeline(
        "wgsl",
        align=4,
        prologues=True,
        max_inputs=7,
        alignment=256,
        decode=16,
        siblings=True,
        launch=WGSL.rates.launch_operations,
        neighbours=NEIGHBOURS,
    ),
    "webgl": Pipeline(
        "glsl",
        align=4,
        prologues=True,
        places=False,
        in_place=False,
        max_inputs=7,
        integers=2**24 - 1,
        decode=16,
        siblings=True,
        launch=GLSL300.rates.launch_operations,
    ),
}
"""By the name of the backend that runs the result."""


def pipeline(backend: str) -> str:
    """All passes for a backend, from the `dnn` dialect to kernels on flat buffers."""
    return ",".join((*GRAPH, *PIPELINES[backend].passes()))


# From kernels on flat buffers to what each language's emitter spells.


def wgsl_passes(binding: int = 0, memory: int | None = None, buffer: int | None = None) -> tuple[str, ...]:
    """For WGSL, with bindings of at most so many bytes if it is not 0, perhaps within a limit of memory.

    All that a run computes lies in one buffer: devices allow `buffer` bytes, or what every one does.
    """
    return (
        "kernel-narrow-elements{storage=word}",
        *((f"kernel-split-buffers{{bytes={binding} bindings={WGSL.limits.bindings}}}",) if binding else ()),
        assign_offsets(256, memory, most=buffer or WGSL.limits.buffer_bytes or 0),
        "kernel-map-tiles",
        "kernel-map-groups{lanes=4 rows=4 subgroups=true}",
        f"kernel-map-points{{lanes=4 neighbours={NEIGHBOURS} rows=4}}",
        "kernel-expand-math{keep=exp2,trunc,roundeven,rsqrt,remsi}",
        "kernel-lower-blocks",
        "kernel-merge-lanes",
        "kernel-lower-accesses{texels=true}",
        "wgsl-legalize",
        "kernel-elide-duplicates",
    )


WGSL_PASSES = wgsl_passes()


def glsl_passes(version: int, side: int = MOST_ROWS) -> tuple[str, ...]:
    """For GLSL ES 3.00 (300) or 1.00 (100), with textures of at most so many texels a side."""
    keep, integers = ("exp2,trunc,roundeven,rsqrt", "word") if version == 300 else ("exp2,rsqrt", "float")
    return (
        f"kernel-narrow-elements{{storage=float arithmetic={integers}}}",
        "kernel-split-outputs",
        f"kernel-split-buffers{{bytes={texture_bytes(side)} bindings={GLSL300.limits.bindings}}}",
        f"kernel-assign-layers{{most={GLSL300.limits.render_targets} busy={FRAGMENTS}}}",
        f"kernel-map-points{{lanes=4 texels=true layers={str(version == 300).lower()}}}",
        f"kernel-expand-math{{keep={keep}}}",
        "kernel-lower-blocks",
        "kernel-merge-lanes{every=true}",
        "kernel-lower-accesses{texels=true}",
        f"glsl-legalize{{version={version}}}",
        "kernel-elide-duplicates",
    )


JS_FUNCTIONS = (
    *("acos", "asin", "atan", "acosh", "asinh", "atanh", "cosh", "sinh"),
    *("sin", "cos", "tan", "tanh", "cbrt", "expm1", "log10", "log1p", "powf", "round"),
    *("roundeven", "trunc", "remsi"),
)


def js_passes(memory: int | None = None) -> tuple[str, ...]:
    """For JavaScript, perhaps within a limit of memory."""
    return (
        assign_offsets(64, memory, parts=True),
        "js-select-schedule",
        "kernel-tile",
        f"kernel-expand-math{{keep={','.join(JS_FUNCTIONS)}}}",
        "kernel-lower-blocks",
        "kernel-lower-accesses",
        "js-legalize",
    )


JS_PASSES = js_passes()
