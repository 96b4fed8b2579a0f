"""The chart of an ablation: for each model a column of bars, one for each rule, as long as its ratio's logarithm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import log
from statistics import geometric_mean

from webdnn.tools.ablation.results import EVERYTHING, NOTHING, Ablation, Build, Model, fastest, ratio
from webdnn.tools.bench.table import spell_number

ROW, HEAD, LABEL, COLUMN, GAP, FOOT = 22, 46, 260, 190, 14, 30
"""Pixels: of a row, the heads above, the names of rules, a model, between models, and below."""

BAR, NUMBER = 13, 52
"""Pixels: the height of a bar, and the room for the number behind it."""

STYLE = """
svg { font: 12px system-ui, sans-serif; fill: #1f2328; background: #fff; }
.head { font-weight: 600; } .faint { fill: #59636e; } .line { stroke: #d1d9e0; }
.gain { fill: #0969da; } .none { fill: #818b98; } .loss { fill: #bc4c00; }
@media (prefers-color-scheme: dark) {
  svg { fill: #e6edf3; background: #0d1117; } .faint { fill: #9198a1; } .line { stroke: #3d444d; }
  .gain { fill: #4493f8; } .none { fill: #656c76; } .loss { fill: #f0883e; }
}
"""


@dataclass(frozen=True)
class Scale:
    """From a ratio to pixels."""

    largest: float
    smallest: float

    @property
    def zero(self) -> float:
        """Where bars begin."""
        return self.length(1 / self.smallest)

    def length(self, value: float) -> float:
        """Of a bar, to either side."""
        return abs(log(value)) / log(self.largest / self.smallest) * (COLUMN - NUMBER)


def svg(found: Ablation) -> str:
    """The picture, for light and dark pages."""
    models = found["models"]
    names = order(models)
    width, height = LABEL + len(models) * (COLUMN + GAP), HEAD + len(names) * ROW + FOOT
    parts = [f"<style>{STYLE}</style>", *labels(names)]
    for i, model in enumerate(models):
        parts += column(model, names, LABEL + i * (COLUMN + GAP), height)
    parts.append(f'<text class="faint" x="8" y="{height - 10}">{escape(CAPTION)}</text>')
    title = "<title>What each optimisation gains</title>"
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">{title}{"".join(parts)}</svg>\n'


CAPTION = "Time without the rule ÷ time with every rule, logarithmic; ms of the full build under each name; · no change"


def order(models: Sequence[Model]) -> list[str]:
    """What is left out somewhere to some effect, by how much it gains; last the build without any rule."""
    ratios: dict[str, list[float]] = {}
    for model in models:
        for build in model["builds"]:
            value = 1.0 if build["failure"] else ratio(build)
            if value is not None and build["without"] != NOTHING:
                ratios.setdefault(build["without"], []).append(value)
    means = {name: geometric_mean([*values, *[1.0] * (len(models) - len(values))]) for name, values in ratios.items()}
    return sorted(means, key=lambda name: (name == EVERYTHING, -means[name]))


def labels(names: Sequence[str]) -> Iterator[str]:
    """The names of the rules, and a line above the last."""
    for i, name in enumerate(names):
        text = name if name == EVERYTHING else f"without {name}"
        yield f'<text x="{LABEL - 10}" y="{HEAD + i * ROW + 15}" text-anchor="end">{escape(text)}</text>'


def column(model: Model, names: Sequence[str], x: float, height: int) -> Iterator[str]:
    """The bars of a model."""
    builds = {build["without"]: build for build in model["builds"]}
    ratios = [value for build in builds.values() if (value := ratio(build)) is not None]
    scale = Scale(max([1.1, *ratios]), min([1.0, *ratios]))
    yield f'<text class="head" x="{x}" y="18">{escape(model["name"])}</text>'
    yield f'<text class="faint" x="{x}" y="34">{spell_number(fastest(builds[NOTHING]))} ms</text>'
    axis = x + scale.zero
    yield f'<line class="line" x1="{axis}" x2="{axis}" y1="{HEAD - 4}" y2="{height - FOOT}"/>'
    for i, name in enumerate(names):
        yield from bar(builds.get(name), axis, HEAD + i * ROW, scale, model["noise"])


def bar(build: Build | None, axis: float, y: float, scale: Scale, noise: float) -> Iterator[str]:
    """One bar, and its number behind it."""
    value = ratio(build) if build else None
    if build is None or value is None:
        text = "failed" if build and build["failure"] else "·"
        yield f'<text class="faint" x="{axis + 6:.1f}" y="{y + 15}">{text}</text>'
        return
    kind = "gain" if value > 1 + noise else "loss" if value < 1 - noise else "none"
    length = scale.length(value)
    left, right = (axis, axis + length) if value > 1 else (axis - length, axis)
    tip = f"<title>{escape(build['without'])}: {spell_number(fastest(build))} ms</title>"
    width = max(right - left, 1.0)
    yield f'<rect class="{kind}" x="{left:.1f}" y="{y + 4}" width="{width:.1f}" height="{BAR}">{tip}</rect>'
    yield f'<text x="{right + 5:.1f}" y="{y + 15}">{spell_number(value)}</text>'
