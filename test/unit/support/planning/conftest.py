"""The measured instances of `../shared/examples/planning`; tests that need them are skipped where it is absent."""

import json
import lzma
from pathlib import Path
from typing import TypedDict

import pytest

from webdnn.support.planning.graph import Graph, Kind, Op, Role, Value
from webdnn.support.planning.layouts import LayoutOp, LayoutProblem, Option
from webdnn.support.planning.storage import Block, Part

ROOT = Path(__file__).parents[4]
FOLDER = ROOT.parent / "shared" / "examples" / "planning"
KINDS = {
    "ew": Kind.ELEMENTWISE,
    "transpose": Kind.PERMUTE,
    "slice": Kind.GATHER,
    "pad": Kind.GATHER,
    "resize": Kind.GATHER,
    "gather": Kind.GATHER,
    "conv": Kind.WINDOW,
    "conv_transpose": Kind.WINDOW,
    "matmul": Kind.WINDOW,
    "pool": Kind.WINDOW,
    "softmax": Kind.ROWWISE,
    "norm": Kind.ROWWISE,
    "reduce": Kind.SWEEP,
    "lstm": Kind.SWEEP,
    "concat": Kind.CONCAT,
}
CHEAP = {"affine", "relu", "clip", "add", "sub", "mul", "div", "cast"}


class Attributes(TypedDict, total=False):
    f: str
    axis: int


class RawOp(TypedDict):
    k: str
    i: list[int]
    o: list[int]
    w: list[list[int]]
    a: Attributes


class RawValue(TypedDict):
    n: str
    s: list[int]
    b: int
    r: Role


class RawGraph(TypedDict):
    values: list[RawValue]
    ops: list[RawOp]


class RawLayouts(TypedDict):
    candidates: list[list[str]]
    fixed: dict[str, str]
    ops: list[tuple[list[int], list[int], list[tuple[list[str], list[str], float]]]]
    convert: list[float]


class RawExpected(TypedDict):
    fusion: dict[str, dict[str, int]]
    order: dict[str, dict[str, int]]
    offsets: dict[str, dict[str, int | None]]
    layouts: dict[str, dict[str, float]]


def text(name: str) -> str:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no measured instances: {path} is absent")
    return lzma.open(path, "rt").read() if path.suffix == ".xz" else path.read_text()


def graphs(name: str) -> dict[str, Graph]:
    raw: dict[str, RawGraph] = json.loads(text(name))
    return {
        key: Graph(
            tuple(Value(v["n"], tuple(v["s"]), v["b"], v["r"]) for v in graph["values"]),
            tuple(
                Op(
                    KINDS[o["k"]],
                    tuple(o["i"]),
                    tuple(o["o"]),
                    constants=len(o["w"]),
                    cheap=o["a"].get("f", "relu") in CHEAP or o["k"] != "ew",
                    axis=o["a"].get("axis", 0),
                )
                for o in graph["ops"]
            ),
        )
        for key, graph in raw.items()
    }


@pytest.fixture(scope="session")
def expected() -> RawExpected:
    found: RawExpected = json.loads(text("expected.json"))
    return found


@pytest.fixture(scope="session")
def known_fusion(expected: RawExpected) -> dict[str, tuple[int, int]]:
    """(kernels, bytes of traffic with 1 MiB a launch)."""
    return {name: (row["kernels"], row["objective"]) for name, row in expected["fusion"].items()}


@pytest.fixture(scope="session")
def known_orders(expected: RawExpected) -> dict[str, tuple[int, int, bool]]:
    """(peak of the given order in bytes, best peak, whether it is proven)."""
    return {name: (row["given"], row["best"], bool(row["proven"])) for name, row in expected["order"].items()}


@pytest.fixture(scope="session")
def known_arenas(expected: RawExpected) -> dict[str, tuple[int, int, int]]:
    """(blocks, lower bound in bytes, arena), where an arena is known."""
    rows = ((name, row["blocks"], row["bound"], row["arena"]) for name, row in expected["offsets"].items())
    return {
        name: (blocks, bound, arena)
        for name, blocks, bound, arena in rows
        if blocks is not None and bound is not None and arena is not None
    }


@pytest.fixture(scope="session")
def known_layouts(expected: RawExpected) -> dict[str, tuple[float, bool]]:
    """(cost, whether it is proven)."""
    return {name: (row["cost"], bool(row["proven"])) for name, row in expected["layouts"].items()}


@pytest.fixture(scope="session")
def models() -> dict[str, Graph]:
    return graphs("instances/graphs.json.xz")


@pytest.fixture(scope="session")
def synthetic() -> dict[str, Graph]:
    return graphs("instances/synthetic.json.xz")


@pytest.fixture(scope="session")
def block_lists() -> dict[str, list[Block]]:
    raw: dict[str, list[list[tuple[int, int, int, int]]]] = json.loads(text("instances/blocks.json.xz"))
    return {name: [Block(tuple(Part(*part) for part in parts)) for parts in blocks] for name, blocks in raw.items()}


@pytest.fixture(scope="session")
def layout_problems() -> dict[str, LayoutProblem[str]]:
    raw: dict[str, RawLayouts] = json.loads(text("instances/layouts.json.xz"))
    return {
        name: LayoutProblem(
            tuple(map(tuple, problem["candidates"])),
            {int(value): layout for value, layout in problem["fixed"].items()},
            tuple(
                LayoutOp(
                    tuple(inputs),
                    tuple(outputs),
                    tuple(Option(tuple(read), tuple(made), cost) for read, made, cost in options),
                )
                for inputs, outputs, options in problem["ops"]
            ),
            tuple(problem["convert"]),
        )
        for name, problem in raw.items()
    }
