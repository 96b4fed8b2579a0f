"""The table of built-in choices: classes of kernels, the first of which holds a kernel gives its block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypedDict

from webdnn.support.scheduling.blocks import PLAIN, Block, Traits

Features = str
"""What the engine has: a name of FEATURES."""

FEATURES: Sequence[Features] = ("relaxed", "simd")
"""With fused multiply-add (relaxed SIMD), and without."""

Interval = tuple[int, int | None]
"""The least and the greatest number; None where there is none."""


class ClassEntry(TypedDict):
    """A class as it stands in the file: a block for each of FEATURES."""

    kind: str
    when: dict[str, list[int | None]]
    relaxed: dict[str, int | str]
    simd: dict[str, int | str]


class TableFile(TypedDict):
    """The file."""

    format: str
    version: int
    measured: dict[str, str]
    classes: list[ClassEntry]


FORMAT, VERSION = "webdnn-blocks", 1


@dataclass(frozen=True)
class KernelClass:
    """Kernels of a kind whose numbers lie in intervals, and the block that each of FEATURES takes for them."""

    kind: str
    when: Mapping[str, Interval]
    blocks: Mapping[Features, Block]

    def holds(self, traits: Traits) -> bool:
        """Is a kernel with these traits one of the class?"""
        return self.kind == traits.kind and all(
            low <= traits.numbers[name] and (high is None or traits.numbers[name] <= high)
            for name, (low, high) in self.when.items()
        )

    def spelled(self) -> str:
        """`window: stride from 2, points to 400`."""
        parts = [f"{name} {spell_interval(interval)}" for name, interval in self.when.items()]
        return f"{self.kind}: {', '.join(parts)}" if parts else self.kind


def spell_interval(interval: Interval) -> str:
    low, high = interval
    if low == high:
        return str(low)
    if high is None:
        return f"from {low}"
    return f"{low} to {high}" if low > 0 else f"to {high}"


@dataclass(frozen=True)
class Table:
    """The classes in order, and where and when they were measured."""

    measured: Mapping[str, str]
    classes: tuple[KernelClass, ...]

    def class_of(self, traits: Traits) -> KernelClass | None:
        """The first class that holds a kernel."""
        return next((found for found in self.classes if found.holds(traits)), None)

    def block(self, traits: Traits, features: Features) -> Block:
        """The block for a kernel; a plain one where no class holds it."""
        found = self.class_of(traits)
        return found.blocks[features] if found else PLAIN[traits.kind]

    @classmethod
    def parse(cls, text: str) -> Table:
        """From the text of a file."""
        content: TableFile = json.loads(text)
        assert (content["format"], content["version"]) == (FORMAT, VERSION), "the table is of another version"
        return cls(content["measured"], tuple(map(parse_class, content["classes"])))

    def text(self) -> str:
        """The text of its file, a line for each block."""
        head = {"format": FORMAT, "version": VERSION, "measured": dict(self.measured)}
        lines = json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}")
        classes = ",\n".join("\n".join(spell_class(found)) for found in self.classes)
        return f'{lines},\n  "classes": [\n{classes}\n  ]\n}}\n'


def parse_class(entry: ClassEntry) -> KernelClass:
    plain = PLAIN[entry["kind"]]
    given = {"relaxed": entry["relaxed"], "simd": entry["simd"]}
    blocks = {features: replace(plain, **numbers) for features, numbers in given.items()}
    return KernelClass(entry["kind"], {name: interval(*ends) for name, ends in entry["when"].items()}, blocks)


def interval(low: int | None, high: int | None) -> Interval:
    return (low or 0, high)


def spell_class(found: KernelClass) -> Iterator[str]:
    yield f'    {{\n      "kind": "{found.kind}",'
    yield f'      "when": {json.dumps({name: list(ends) for name, ends in found.when.items()})},'
    blocks = [f'      "{features}": {json.dumps(asdict(found.blocks[features]))}' for features in FEATURES]
    yield ",\n".join(blocks) + "\n    }"
