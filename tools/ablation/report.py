"""The report of an ablation, for a terminal and as a page: how it was measured, a table for each model, the rules."""

from __future__ import annotations

from collections.abc import Iterator

from webdnn.targets.rules import CPU_RULES, REQUIRED
from webdnn.tools.ablation.results import SHORTEST_SAMPLE, Ablation, Build, Model, complaints, fastest, losses, ratio
from webdnn.tools.bench.results import Machine, spell_threads
from webdnn.tools.bench.table import Table, spell_number
from webdnn.tools.summary import spell_bytes

METHOD = (
    "Each row is a build for wasm without one optimisation, `nothing` the full build, `everything` one without any. "
    "Builds run in turn in one page, sample by sample, after warming up, and again in two fresh pages, for an "
    "instance may lie badly in memory; what one page cannot hold runs in several, the full build in each. A sample is "
    "the mean of as many runs as take {shortest} ms, since the first finds the caches as other builds left them. A "
    "time is that of the fastest of up to {rounds} samples, on {threads}; a ratio is that time over the fastest sample "
    "of the full build in the same page: above 1, the optimisation gains. The full build runs twice in each page. "
    "Noise is by how much the slower half of the instances of one build are behind its fastest, of any build. The "
    "start is the time from the first script to the first result. All outputs of it were compared with those of "
    "onnxruntime before it was timed, and after. What is moved are the bytes that all launches of a run read and "
    "write; a download is the weights and the module."
)

HEADS = ("without", "ms", "ratio", "start", "kernels", "launches", "moved", "arena", "download", "compiled in")


def text(found: Ablation) -> Iterator[str]:
    """The report for a terminal."""
    yield setting(found)
    for model in found["models"]:
        yield ""
        yield from table(model).text()
    if wrong := list(complaints(found["models"])):
        yield from ("", *wrong)


def markdown(found: Ablation, chart: str | None = None) -> Iterator[str]:
    """The report as a page; `chart` is where its picture lies, relative to it."""
    yield from ("# What each optimisation gains", "", "`webdnn ablate --markdown` writes this page.", "")
    yield from (method(found), "", f"- {setting(found)}", "")
    if chart:
        yield from (f"![Ratios of all builds to the full one]({chart})", "")
    for model in found["models"]:
        yield from table(model).markdown()
        yield ""
    yield from rules().markdown()
    yield ""
    yield from required().markdown()
    if wrong := list(complaints(found["models"])):
        yield from ("", "## What went wrong", "", *(f"- {line}" for line in wrong))


def method(found: Ablation) -> str:
    """How it was measured, in a paragraph."""
    return METHOD.format(rounds=found["rounds"], threads=spell_threads(found["threads"]), shortest=SHORTEST_SAMPLE)


def setting(found: Ablation) -> str:
    """Where it was measured, in a line."""
    machine: Machine = found["machine"]
    return f"{machine['cpu']}, {machine['system']}; Chromium {machine['browser']}; {found['date']}"


def table(model: Model) -> Table:
    """The builds of a model; those that equal the full one are named below."""
    rows = [row(build) for build in model["builds"] if not build["same"]]
    same = [build["without"] for build in model["builds"] if build["same"]]
    remarks = [f"Nothing changes without {', '.join(same)}."] if same else []
    return Table(model["name"], HEADS, rows, range(1, len(HEADS)), " ".join([*remarks, verdict(model)]))


def verdict(model: Model) -> str:
    """Whether the full build is the fastest, in a sentence."""
    faster = [f"without {build['without']}" for build in losses(model)]
    noise = f"noise, which is {model['noise']:.1%}"
    if faster:
        return f"The full build is slower than that {' and that '.join(faster)}, by more than {noise}."
    return f"No build is faster than the full one by more than {noise}."


def row(build: Build) -> list[str]:
    return [
        build["without"],
        "failed" if build["failure"] else spell_number(fastest(build)),
        spell_number(ratio(build)),
        spell_number(build["start"] or None),
        *(str(build["kernels"]), str(build["launches"])),
        *map(spell_bytes, (build["moved"], build["arena"], build["download"])),
        f"{build['seconds']:.1f} s",
    ]


def rules() -> Table:
    """Every rule, what it gains, and the changes of the pipeline that leave it out."""
    rows = [(rule.name, rule.gain, f"`{rule.changes}`") for rule in CPU_RULES]
    return Table("The rules", ("rule", "what it gains", "is left out by"), rows, range(0))


def required() -> Table:
    """The passes that are no rules."""
    rows = [(f"`{name}`", reason) for name, reason in REQUIRED.items()]
    return Table("What cannot be left out", ("pass", "because"), rows, range(0))
