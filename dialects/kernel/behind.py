"""What a value of a kernel's body is computed from."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Block, SSAValue


def values_behind(value: SSAValue) -> Iterator[SSAValue]:
    """The value, and all that it is computed from, bodies included: each once, since large bodies share values."""
    seen, to_see = set[SSAValue](), [value]
    while to_see:
        found = to_see.pop()
        if found in seen:
            continue
        seen.add(found)
        yield found
        if not isinstance(found.owner, Block):
            to_see += [operand for inner in found.owner.walk() for operand in inner.operands]
