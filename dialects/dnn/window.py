"""Windows that slide over spatial axes: what convolutions and poolings check alike."""

from collections.abc import Sequence

from webdnn.support.shapes import ShapeError, window_count


def check_window(
    kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int], rank: int
) -> None:
    """One kernel extent, stride and dilation for each spatial axis, and two pads. Raises ShapeError."""
    found = (len(kernel), len(strides), len(dilations), len(pads))
    if found != (rank, rank, rank, 2 * rank):
        raise ShapeError(
            f"found {found[0]} kernel extents, {found[1]} strides, {found[2]} dilations and {found[3]} pads, "
            f"expected {rank}, {rank}, {rank} and {2 * rank} for {rank} spatial axes"
        )
    if any(v < 1 for v in (*kernel, *strides, *dilations)) or any(p < 0 for p in pads):
        raise ShapeError(
            f"found kernel {list(kernel)}, strides {list(strides)}, dilations {list(dilations)} and pads {list(pads)}, "
            "expected them positive (pads perhaps zero)"
        )


def slide(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    ceil: bool = False,
) -> list[int]:
    """How many windows fit along each spatial axis. Raises ShapeError."""
    rank = len(spatial)
    check_window(kernel, strides, dilations, pads, rank)
    return [
        window_count(spatial[i], kernel[i], strides[i], dilations[i], pads[i], pads[i + rank], ceil)
        for i in range(rank)
    ]
