"""One run of a profile in the trace event format, which chrome://tracing and Perfetto open.

https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from webdnn.tools.bench.results import Profile

Event = dict[str, object]

MICROSECONDS = 1000.0


def events(profile: Profile, process: int) -> list[Event]:
    """A named process whose only thread runs the launches."""
    kernels = {kernel["name"]: kernel for kernel in profile["kernels"]}
    where: Event = {"pid": process, "tid": 1}
    found: list[Event] = [{"name": "process_name", "ph": "M", "args": {"name": profile["model"]}, **where}]
    stamps = profile["stamps"]
    for launch, begin, end in zip(profile["launches"], stamps, stamps[1:], strict=False):
        kernel = kernels[launch["kernel"]]
        arguments = {"nodes": launch["nodes"], **{key: kernel[key] for key in ("shape", "flops", "bytes", "code")}}
        time = {"ts": begin * MICROSECONDS, "dur": (end - begin) * MICROSECONDS}
        found.append({"name": launch["kernel"], "cat": "kernel", "ph": "X", "args": arguments, **time, **where})
    return found


def write_trace(profiles: Sequence[Profile], path: Path) -> None:
    """Write all profiles, each as a process."""
    found = [event for process, profile in enumerate(profiles, 1) for event in events(profile, process)]
    path.write_text(json.dumps({"traceEvents": found, "displayTimeUnit": "ms"}, ensure_ascii=False) + "\n")
