"""Which operations may remain after each stage of the compiler: a table per stage, and its check.

A pass states its place with the class attributes `stage_before` and `stage_after`, the names of the stages
that must hold where it starts and where it ends (both optional). `webdnn-opt --verify-each` checks them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from webdnn.support.diagnostic import Diagnostics, fail


def anything(_: Operation) -> bool:
    """The condition of a stage that judges operations by their names alone."""
    return True


@dataclass(frozen=True)
class Stage:
    """A point between passes, and the operations that may stand there.

    `legal` holds names (`scf.for`) and whole dialects (`arith.*`); `illegal` takes exceptions out of them.
    `condition` refuses what a name cannot tell, such as a `kernel.read` that still has an `outside` value.
    `lowered_by` names the pass that removes what is illegal here: it becomes the hint.
    """

    name: str
    legal: tuple[str, ...]
    illegal: tuple[str, ...] = ()
    condition: Callable[[Operation], bool] = anything
    lowered_by: str | None = None

    def allows(self, op: Operation) -> bool:
        """Whether `op` may stand at this point."""
        return _matches(op.name, self.legal) and not _matches(op.name, self.illegal) and self.condition(op)


class StagesOf(NamedTuple):
    """The names of the stages that hold before and after a pass, as far as it states them."""

    before: str | None
    after: str | None


def stages_of(module_pass: ModulePass | type[ModulePass]) -> StagesOf:
    """Read the stages that a pass states; a pass that may run anywhere states none."""
    return StagesOf(_stage_name(module_pass, "stage_before"), _stage_name(module_pass, "stage_after"))


def illegal_operations(module: ModuleOp, stage: Stage) -> Iterator[Operation]:
    """The operations inside `module` that may not stand at `stage`, in the order of the text."""
    return (op for op in module.walk() if op is not module and not stage.allows(op))


def verify_stage(module: ModuleOp, stage: Stage) -> None:
    """Raise a diagnostic that names the first operation which is illegal at `stage`."""
    for op in illegal_operations(module, stage):
        fail(op, _problem(stage), hint=_hint(stage))


def verify_stage_fully(module: ModuleOp, stage: Stage) -> None:
    """Raise one diagnostic that names every operation which is illegal at `stage`."""
    found = Diagnostics()
    for op in illegal_operations(module, stage):
        found.add(op, _problem(stage), hint=_hint(stage))
    found.raise_if_any()


def _problem(stage: Stage) -> str:
    return f"is not legal at stage '{stage.name}'"


def _hint(stage: Stage) -> str:
    if stage.lowered_by is not None:
        return f"run '{stage.lowered_by}' first"
    return f"legal there: {', '.join(stage.legal)}" + (f"; except {', '.join(stage.illegal)}" if stage.illegal else "")


def _matches(name: str, entries: tuple[str, ...]) -> bool:
    dialect = name.partition(".")[0]
    return name in entries or f"{dialect}.*" in entries


def _stage_name(module_pass: ModulePass | type[ModulePass], attribute: str) -> str | None:
    name: object = getattr(module_pass, attribute, None)
    assert name is None or isinstance(name, str), f"{module_pass.name}.{attribute} is not the name of a stage"
    return name
