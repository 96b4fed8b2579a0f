"""Checks the builds of a model, and times them in turn in one page; what one page cannot hold is timed in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from tempfile import TemporaryDirectory

from webdnn.frontends.onnx.importer import import_onnx
from webdnn.frontends.onnx.inputs import Dims
from webdnn.runner.python.bundle import open_bundle
from webdnn.runner.python.chromium import Browser
from webdnn.runner.python.session import Session
from webdnn.runner.python.sizes import Inputs
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.rules import CPU_RULES, Rule
from webdnn.tools.ablation.builds import Built, built, cases
from webdnn.tools.ablation.results import NOTHING, SHORTEST_SAMPLE, TWIN, Build, Model
from webdnn.tools.bench.measure import Answer, ask, compared, described
from webdnn.tools.bench.subject import Subject
from webdnn.tools.commands.run import random_inputs
from webdnn.tools.comparison import EXACT, Comparison, compare
from webdnn.tools.oracle import Oracle

PAGE_MEMORY = 2 << 30
"""Bytes that the models of one page may need together."""

TURNS = 3
"""Pages that are opened one after another with the same builds: an instance may lie badly in memory for its life."""

BUDGET = 6000
"""Milliseconds: a build whose samples took so long is sampled no more, a share of it in each turn."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Laboratory:
    """Where and how long builds run."""

    browser: Browser
    threads: int
    rounds: int
    tell: Tell
    rules: Sequence[Rule] = CPU_RULES

    def model(self, path: Path, dims: Dims, constants: Mapping[str, Array]) -> Model:
        """All builds of a model, measured. Raises DiagnosticError where it cannot be compiled."""
        module = import_onnx(path, dims=dims, constants=constants)
        with TemporaryDirectory() as scratch:
            found: list[Built] = []
            records: dict[str, Build] = {}
            for i, (name, rules) in enumerate(cases(self.rules)):
                try:
                    it = built(module, name, rules, self.threads, Path(scratch) / str(i))
                except DiagnosticError as error:
                    if name == NOTHING:
                        raise
                    records[name] = record(name, failure=error.what)
                    continue
                records[name] = record_of(it)
                found.append(it)
                self.tell(f"{path.stem}, without {name}: compiled in {it.summary.seconds:.1f} s")
            noise = self.measure(subject_of(path, found[0], constants), found, records, Path(scratch))
            return Model(name=path.stem, noise=noise, builds=list(records.values()))

    def measure(self, subject: Subject, found: Sequence[Built], records: Mapping[str, Build], scratch: Path) -> float:
        """Note the times of all builds that differ from the full one, and are right; the noise."""
        first = found[0]
        timed: list[Built] = []
        for it in found:
            of_it = records[it.without]
            of_it["same"] = it is not first and it.digest == first.digest
            if of_it["same"]:
                continue
            note(of_it, checked(it, subject))
            if not of_it["failure"]:
                timed.append(it)
            self.tell(f"{subject.name}, without {it.without}: {of_it['failure'] or 'right'}")
        return max((self.time(page, subject, records, scratch) for page in pages(timed)), default=0.0)

    def time(self, page: Sequence[Built], subject: Subject, records: Mapping[str, Build], scratch: Path) -> float:
        """Time builds in one page, the full one among them and twice, and note what comes of it; the noise."""
        server = self.browser.server
        mounts = {"/inputs/": scratch, **{f"/build{i}/": it.directory for i, it in enumerate(page)}}
        for prefix, directory in mounts.items():
            server.mount(prefix, directory)
        where: dict[str, object] = {"backend": "wasm", "threads": self.threads}
        lanes = [(it.without, i) for i, it in enumerate(page)] + [(TWIN, 0)]
        engines: list[dict[str, object]] = [
            {"name": name, "script": "/bench/webdnn.js", "options": {"url": f"/build{i}/", **where}}
            for name, i in lanes
        ]
        limits = {"rounds": -(-self.rounds // TURNS), "budget": BUDGET / TURNS, "shortest": SHORTEST_SAMPLE}
        plan = {"model": described(subject, scratch), **limits}
        try:
            turns = [ask(self.browser, {**plan, "engines": rotated(engines, turn)}) for turn in range(TURNS)]
        finally:
            for prefix in mounts:
                server.unmount(prefix)
        answers = [answer for turn in turns for answer in turn]
        full = min(minima(answers, NOTHING), default=0.0)
        for answer in answers:
            if answer["name"] != TWIN:
                note_times(records[answer["name"]], answer, full, subject)
        for name, _ in lanes:
            self.tell(f"{subject.name}, without {name}: {min(minima(answers, name), default=0.0):.3f} ms")
        alike = [[*minima(answers, NOTHING), *minima(answers, TWIN)], *(minima(answers, it.without) for it in page[1:])]
        return max(map(noise_of, alike))


def rotated(engines: Sequence[dict[str, object]], turn: int) -> Sequence[dict[str, object]]:
    """Another one is loaded first in each turn: it is the one that a page loads slowly."""
    first = turn * len(engines) // TURNS
    return [*engines[first:], *engines[:first]]


def minima(answers: Sequence[Answer], name: str) -> list[float]:
    """The fastest run of each instance of a build."""
    return [min(answer["times"]) for answer in answers if answer["name"] == name and answer["times"]]


def noise_of(instances: Sequence[float]) -> float:
    """By how much an instance of the same build is slower than the fastest one: half are slower by no more."""
    return median_high(instances) / min(instances) - 1 if instances else 0.0


def pages(timed: Sequence[Built]) -> Iterator[Sequence[Built]]:
    """Builds that one page can hold, the full one in each, of which there are two."""
    if not timed or timed[0].without != NOTHING:
        return
    first, *rest = timed
    page = [first]
    for it in rest:
        if len(page) > 1 and sum(other.memory for other in (first, *page, it)) > PAGE_MEMORY:
            yield page
            page = [first]
        page.append(it)
    yield page


def subject_of(path: Path, full: Built, constants: Mapping[str, Array]) -> Subject:
    """The model with inputs, and what onnxruntime makes of them."""
    manifest = open_bundle(full.directory).manifest
    feeds = {**constants, **random_inputs(Inputs.of(manifest), 0)}
    oracle = Oracle(path)
    return Subject(path.stem, full.directory, manifest, path, feeds, oracle.run(feeds), oracle.steps(feeds))


def checked(it: Built, subject: Subject) -> list[Comparison]:
    """How far the outputs of a build in wasmtime are from those of onnxruntime."""
    assert subject.expected is not None
    with Session(it.directory) as session:
        names = {tensor["name"] for tensor in session.inputs}
        outputs = session.run({name: array for name, array in subject.feeds.items() if name in names})
    steps = subject.steps
    return [compare(outputs[name], subject.expected[name], steps=steps.get(name, 0.0)) for name in outputs]


def record(without: str, failure: str = "") -> Build:
    """A build of which nothing is known yet."""
    numbers = dict.fromkeys(("kernels", "launches", "moved", "arena", "download"), 0)
    return Build(
        without=without, same=False, failure=failure, error=0.0, times=[], full=0.0, start=0.0, seconds=0.0, **numbers
    )


def record_of(it: Built) -> Build:
    summary = it.summary
    found = record(it.without)
    found["kernels"], found["launches"] = summary.kernels, summary.launches
    found["moved"], found["arena"] = it.moved, summary.arena_bytes
    found["download"], found["seconds"] = summary.weight_bytes + summary.code_bytes, summary.seconds
    return found


def note(build: Build, comparisons: Sequence[Comparison]) -> None:
    """Note the largest error, and that a result is wrong."""
    build["error"] = max([build["error"], *(c.absolute for c in comparisons)])
    if not all(c.within for c in comparisons):
        build["failure"] = f"WRONG RESULT: largest error {build['error']:.3g}"


def note_times(build: Build, answer: Answer, full: float, subject: Subject) -> None:
    """Note the times of a page; the full build is in several, and its fastest run counts."""
    if answer["failure"]:
        build["failure"] = answer["failure"]
        return
    note(build, compared(answer["outputs"], subject, EXACT))
    build["times"] += answer["times"]
    start = answer["load"] + answer["first"]
    build["start"] = min(build["start"], start) if build["start"] else start
    build["full"] = min(build["times"]) if build["without"] == NOTHING else full
