"""The machine that a bench ran on, as far as times depend on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from webdnn.runner.python.chromium import Browser
from webdnn.tools.bench.measure import open_page
from webdnn.tools.bench.results import GPU_BACKENDS, Machine

CPU_INFO = Path("/proc/cpuinfo")


class Gpu(TypedDict):
    """What a page tells of the GPU; an empty name where there is none."""

    name: str
    software: bool


def machine(browser: Browser, backends: Sequence[str]) -> Machine:
    """This machine, with its GPU where a backend uses one."""
    gpu = gpu_of(browser) if any(backend in GPU_BACKENDS for backend in backends) else Gpu(name="", software=False)
    return Machine(
        cpu=cpu_model(),
        cores=usable_cores(),
        load=load_average(),
        system=f"{platform.system()} {platform.machine()}",
        browser=browser.version,
        gpu=gpu["name"],
        software=gpu["software"],
    )


def gpu_of(browser: Browser) -> Gpu:
    """What WebGPU and WebGL run on."""
    page = open_page(browser)
    try:
        found: Gpu = page.evaluate("import('/bench/gpu.js').then((gpu) => gpu.describe())")
        return found
    finally:
        page.close()


def cpu_model() -> str:
    """The processor's name, from wherever the system tells it."""
    if CPU_INFO.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float:
    """How many processes ran, on average, in the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
