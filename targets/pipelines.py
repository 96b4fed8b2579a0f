"""The pass pipeline of each target, as text that `webdnn-opt --pass-pipeline` takes too."""

from __future__ import annotations

from dataclasses import dataclass

GRAPH = ("dnn-fold-constants", "dnn-fold-batch-norm", "dnn-elide-identities")
"""What every target shares: passes on the `dnn` dialect."""


@dataclass(frozen=True)
class Pipeline:
    """How a target wants its kernels, up to functions on flat buffers.

    `panel` columns of a weight lie side by side for matrix products, rows of weights are padded to `align` elements,
    `halo` stores zeros around what windows read, `places` writes concatenated operands straight into their result,
    `max_inputs` is how many buffers a kernel may read, `alignment` that of buffers in the arena, in bytes.
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

    def passes(self) -> tuple[str, ...]:
        """The passes in order, after those of `GRAPH`."""
        fuse = f"max-inputs={self.max_inputs} prologues={str(self.prologues).lower()}"
        return (
            "convert-dnn-to-tensor-layout",
            f"tensor-layout-assign-layouts{{target={self.target}}}",
            "tensor-layout-elide-conversions",
            "convert-tensor-layout-to-kernel",
            *(() if self.places else ("kernel-expand-concat",)),
            f"kernel-fuse-producers{{{fuse}}}",
            "kernel-split-shared-reductions",
            "kernel-fold-initial-values",
            f"kernel-pack-weights{{panel={self.panel} align={self.align}}}",
            *(("kernel-pad-operands",) if self.halo else ()),
            f"kernel-assign-buffers{{in-place={str(self.in_place).lower()}}}",
            f"kernel-assign-offsets{{alignment={self.alignment}}}",
            "kernel-form-kernels",
            "kernel-expand-outside",
            "kernel-flatten-buffers",
            "kernel-collapse-axes",
        )


PIPELINES = {
    "wasm": Pipeline("wasm", panel=8, halo=True),
    "js": Pipeline("js"),
    "webgpu": Pipeline("wgsl", align=4, prologues=True, max_inputs=7, alignment=256),
    "webgl": Pipeline("glsl", align=4, prologues=True, places=False, in_place=False, max_inputs=8),
}
"""By the name of the backend that runs the result."""


def pipeline(backend: str) -> str:
    """All passes for a backend, from the `dnn` dialect to kernels on flat buffers."""
    return ",".join((*GRAPH, *PIPELINES[backend].passes()))
