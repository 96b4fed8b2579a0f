"""What WebDNN registers: the one list of its dialects, passes, targets and stages, each loaded only when asked for.

Every entry is `"name": "module:Object"`. The entry point `xdsl.universe` makes dialects, passes and targets known
to `webdnn-opt` and to plain `xdsl-opt`; documentation and tests walk the same tables.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import TypeVar

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.target import Target

from webdnn.support.legality import Stage

DIALECTS: dict[str, str] = {
    "dnn": "webdnn.dialects.dnn:DNN",
    "tensor_layout": "webdnn.dialects.tensor_layout:TENSOR_LAYOUT",
    "kernel": "webdnn.dialects.kernel:KERNEL",
}
"""Dialect name → its `Dialect` object; from the highest level to the lowest."""

PASSES: dict[str, str] = {}
"""Pass name → its `ModulePass` class; by level, in the order in which the pipelines run them."""

TARGETS: dict[str, str] = {}
"""Target name → its `Target` class; all are called `webdnn-…`, because xDSL owns `wgsl` and `wat`."""

STAGES: dict[str, str] = {}
"""Stage name → its `Stage` object; a pass names stages in `stage_before` and `stage_after` (`support/legality.py`)."""

Registered = TypeVar("Registered")


def _load(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _instance(kind: type[Registered], path: str) -> Registered:
    found = _load(path)
    assert isinstance(found, kind), f"{path} is not a {kind.__name__}"
    return found


def _subclass(base: type[Registered], path: str) -> type[Registered]:
    found = _load(path)
    assert isinstance(found, type), f"{path} is not a class"
    assert issubclass(found, base), f"{path} is not a subclass of {base.__name__}"
    return found


def lazily(table: Mapping[str, str], load: Callable[[str], Registered]) -> dict[str, Callable[[], Registered]]:
    """Turn a table of paths into a table of factories that import nothing before they are called."""
    return {name: partial(load, path) for name, path in table.items()}


WEBDNN_UNIVERSE = Universe(
    all_dialects=lazily(DIALECTS, partial(_instance, Dialect)),
    all_passes=lazily(PASSES, partial(_subclass, ModulePass)),
    all_targets=lazily(TARGETS, partial(_subclass, Target)),
)
ALL_STAGES = lazily(STAGES, partial(_instance, Stage))
