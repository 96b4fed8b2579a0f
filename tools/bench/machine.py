"""The machine that a bench ran on, as far as times depend on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from webdnn.tools.bench.results import Machine

CPU_INFO = Path("/proc/cpuinfo")


def machine(browser: str, gpu: str = "", software: bool = False) -> Machine:
    """This machine."""
    return Machine(
        cpu=cpu_model(), cores=usable_cores(), system=platform.platform(), browser=browser, gpu=gpu, software=software
    )


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
