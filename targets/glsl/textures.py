"""How flat buffers lie in RGBA textures: four elements a texel, rows of a fixed width."""

from __future__ import annotations

from webdnn.support.diagnostic import DiagnosticError

LANES = 4
WIDTH = 2048
"""Texels of a full row; the texel of number q is at (q mod 2048, q div 2048)."""

MOST_ROWS = 4096
"""Rows of a texture, which nearly all devices allow."""


def texture_bytes(side: int) -> int:
    """Bytes of a buffer of floats that a texture holds, on a device that allows so many texels a side."""
    assert side >= WIDTH, "rows are full"
    return side * WIDTH * LANES * 4


def texels_of(elements: int) -> int:
    return -(-elements // LANES)


def extent(elements: int, place: str = "") -> tuple[int, int]:
    """Width and height of the texture that holds a buffer; one row may be shorter. Raises DiagnosticError."""
    texels = max(1, texels_of(elements))
    rows = -(-texels // WIDTH)
    if rows > MOST_ROWS:
        raise DiagnosticError(
            f"a tensor of {elements} elements needs a texture of {rows} rows, and devices have {MOST_ROWS}",
            where=place,
            hint="run 'kernel-split-buffers' first, which cuts it",
        )
    return min(texels, WIDTH), rows
