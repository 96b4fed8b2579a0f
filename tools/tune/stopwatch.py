"""Times a kernel under several plans in turn, in one page of a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Error as PlaywrightError
from xdsl.context import Context

from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.scheduling.plan import Plan
from webdnn.passes.kernel.scheduling.signature import signature
from webdnn.runner.python.chromium import FLAGS, Browser
from webdnn.support.diagnostic import DiagnosticError
from webdnn.targets.wasm.variants import Variant
from webdnn.tools.bench.measure import open_page, page_failure
from webdnn.tools.tune.trial import Trial, compute_of

TUNING_FLAGS = (*FLAGS, "--js-flags=--no-liftoff --no-wasm-lazy-compilation")
"""Every call runs what the optimising compiler makes: nothing needs to warm up."""

FOLDER = "tune"


class Lane(TypedDict):
    """What the page tells of a plan: milliseconds of a call in each round, and whether it computes what is right."""

    times: list[float]
    agrees: bool


@dataclass
class Stopwatch:
    """A browser, the variant of modules that is timed, and a folder for them."""

    browser: Browser
    variant: Variant
    context: Context
    scratch: Path
    numbers: count[int] = field(default_factory=count)

    def times(self, kernel: FuncOp, plans: Sequence[Plan], rounds: int) -> list[float]:
        """Milliseconds of the fastest round of each plan.

        Raises DiagnosticError where a plan computes something else than the first one.
        """
        trial = Trial.of(kernel, plans, self.variant, self.context)
        lanes = self.ask(trial, len(plans), rounds)
        for plan, lane in zip(plans, lanes, strict=True):
            if not lane["agrees"]:
                what = f"'{signature(compute_of(kernel))}' computes something else as {plan.schedule}"
                raise DiagnosticError(what, hint="this is an error of the compiler: please report it")
        return [min(lane["times"]) for lane in lanes]

    def ask(self, trial: Trial, plans: int, rounds: int) -> list[Lane]:
        """Let a new page run a trial."""
        name = f"{next(self.numbers)}.wasm"
        (self.scratch / name).write_bytes(trial.binary)
        self.browser.server.mount(f"/{FOLDER}/", self.scratch)
        request = {
            "module": f"/{FOLDER}/{name}",
            "count": plans,
            "pages": trial.pages,
            "sets": list(trial.sets),
            "buffers": [asdict(buffer) for buffer in trial.buffers],
            "counters": trial.counters,
            "rounds": rounds,
        }
        page = open_page(self.browser)
        try:
            lanes: list[Lane] = page.evaluate("(plan) => import('/bench/tune.js').then((it) => it.tune(plan))", request)
            return lanes
        except PlaywrightError as error:
            raise page_failure(error) from error
        finally:
            page.close()
            self.browser.server.unmount(f"/{FOLDER}/")
