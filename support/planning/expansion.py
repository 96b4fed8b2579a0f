"""What is expanded into one memory with what it is made from: an order in which first fit wastes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from webdnn.support.planning.storage import Block


def expansion_order(blocks: Sequence[Block]) -> list[int]:
    """The order for first fit: what stays to the end, as it is born, and then what dies before, as it dies.

    So results lie above one another, and what a task reads lies above its result, where those of later tasks will be.
    Let all that dies before the end be there from the start, and a task t add the bytes r(t) and free the bytes s(t).
    First fit then puts what is freed by t at the end of r(1) … r(t), or behind what is freed earlier: as jobs of
    length s(t) that are released there. The last of them ends at the largest r(1) + … + r(t) + s(t) + … + s(n), and
    that is what lives while t runs: no arena is smaller.
    """
    end = max((part.end for block in blocks for part in block.parts), default=0)

    def rank(block: Block) -> tuple[bool, int, int]:
        start, stop = min(p.start for p in block.parts), max(p.end for p in block.parts)
        return (True, stop, start) if stop < end else (False, start, stop)

    return sorted(range(len(blocks)), key=lambda b: rank(blocks[b]))
