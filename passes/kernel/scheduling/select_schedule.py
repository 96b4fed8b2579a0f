"""`kernel-select-schedule`: how each kernel runs on a CPU with vectors: its register block, lanes, loops and unrolling.

Blocks come from a table by kind and class of kernel, which `webdnn tune --builtin` measures; a file of schedules comes
before it (docs/schedules.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from webdnn.dialects.kernel.structure import ComputeOp, FuncOp
from webdnn.passes.kernel.scheduling.choice import choose
from webdnn.passes.kernel.scheduling.file import HINT, Entry, Schedules
from webdnn.passes.kernel.scheduling.fit import misfit
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.signature import signature
from webdnn.support.diagnostic import DiagnosticError, fail
from webdnn.support.scheduling.blocks import Block, ProductBlock, Traits
from webdnn.support.scheduling.table import FEATURES, Features, Table

BUILTIN = files("webdnn") / "passes/kernel/scheduling/builtin.json"


@cache
def builtin_table() -> Table:
    """The table of the package."""
    return Table.parse(BUILTIN.read_text())


def default_plan(compute: ComputeOp, features: Features, lanes: int = 4, blocks: bool = True) -> Plan:
    """The plan that the table gives; without `blocks`, products have one row at a time."""

    def block_of(traits: Traits) -> Block:
        block = builtin_table().block(traits, features)
        return block if blocks or not isinstance(block, ProductBlock) else replace(block, rows=1, merged=False)

    return choose(compute, block_of, lanes)


def computes(module: ModuleOp) -> Iterator[ComputeOp]:
    """The computes of a module's kernels."""
    for function in module.body.block.ops:
        if isinstance(function, FuncOp):
            yield from (op for op in function.body.block.ops if isinstance(op, ComputeOp))


@dataclass(frozen=True)
class KernelSelectSchedulePass(ModulePass):
    """Attach a schedule to every compute, for vectors of `lanes` on engines with these `features`.

    Only this pass decides; `kernel-merge-rows`, `kernel-tile` and `kernel-lower-blocks` do what the attributes say.

    Before:

        kernel.compute (%m = 196, %n = 256) { … kernel.reduce add (%k = 1024) … }

    After:

        kernel.compute (%m = 196, %n = 256) schedule #kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4> {
          … kernel.reduce add (%k = 1024) … unroll #kernel.unroll<[2]> … }

    `features` is `relaxed`, with fused multiply-add, or `simd`. A kernel that has an entry in the file `schedules` runs
    as that says. Without `blocks`, products compute one row at a time: what register blocks are measured against.

    Leaves alone: computes that have a schedule already. Run after `kernel-collapse-axes`.
    """

    name = "kernel-select-schedule"
    lanes: int = 4
    features: str = "relaxed"
    schedules: str = ""
    blocks: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.features not in FEATURES:
            hint = f"name one of {', '.join(FEATURES)}"
            raise DiagnosticError(f"there are no schedules for features '{self.features}'", hint=hint)
        given = self.given()
        for compute in computes(op):
            if compute.schedule is None:
                self.plan(compute, given).apply(compute)

    def given(self) -> Schedules:
        """The content of the file. Raises DiagnosticError."""
        return Schedules.read(Path(self.schedules)) if self.schedules else Schedules({})

    def plan(self, compute: ComputeOp, given: Schedules) -> Plan:
        """The plan of the file, or that of the table. Raises DiagnosticError."""
        entry = given.entry(signature(compute), self.features) if given.kernels else None
        if entry is None:
            return default_plan(compute, self.features, self.lanes, self.blocks)
        if problem := misfit(compute, entry.plan):
            what = f"cannot run as {self.schedules} says of '{signature(compute)}', {self.features}: {problem}"
            fail(compute, what, hint=HINT)
        return entry.plan


def schedules_of(module: ModuleOp, given: str = "") -> Schedules:
    """The schedules that the computes of a module get, for all features; the module stays as it is."""
    found: dict[str, dict[Features, Entry]] = {}
    for features in FEATURES:
        selection = KernelSelectSchedulePass(features=features, schedules=given)
        read = selection.given()
        for compute in computes(module):
            entry = Entry(Plan.of(compute) or selection.plan(compute, read))
            found.setdefault(signature(compute), {})[features] = entry
    return Schedules(found)
