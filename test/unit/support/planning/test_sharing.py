"""Sharing of storage: concatenations in place and overwritten operands, where nobody loses a value by it."""

from webdnn.support.planning.fusion import contract, fuse
from webdnn.support.planning.graph import Graph, Kind, Op, Role, Value
from webdnn.support.planning.offsets import assign, verify
from webdnn.support.planning.order import best_order
from webdnn.support.planning.packing import lower_bound
from webdnn.support.planning.sharing import Place, View, concat_views, share
from webdnn.support.planning.tasks import kernels, reordered, tasks

EW, CONV, CONCAT = Kind.ELEMENTWISE, Kind.WINDOW, Kind.CONCAT


def graph(rows: dict[str, tuple[int, Role]], *ops: tuple[Kind, str, str, str]) -> Graph:
    """Values by name, of so many rows of 16 floats, and operators (kind, operands, result, operands to overwrite)."""
    number = {name: v for v, name in enumerate(rows)}
    return Graph(
        tuple(Value(name, (1, count, 16), 4, role) for name, (count, role) in rows.items()),
        tuple(
            Op(
                kind,
                tuple(map(number.__getitem__, read)),
                (number[made],),
                axis=1,
                in_place=tuple(map(number.__getitem__, over)),
            )
            for kind, read, made, over in ops
        ),
    )


def same_place(planned: Graph, a: str, b: str) -> bool:
    places = share(planned).places
    number = {value.name: v for v, value in enumerate(planned.values)}
    return places[number[a]] == places[number[b]]


def test_an_operand_is_overwritten_where_it_dies() -> None:
    chain = graph({"x": (1, "in"), "h": (1, ""), "y": (1, "out")}, (CONV, "x", "h", ""), (EW, "h", "y", "h"))
    assert same_place(chain, "h", "y")
    assert lower_bound(share(chain).blocks) == 128
    assert lower_bound(share(chain, in_place=False).blocks) == 128
    assert len(share(chain).blocks) == 2


def test_an_operand_with_another_reader_is_kept() -> None:
    """h = conv(x); y = h + conv(relu(h)): the relu runs before the last reader of h, so h stays."""
    ops = ((CONV, "x", "h", ""), (EW, "h", "r", "h"), (CONV, "r", "c", ""), (EW, "hc", "y", "hc"))
    residual = graph({"x": (1, "in"), "h": (1, ""), "r": (1, ""), "c": (1, ""), "y": (1, "out")}, *ops)
    assert not same_place(residual, "h", "r")
    assert same_place(residual, "h", "y")
    fused = contract(residual, fuse(residual))
    assert [kernel.outputs for kernel in fused.ops] == [(1, 2), (4,)]
    assert fused.ops[1].in_place == (1,)  # r, read through the window, is not among them
    assert same_place(fused, "h", "y")


def test_the_callers_values_are_not_overwritten() -> None:
    chain = graph({"x": (1, "in"), "h": (1, "out"), "y": (1, "out")}, (EW, "x", "h", "x"), (EW, "h", "y", "h"))
    assert len(share(chain).blocks) == 3


def test_an_operand_of_another_size_is_not_overwritten() -> None:
    chain = graph({"x": (1, "in"), "h": (1, ""), "y": (2, "out")}, (CONV, "x", "h", ""), (EW, "h", "y", "h"))
    assert not same_place(chain, "h", "y")


def test_only_one_operand_is_overwritten() -> None:
    ops = ((CONV, "x", "a", ""), (CONV, "x", "b", ""), (EW, "ab", "y", "ab"))
    chain = graph({"x": (1, "in"), "a": (1, ""), "b": (1, ""), "y": (1, "out")}, *ops)
    assert same_place(chain, "a", "y")
    assert not same_place(chain, "b", "y")


