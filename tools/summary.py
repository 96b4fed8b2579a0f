"""What a compilation came to: operators, kernels, bytes and memory, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.signature import entries, name_of
from webdnn.passes.kernel.forming.input_ranges import magnitude_of
from webdnn.passes.kernel.memory.assign_offsets import ARENA_BOUND, ARENA_BYTES
from webdnn.passes.kernel.splitting.split_rows import DONE_AGAIN, MULTIPLY_ADDS
from webdnn.support.diagnostic import DiagnosticError

WEIGHTS = "weights/"
"""Where the files of a bundle lie that hold nothing but weights."""


@dataclass(frozen=True)
class BackendSummary:
    """One backend: distinct kernels and their launches, bytes of its files, bytes of its buffers and their least.

    `done_again` is the share of multiply-adds that are done twice to keep a limit of memory, if there is one, and
    `tiles` how many bytes all tiles of a convolution may take for its sake (0: convolutions are plain sums).
    `magnitudes` says, by language and input, how large integers may be, where that is less than memory holds.
    """

    name: str
    kernels: int
    launches: int
    weight_bytes: int
    code_bytes: int
    arena_bytes: int
    arena_bound: int
    seconds: float
    done_again: float | None = None
    tiles: int | None = None
    magnitudes: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])

    @property
    def arena_ratio(self) -> float:
        """How far the arena is from the least that any plan needs; 1 is perfect."""
        return self.arena_bytes / self.arena_bound if self.arena_bound else 1.0

    @property
    def fewer_tiles(self) -> str:
        """What the limit of memory does to the algorithms of convolutions."""
        if self.tiles is None:
            return ""
        if not self.tiles:
            return "; no tiles of convolutions (Winograd) fit in there"
        return f"; a convolution has tiles (Winograd) if they take {spell_bytes(self.tiles)} or less"

    @classmethod
    def of(
        cls, name: str, module: ModuleOp, files: Mapping[str, bytes], seconds: float, *, limited: bool = False
    ) -> BackendSummary:
        """From a module of kernels and its program, and the files that were made of it.

        `limited` says that its memory was to be.
        """
        calls = [op.callee.root_reference.data for op in module.walk() if isinstance(op, CallOp)]
        weights = sum(len(content) for path, content in files.items() if path.startswith(WEIGHTS))
        code = sum(map(len, files.values())) - weights
        arena, bound = noted(module, ARENA_BYTES), noted(module, ARENA_BOUND)
        again, macs = noted(module, DONE_AGAIN), noted(module, MULTIPLY_ADDS)
        share = again / max(1, macs) if limited else None
        return cls(name, len(set(calls)), len(calls), weights, code, arena, bound, seconds, share)


@dataclass(frozen=True)
class WeightShare:
    """Constants that are stored in one way: how, their bytes in a download, and what they are."""

    stored: str
    bytes: int
    what: str


@dataclass(frozen=True)
class Summary:
    """The whole compilation; `operators` are those that are left of the model's when all has been folded.

    `unused_schedules` are the kernels of the file of schedules that the model does not have; `left_out` the backends
    that the bundle does not run on although its targets have them, and why. `limited` says that memory was to be.
    """

    name: str
    operators: int
    backends: Sequence[BackendSummary]
    seconds: float
    unused_schedules: Sequence[str] = ()
    weights: Sequence[WeightShare] = ()
    left_out: Mapping[str, DiagnosticError] = field(default_factory=dict[str, DiagnosticError])
    limited: bool = False

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield f"{self.name}: {self.operators} operators, {self.seconds:.1f} s"
        heads = ("target", "kernels", "launches", "weights", "code", "arena", "bound", "ratio")
        rows = [
            (
                b.name,
                str(b.kernels),
                str(b.launches),
                *map(spell_bytes, (b.weight_bytes, b.code_bytes, b.arena_bytes, b.arena_bound)),
                f"{b.arena_ratio:.2f}",
            )
            for b in self.backends
        ]
        widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
        for row in (heads, *rows):
            first, *rest = (
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            yield "  ".join(["  " + first, *rest])
        for b in self.backends if self.limited else ():
            if b.done_again is None:
                yield f"  {b.name} has no limit of memory: textures are shared only where they are equally large"
            else:
                held = spell_bytes(b.arena_bytes)
                yield f"  {b.name} holds {held} at a time, for +{b.done_again:.1%} multiply-adds{b.fewer_tiles}"
        for language, limited in (pair for b in self.backends for pair in b.magnitudes.items()):
            for name, most in limited.items():
                yield f"  {language} takes integers from {-most} to {most} in '{name}', so that no result is too large"
        for share in self.weights:
            yield f"  weights {share.stored.ljust(4)} {spell_bytes(share.bytes).rjust(8)}  {share.what}"
        for kernel in self.unused_schedules:
            yield f"the model has no kernel '{kernel}': its schedule is not used"
        for backend, error in self.left_out.items():
            yield f"it does not run on {backend}: " + "; ".join(f"{p.where}: {p.what}" for p in error.problems)


def noted(module: ModuleOp, attribute: str) -> int:
    """A number that a pass has noted on the function of calls; 0 where there is none."""
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and isinstance(found := op.attributes.get(attribute), IntegerAttr):
            return found.value.data
    return 0


def magnitudes(module: ModuleOp) -> dict[str, int]:
    """By the name of an input, the greatest magnitude that a run takes of its integers."""
    found: dict[str, int] = {}
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and not op.is_declaration:
            for i, attributes in enumerate(entries(op.arg_attrs, len(op.body.block.args))):
                if (most := magnitude_of(attributes)) is not None:
                    found[name_of(attributes, f"input{i}")] = most
    return found


def operator_count(module: ModuleOp) -> int:
    """The operators of a module of the `dnn` dialect, constants left out."""
    return sum(isinstance(op, DnnOp) and not isinstance(op, ConstantOp) for op in module.walk())


def spell_bytes(count: int) -> str:
    """`35.5 kB`; decimal, as download sizes are."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e6:.1f} MB"
