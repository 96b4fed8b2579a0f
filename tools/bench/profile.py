"""Profiles a model on our wasm backend, on one thread: the time of every launch, beside what it computes and moves."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import TypedDict

from playwright.sync_api import Error as PlaywrightError

from webdnn.runner.python.chromium import Browser
from webdnn.runner.python.sizes import Inputs
from webdnn.runner.python.tensors import from_bytes
from webdnn.support.diagnostic import DiagnosticError, place
from webdnn.targets.program import Call, Loop, runs_of
from webdnn.targets.wasm.instrument import Instrumented
from webdnn.targets.wasm.memory import PAGE
from webdnn.targets.wasm.variants import VARIANTS, Variant
from webdnn.tools.bench.cost import cost_of
from webdnn.tools.bench.measure import compared, open_page, page_failure
from webdnn.tools.bench.peak import peaks
from webdnn.tools.bench.results import Kernel, Launch, Profile
from webdnn.tools.bench.subject import Settings, Subject
from webdnn.tools.compiler import wasm_kernels
from webdnn.tools.context import new_context

FOLDER = "profile"

CLOCK_STEP = 0.005
"""Milliseconds, in pages that are isolated: https://developer.chrome.com/blog/cross-origin-isolated-hr-timers"""


class Answer(TypedDict):
    """What the page tells: when the launches of every run begin, in milliseconds, and when the last one ends."""

    runs: list[list[float]]
    outputs: list[str]
    peak: float


def profiled(browser: Browser, subject: Subject, settings: Settings, scratch: Path) -> Profile:
    """Build the instrumented module, and time it. Raises DiagnosticError."""
    if subject.model is None:
        hint = "name the model that the bundle was compiled from"
        raise DiagnosticError("a bundle cannot be profiled", where=subject.name, hint=hint)
    chosen = next(v for v in VARIANTS if v.name == settings.features)
    variant = replace(chosen, schedules=settings.schedules)
    module = instrumented(subject.model, variant, settings)
    folder = scratch / FOLDER
    folder.mkdir()
    plan = planned(module, variant, subject, folder)
    browser.server.mount(f"/{FOLDER}/", folder)
    page = open_page(browser)
    try:
        answer: Answer = page.evaluate("(plan) => import('/bench/profile.js').then((it) => it.profile(plan))", plan)
    except PlaywrightError as error:
        raise page_failure(error) from error
    finally:
        page.close()
        browser.server.unmount(f"/{FOLDER}/")
    outputs = filled_outputs(answer["outputs"], subject)
    within = all(comparison.within for comparison in compared([outputs], subject, settings.weights))
    return summed(subject.name, variant.name, module, answer, within)


def filled_outputs(encoded: Sequence[str], subject: Subject) -> list[str]:
    """The model's own outputs, as far as the run has filled them, from all that lie in memory; in base64."""
    tensors = subject.manifest["outputs"]
    arrays = from_bytes(tensors, [bytearray(base64.b64decode(text)) for text in encoded])
    named = zip([tensor["name"] for tensor in tensors], arrays, strict=True)
    own = {tensor["name"] for tensor in subject.outputs}
    return [base64.b64encode(array.tobytes()).decode() for name, array in named if name in own]


def instrumented(path: Path, variant: Variant, settings: Settings) -> Instrumented:
    """The kernels of a model's bundle, exported."""
    return Instrumented.of(
        wasm_kernels(path, settings.dims, settings.constants, weights=settings.weights), variant, new_context()
    )


def planned(module: Instrumented, variant: Variant, subject: Subject, folder: Path) -> dict[str, object]:
    """What the page is told, and the files that this names."""

    def written(name: str, content: bytes) -> str:
        (folder / name).write_bytes(content)
        return f"/{FOLDER}/{name}"

    memory, program = module.memory, module.memory.program
    image = memory.weights.content
    given = Inputs.of(subject.manifest)
    inputs = zip(given.greatest([subject.feeds[it["name"]] for it in given.own]), program.inputs, strict=True)
    ranges = [memory.range(buffer) for buffer in program.outputs]
    return {
        "module": written("kernels.wasm", module.binary),
        "pages": memory.size // PAGE,
        "weights": [
            {"url": written(f"weights{i}.bin", image[move.start : move.start + move.bytes]), "address": move.to}
            for i, move in enumerate(memory.moves)
        ],
        "inputs": [
            {"url": written(f"input{i}.bin", array.tobytes()), "address": memory.address(buffer)}
            for i, (array, buffer) in enumerate(inputs)
        ],
        "outputs": [{"address": found.address, "bytes": found.bytes} for found in ranges],
        "load": spelled(program.launches_at_load, module),
        "calls": spelled(program.launches_of_a_run, module),
        "peaks": [
            {"url": written(f"peak{i}.wasm", peak.binary), "operations": peak.operations}
            for i, peak in enumerate(peaks(variant.relaxed))
        ],
    }


def spelled(launches: Sequence[Call | Loop], module: Instrumented) -> list[dict[str, object]]:
    return [
        {"kernel": call.kernel.sym_name.data, "arguments": [*module.addresses(call), *counters]}
        for call, counters in runs_of(launches)
    ]


def summed(model: str, variant: str, module: Instrumented, answer: Answer, within: bool) -> Profile:
    """The profile, from the stamps of all runs."""
    calls = [call for call, _ in runs_of(module.memory.program.launches_of_a_run)]
    costs = {name: cost_of(kernel) for name, kernel in {c.kernel.sym_name.data: c.kernel for c in calls}.items()}
    kernels = [
        Kernel(name=name, shape=cost.shape, flops=cost.operations, bytes=cost.bytes, code=module.sizes[name])
        for name, cost in costs.items()
    ]
    runs = answer["runs"]
    launches = [
        Launch(
            kernel=call.kernel.sym_name.data,
            nodes=place(call.op.location) or "",
            time=steady_mean([run[i + 1] - run[i] for run in runs]),
        )
        for i, call in enumerate(calls)
    ]
    typical = sorted(runs, key=lambda run: run[-1])[len(runs) // 2]
    return Profile(
        model=model,
        module=variant,
        peak=answer["peak"],
        within=within,
        kernels=kernels,
        launches=launches,
        stamps=typical,
    )


def steady_mean(values: Sequence[float]) -> float:
    """The mean of what is at most two steps of the clock above the median.

    Of short times it is nearly all, because those are right on average alone; of long times it is the faster half.
    """
    limit = median(values) + 2 * CLOCK_STEP
    return fmean(value for value in values if value <= limit)


@dataclass(frozen=True)
class Share:
    """All launches of a kernel together."""

    kernel: Kernel
    launches: int
    nodes: str
    time: float

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.launches * self.kernel["flops"] / self.time * 1e3 if self.time else 0.0

    @property
    def traffic(self) -> float:
        """Bytes a second."""
        return self.launches * self.kernel["bytes"] / self.time * 1e3 if self.time else 0.0


def shares(profile: Profile) -> list[Share]:
    """The kernels, the slowest first."""
    found: list[Share] = []
    for kernel in profile["kernels"]:
        launches = [launch for launch in profile["launches"] if launch["kernel"] == kernel["name"]]
        nodes = ", ".join(dict.fromkeys(launch["nodes"] for launch in launches if launch["nodes"]))
        found.append(Share(kernel, len(launches), nodes, sum(launch["time"] for launch in launches)))
    return sorted(found, key=lambda share: -share.time)