def branches(*, a: Role = "", axis: int = 1) -> Graph:
    rows: dict[str, tuple[int, Role]] = {"x": (1, "in"), "a": (2, a), "b": (3, ""), "c": (5, ""), "y": (1, "out")}
    made = graph(rows, (CONV, "x", "a", ""), (CONV, "x", "b", ""), (CONCAT, "ab", "c", ""), (CONV, "c", "y", ""))
    return Graph(made.values, tuple(Op(op.kind, op.inputs, op.outputs, axis=axis) for op in made.ops))


def test_operands_of_a_concatenation_are_written_into_it() -> None:
    storage = share(branches())
    places = storage.places
    assert places[1] == places[3] == Place(places[1].block, 0)
    assert places[2] == Place(places[1].block, 128)
    concat = storage.blocks[places[3].block]
    assert sorted((part.start, part.end, part.offset, part.size) for part in concat.parts) == [
        (0, 4, 0, 128),
        (1, 4, 128, 192),
    ]
    assert kernels(branches()) == [0, 1, 3]


def test_concatenations_that_are_copies() -> None:
    """Along an inner axis, of the caller's values, or of one value twice."""
    assert concat_views(branches(axis=2)) == {}
    assert concat_views(branches(a="out")) == {}
    assert concat_views(branches(axis=-2)) == {1: View(3, 0), 2: View(3, 128)}
    of_input = graph({"x": (1, "in"), "c": (2, "out")}, (CONCAT, "xx", "c", ""))
    assert concat_views(of_input) == {}
    twice = graph({"x": (1, "in"), "a": (1, ""), "c": (2, "out")}, (CONV, "x", "a", ""), (CONCAT, "aa", "c", ""))
    assert concat_views(twice) == {}
    assert kernels(twice) == [0, 1]


def test_a_value_of_two_concatenations_is_written_into_the_first() -> None:
    rows: dict[str, tuple[int, Role]] = {"x": (1, "in"), "a": (1, ""), "b": (1, ""), "c": (2, "out"), "d": (2, "out")}
    both = graph(rows, (CONV, "x", "a", ""), (CONV, "x", "b", ""), (CONCAT, "ab", "c", ""), (CONCAT, "ba", "d", ""))
    assert concat_views(both) == {1: View(3, 0), 2: View(3, 64)}


def test_nested_concatenations_are_one_block() -> None:
    """As in a dense block: c = a, b; e = c, d."""
    rows: dict[str, tuple[int, Role]] = {
        "x": (1, "in"),
        "a": (1, ""),
        "b": (1, ""),
        "c": (2, ""),
        "d": (1, ""),
        "e": (3, "out"),
    }
    ops = (
        (CONV, "x", "a", ""),
        (CONV, "a", "b", ""),
        (CONCAT, "ab", "c", ""),
        (CONV, "c", "d", ""),
        (CONCAT, "cd", "e", ""),
    )
    nested = graph(rows, *ops)
    storage = share(nested)
    assert [storage.places[v].offset for v in range(1, 6)] == [0, 64, 0, 128, 0]
    assert len({storage.places[v].block for v in range(1, 6)}) == 1
    assert {part.end for part in storage.blocks[storage.places[5].block].parts} == {5}
    assert lower_bound(storage.blocks) == 4 * 64 - 64
    assert tasks(nested).reads[2] == (1, 2)


def test_a_part_is_not_overwritten_while_its_concatenation_is_read() -> None:
    """y = f(a, conv(a, b)) in one kernel reads a at each point, and everywhere through the concatenation."""
    rows: dict[str, tuple[int, Role]] = {"x": (1, "in"), "a": (1, ""), "b": (1, ""), "c": (2, ""), "y": (1, "out")}
    ops = ((CONV, "x", "a", ""), (CONV, "x", "b", ""), (CONCAT, "ab", "c", ""), (CONV, "ca", "y", "a"))
    planned = graph(rows, *ops)
    assert not same_place(planned, "a", "y")
    assert tasks(planned).in_place[2] == ()


