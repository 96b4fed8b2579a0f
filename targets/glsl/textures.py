"""How flat buffers lie in RGBA textures: four elements a texel, in nearly square textures."""

from __future__ import annotations

from math import isqrt

from webdnn.support.diagnostic import DiagnosticError

LANES = 4
WIDTH = 2048
"""Texels of the longest row; a row of w texels has the texel of number q at (q mod w, q div w)."""

MOST_ROWS = 4096
"""Rows of a texture, which nearly all devices allow."""


def texture_bytes(side: int) -> int:
    """Bytes of a buffer of floats that a texture holds, on a device that allows so many texels a side."""
    assert side >= WIDTH, "rows are full"
    return side * WIDTH * LANES * 4


def texels_of(elements: int) -> int:
    return -(-elements // LANES)


def width_of(texels: int) -> int:
    """A power of two. GPUs draw squares of 2x2 texels, so that textures of one row would take twice their time."""
    return min(WIDTH, 1 << isqrt(texels - 1).bit_length())


def extent(elements: int, place: str = "") -> tuple[int, int]:
    """Width and height of the texture that holds a buffer. Raises DiagnosticError."""
    texels = max(1, texels_of(elements))
    width = width_of(texels)
    rows = -(-texels // width)
    if rows > MOST_ROWS:
        raise DiagnosticError(
            f"a tensor of {elements} elements needs a texture of {rows} rows, and devices have {MOST_ROWS}",
            where=place,
            hint="run 'kernel-split-buffers' first, which cuts it",
        )
    return width, rows
