"""The launches of a run in order: those that the manifest lists, and again those that its loops repeat."""

from collections.abc import Iterator, Sequence

from webdnn.runner.python.manifest import Counter, Dispatch, Repeat


def unrolled(launches: Sequence[Dispatch], loops: Sequence[Repeat]) -> Iterator[tuple[int, list[int]]]:
    """Each launch that is made, as its place in the list, and what its counters are."""
    return _made(launches, loops, range(len(launches)), ())


def _made(
    launches: Sequence[Dispatch], loops: Sequence[Repeat], places: range, trips: Sequence[int]
) -> Iterator[tuple[int, list[int]]]:
    """Those at these places; `loops` may begin there, outer ones first, and `trips` are those of the loops around."""
    place = places.start
    while place < places.stop:
        number = next((i for i, loop in enumerate(loops) if loop["first"] == place), None)
        if number is None:
            yield place, [_value(counter, trips) for counter in launches[place]["counters"]]
            place += 1
            continue
        loop = loops[number]
        body = range(place, place + loop["count"])
        for trip in range(loop["trips"]):
            yield from _made(launches, loops[number + 1 :], body, [*trips, trip])
        place = body.stop


def _value(counter: Counter, trips: Sequence[int]) -> int:
    return counter["offset"] + sum(factor * trip for factor, trip in zip(counter["factors"], trips, strict=True))