def test_an_operand_may_be_overwritten_by_a_part_of_a_concatenation() -> None:
    rows: dict[str, tuple[int, Role]] = {"x": (1, "in"), "h": (2, ""), "a": (2, ""), "b": (1, ""), "c": (3, "out")}
    ops = ((CONV, "x", "h", ""), (EW, "h", "a", "h"), (CONV, "x", "b", ""), (CONCAT, "ba", "c", ""))
    planned = graph(rows, *ops)
    places = share(planned).places
    assert same_place(planned, "h", "a")
    assert (places[1].offset, places[3].offset, places[4].offset) == (64, 0, 0)


def test_a_part_of_an_output_is_not_overwritten() -> None:
    """Not even by the last operator, when nobody else reads it any more."""
    rows: dict[str, tuple[int, Role]] = {"x": (1, "in"), "a": (1, ""), "b": (1, ""), "c": (2, "out"), "y": (1, "out")}
    ops = ((CONV, "x", "a", ""), (CONV, "x", "b", ""), (CONCAT, "ab", "c", ""), (EW, "a", "y", "a"))
    assert not same_place(graph(rows, *ops), "a", "y")


def test_a_concatenation_in_place_is_not_overwritten_as_a_whole() -> None:
    """It consists of its operands, which may live on."""
    rows: dict[str, tuple[int, Role]] = {
        "x": (1, "in"), "a": (1, ""), "b": (1, ""), "c": (2, ""), "y": (2, "out"), "z": (1, "out"),
    }  # fmt: skip
    ops = (
        (CONV, "x", "a", ""), (CONV, "x", "b", ""), (CONCAT, "ab", "c", ""), (EW, "c", "y", "c"), (CONV, "a", "z", ""),
    )  # fmt: skip
    planned = graph(rows, *ops)
    assert not same_place(planned, "c", "y")
    assert lower_bound(share(planned).blocks) == 64 + 128 + 128 - 64


def test_two_live_parts_never_meet() -> None:
    """p could overwrite a, if q did not come to lie over b then: e = b, a and c = q, p.

    b lives on, since w is still to be made of it.
    """
    rows: dict[str, tuple[int, Role]] = {
        "x": (1, "in"), "b": (2, ""), "a": (2, ""), "e": (4, ""), "z": (1, "out"),
        "q": (1, ""), "p": (2, ""), "c": (3, "out"), "w": (1, "out"),
    }  # fmt: skip
    ops = (
        (CONV, "x", "b", ""), (CONV, "x", "a", ""), (CONCAT, "ba", "e", ""), (CONV, "e", "z", ""),
        (CONV, "x", "q", ""), (EW, "a", "p", "a"), (CONCAT, "qp", "c", ""), (CONV, "b", "w", ""),
    )  # fmt: skip
    assert not same_place(graph(rows, *ops), "a", "p")
    without_w = graph({v: rows[v] for v in rows if v != "w"}, *ops[:-1])
    assert same_place(without_w, "a", "p")


def test_measured_models(models: dict[str, Graph], known_arenas: dict[str, tuple[int, int, int]]) -> None:
    """The blocks and arenas known, for operators and kernels, with and without sharing; the final plan is proven."""
    for name, model in models.items():
        fused = contract(model, fuse(model))
        for tag, planned, in_place, concat in (
            ("ops", model, False, False),
            ("ops+v+i", model, True, True),
            ("k", fused, False, False),
            ("k+i", fused, True, False),
            ("k+v+i", fused, True, True),
        ):
            blocks, known = share(planned, 64, in_place, concat).blocks, known_arenas[f"{name}/{tag}"]
            found = assign(blocks)
            verify(blocks, found.offsets)
            assert (len(blocks), found.arena, found.proven) == (known[0], known[2], True), (name, tag)
        order = best_order(tasks(fused))
        assert assign(share(reordered(fused, order.order)).blocks).arena == order.peak, name
