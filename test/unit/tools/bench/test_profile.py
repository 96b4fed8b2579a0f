"""The pure parts of profiles: steady times, shares, traces, the module that measures the peak, the machine."""

import json
from pathlib import Path

import pytest
import wasmtime

from helpers.bench_results import profile
from webdnn.tools.bench.machine import cpu_model, usable_cores
from webdnn.tools.bench.peak import ACCUMULATORS, LANES, peaks, text
from webdnn.tools.bench.profile import shares, steady_mean
from webdnn.tools.bench.trace import write_trace


def test_short_times_are_averaged_and_outliers_left_out() -> None:
    assert steady_mean([0.0, 0.005, 0.0, 0.005, 3.0]) == pytest.approx(0.0025)
    assert steady_mean([1.0, 1.002, 1.004, 2.0, 5.0]) == pytest.approx(1.002)


def test_shares_add_the_launches_of_a_kernel() -> None:
    first, second = shares(profile())
    assert (first.kernel["name"], first.launches, first.nodes, first.time) == ("sum1", 1, "Conv_1", 1.0)
    assert first.rate == pytest.approx(16e9)
    assert (second.launches, second.nodes, second.time) == (2, "Relu_0, Relu_2", 0.5)
    assert second.traffic == pytest.approx(2 * 512 / 0.5e-3)


def test_a_trace_has_an_event_for_every_launch(tmp_path: Path) -> None:
    write_trace([profile()], tmp_path / "trace.json")
    head, *events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert head == {"name": "process_name", "ph": "M", "args": {"name": "net"}, "pid": 1, "tid": 1}
    assert [(event["name"], event["ph"]) for event in events] == [("map0", "X"), ("sum1", "X"), ("map0", "X")]
    assert [event["ts"] for event in events] == pytest.approx([0, 200, 1300])
    assert [event["dur"] for event in events] == pytest.approx([200, 1100, 200])
    arguments = {"nodes": "Conv_1", "shape": "8 over 1000", "flops": 16_000_000, "bytes": 64_000, "code": 2000}
    assert events[1]["args"] == arguments


@pytest.mark.parametrize("relaxed", [True, False])
def test_the_peak_module_does_what_it_counts(relaxed: bool) -> None:
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    engine = wasmtime.Engine(config)
    for peak, count in zip(peaks(relaxed), ACCUMULATORS, strict=True):
        assert peak.operations == text(count, relaxed).count("relaxed_madd" if relaxed else "f32x4.mul") * LANES * 2
        store = wasmtime.Store(engine)
        run = wasmtime.Instance(store, wasmtime.Module(engine, peak.binary), []).exports(store)["run"]
        assert isinstance(run, wasmtime.Func)
        # Three steps of a * 2 + 1 from 0 are 7, in every accumulator.
        assert run(store, 3, 2.0, 1.0) == 7.0 * count


def test_the_machine_has_a_processor() -> None:
    assert cpu_model()
    assert usable_cores() >= 1
