"""Storage to be placed: parts that live for some time, and blocks of parts that move together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Bytes `offset` to `offset + size` of a block, in use at the times start <= t < end.

    Raises a ValueError for a negative size or a life that ends before it starts.
    """

    start: int
    end: int
    offset: int
    size: int

    def __post_init__(self) -> None:
        """Check size and life."""
        if self.size < 0 or self.start > self.end:
            raise ValueError(f"no part has {self.size} bytes from time {self.start} to {self.end}")

    def meets(self, other: "Part", shift: int = 0) -> bool:
        """Whether this part and `other`, moved up by `shift` bytes, share a byte at some time."""
        low = other.offset + shift
        together = max(self.start, other.start) < min(self.end, other.end)
        return together and max(self.offset, low) < min(self.offset + self.size, low + other.size)


@dataclass(frozen=True)
class Block:
    """Parts at fixed distances from each other: one value, or several that share storage.

    Raises a ValueError for a part that starts below the block.
    """

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Check that the block starts at its origin."""
        if any(part.offset < 0 for part in self.parts):
            raise ValueError("a part starts below its block")

    @property
    def height(self) -> int:
        """The bytes from the block's origin to the end of its highest part."""
        return max((part.offset + part.size for part in self.parts), default=0)


def align(size: int, alignment: int) -> int:
    """The least multiple of `alignment` that is not below `size`, both in bytes."""
    return -(-size // alignment) * alignment
