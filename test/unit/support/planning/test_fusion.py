"""Fusion: epilogues and prologues where they are legal, and nowhere else."""

import pytest

from webdnn.support.planning.fusion import Bindings, Groups, contract, fuse, traffic
from webdnn.support.planning.graph import Graph, Kind, Op, Value

EW, PERMUTE, GATHER = Kind.ELEMENTWISE, Kind.PERMUTE, Kind.GATHER
CONV, SOFTMAX, REDUCE, CONCAT = Kind.WINDOW, Kind.ROWWISE, Kind.SWEEP, Kind.CONCAT


def net(
    *ops: tuple[Kind, tuple[int, ...]],
    extents: dict[int, int] | None = None,
    kept: tuple[int, ...] = (),
    costly: tuple[int, ...] = (),
) -> Graph:
    """Operator t makes value t + 1 from values; 0 is the caller's, `kept` and the last are its outputs.

    Values have 16 elements unless `extents` says otherwise; `costly` operators are not to be repeated.
    """
    sizes = {v: (extents or {}).get(v, 16) for v in range(len(ops) + 1)}
    roles = {0: "in", len(ops): "out", **dict.fromkeys(kept, "out")}
    values = [
        Value(f"v{v}", (size,), 4, "in" if roles.get(v) == "in" else "out" if v in roles else "")
        for v, size in sizes.items()
    ]
    return Graph(
        tuple(values), tuple(Op(kind, inputs, (t + 1,), cheap=t not in costly) for t, (kind, inputs) in enumerate(ops))
    )


def test_epilogue() -> None:
    assert fuse(net((CONV, (0,)), (EW, (1,)), (EW, (2,)))) == ((0, 1, 2),)


def test_an_epilogue_joins_the_latest_producer() -> None:
    """y = conv(conv(x)) + conv(x): the sum belongs to the conv that runs last."""
    assert fuse(net((CONV, (0,)), (CONV, (1,)), (EW, (2, 1)))) == ((0,), (1, 2))


def test_a_kernel_has_one_anchor() -> None:
    assert fuse(net((CONV, (0,)), (CONV, (1,)), (SOFTMAX, (2,)))) == ((0,), (1,), (2,))


def test_no_path_leaves_a_kernel_and_comes_back() -> None:
    """h = conv(x); y = h + conv(h) joins the second conv, since the first cannot wait for its own reader."""
    graph = net((CONV, (0,)), (CONV, (1,)), (EW, (1, 2)))
    assert fuse(graph) == ((0,), (1, 2))
    far = net((CONV, (0,)), (REDUCE, (1,)), (EW, (2,)), (EW, (1, 3)), extents={2: 1, 3: 1})
    assert fuse(far) == ((0,), (1, 2), (3,))  # h * sigmoid(mean(h)): the only producer of its extent is upstream


def test_a_broadcast_operand_is_read_and_not_joined_by_its_extent() -> None:
    graph = net((CONV, (0,)), (EW, (0, 1)), extents={1: 1})
    assert fuse(graph) == ((0,), (1,))


def test_a_transpose_is_a_permuted_write() -> None:
    assert fuse(net((CONV, (0,)), (PERMUTE, (1,)), (EW, (2,)))) == ((0, 1, 2),)


def test_one_kernel_does_not_add_a_matrix_to_its_transpose() -> None:
    """conv(x) + transpose(conv(x)) needs two points of the anchor for each point that it writes."""
    assert fuse(net((CONV, (0,)), (PERMUTE, (1,)), (EW, (1, 2)))) == ((0, 1), (2,))


def test_an_intermediate_output_is_written_too() -> None:
    graph = net((CONV, (0,)), (EW, (1,)), kept=(1,))
    groups = fuse(graph)
    assert groups == ((0, 1),)
    assert contract(graph, groups).ops[0].outputs == (1, 2)


def test_a_target_with_one_result_a_kernel_leaves_such_epilogues_apart() -> None:
    graph = net((CONV, (0,)), (EW, (1,)), kept=(1,))
    assert fuse(graph, Bindings(outputs=1)) == ((0,), (1,))


@pytest.mark.parametrize(("limits", "groups"), [(Bindings(2), ((0,), (1,))), (Bindings(3), ((0, 1),))])
def test_bindings_are_limited(limits: Bindings, groups: Groups) -> None:
    values = (Value("x", (4,), 4, "in"), Value("s", (4,), 4, "in"), Value("h", (4,)), Value("y", (4,), 4, "out"))
    graph = Graph(values, (Op(CONV, (0,), (2,), constants=1), Op(EW, (2, 1), (3,))))
    assert fuse(graph, limits) == groups
    assert fuse(graph, Bindings(None, None, limits.inputs)) == ((0,), (1,))  # the result is a binding as well


