"""The whole schedule of a compute: how its points run, and how each of its reductions does."""

from __future__ import annotations

from dataclasses import dataclass

from webdnn.dialects.kernel.attributes import ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.structure import ComputeOp
from webdnn.passes.kernel.scheduling.reach import reductions


@dataclass(frozen=True)
class Plan:
    """A schedule, and the unrolling of each reduction in the order of `reductions`; None is one step at a time."""

    schedule: ScheduleAttr
    unrolls: tuple[UnrollAttr | None, ...]

    @classmethod
    def of(cls, compute: ComputeOp) -> Plan | None:
        """What a compute says; None where it has no schedule."""
        found = tuple(reduce.unroll for reduce in reductions(compute))
        return None if compute.schedule is None else cls(compute.schedule, found)

    def apply(self, compute: ComputeOp) -> None:
        """Let the compute run so."""
        compute.schedule = self.schedule
        for reduce, unroll in zip(reductions(compute), self.unrolls, strict=True):
            reduce.unroll = unroll