def test_a_skip_read_twice_is_one_binding() -> None:
    graph = net((CONV, (0,)), (EW, (1, 0)))
    assert fuse(graph, Bindings(1)) == ((0, 1),)
    assert contract(graph, fuse(graph)).ops[0].inputs == (0,)


def test_prologue() -> None:
    """A pad, and a cheap function of the input, are computed where the convolution reads."""
    assert fuse(net((GATHER, (0,)), (CONV, (1,)))) == ((0, 1),)
    assert fuse(net((EW, (0,)), (CONV, (1,)))) == ((0, 1),)


def test_a_costly_function_is_not_repeated_at_each_read() -> None:
    assert fuse(net((EW, (0,)), (CONV, (1,)), costly=(0,))) == ((0,), (1,))
    assert fuse(net((EW, (0,)), (SOFTMAX, (1,)), costly=(0,))) == ((0, 1),)
    assert fuse(net((EW, (0,)), (GATHER, (1,)), costly=(0,))) == ((0, 1),)


def test_a_prologue_has_one_reader_and_is_no_output() -> None:
    assert fuse(net((EW, (0,)), (CONV, (1,)), (CONV, (1,)), (EW, (2, 3)))) == ((0,), (1,), (2, 3))
    assert fuse(net((EW, (0,)), (CONV, (1,)), kept=(1,))) == ((0,), (1,))


def test_a_concatenation_joins_nothing() -> None:
    graph = net((EW, (0,)), (CONCAT, (1, 0)), (EW, (2,)), extents={2: 32, 3: 32})
    assert fuse(graph) == ((0,), (1,), (2,))
    assert traffic(graph, fuse(graph), launch=0) == 4 * (16 + 16 + 32 + 32)


def test_kernels_are_in_a_valid_order() -> None:
    """The first convolution waits for the second, whose result its epilogue reads."""
    graph = net((CONV, (0,)), (CONV, (0,)), (EW, (1, 2)), (EW, (3,)))
    assert fuse(graph) == ((0,), (1, 2, 3))
    assert contract(graph, fuse(graph)).ops[1].inputs == (0, 1)


def test_what_a_kernel_may_overwrite() -> None:
    """y = conv(x) + s may overwrite s; y = conv(x) + x may not overwrite x."""
    separate = net((CONV, (0,)), (CONV, (1,)), (EW, (2, 1)), (CONV, (0,)), (EW, (4, 3)))
    kernels = contract(separate, fuse(separate)).ops
    assert [kernel.in_place for kernel in kernels] == [(), (), (3,)]
    window = net((CONV, (0,)), (EW, (1,)), (CONV, (2,)))
    assert contract(window, ((0,), (1, 2))).ops[1].in_place == ()
    softmax = net((CONV, (0,)), (SOFTMAX, (1,)))
    assert contract(softmax, fuse(softmax)).ops[1].in_place == (1,)


def test_nothing_is_overwritten_through_a_transpose() -> None:
    """The operand of a transpose is read at other points; beside one, several outputs are written at several points."""
    before = net((CONV, (0,)), (GATHER, (1,)), (PERMUTE, (1,)), (EW, (2, 3)))
    assert all(not kernel.in_place for kernel in contract(before, ((0,), (1,), (2, 3))).ops[:2])
    assert contract(before, ((0,), (1,), (2, 3))).ops[2].in_place == (2,)
    several = net((CONV, (0,)), (CONV, (0,)), (PERMUTE, (2,)), (EW, (3, 1)), kept=(2,))
    assert contract(several, ((0,), (1, 2, 3))).ops[1].in_place == ()


def test_an_operand_of_other_element_size_is_not_overwritten() -> None:
    values = (Value("x", (8,), 4, "in"), Value("h", (4,), 4), Value("y", (8,), 2, "out"))
    graph = Graph(values, (Op(CONV, (0,), (1,)), Op(EW, (1,), (2,))))
    assert contract(graph, ((0,), (1,))).ops[1].in_place == ()


def test_invalid_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="operator 0 reads value 2 before it is produced"):
        net((EW, (2,)), (EW, (0,)))
    with pytest.raises(ValueError, match="operator 0 produces value 0 after it is produced"):
        Graph((Value("x", (1,), 4, "in"),), (Op(EW, (), (0,)),))


def test_measured_models(models: dict[str, Graph], known_fusion: dict[str, tuple[int, int]]) -> None:
    for name, graph in models.items():
        groups, known = fuse(graph), known_fusion[name]
        kernels = [kernel for kernel in contract(graph, groups).ops if kernel.kind is not CONCAT]
        assert len(kernels) <= known[0], name
        assert traffic(graph, groups) <= known[1], name
