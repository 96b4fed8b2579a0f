"""What a value of a kernel's body is computed from."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Block, SSAValue

from webdnn.dialects.element import is_tensor


def values_behind(value: SSAValue) -> Iterator[SSAValue]:
    """The value, and all that it is computed from, bodies included: each once, since large bodies share values.

    Tensors that are read are among these, but not what those are computed from in turn.
    """
    seen, to_see = set[SSAValue](), [value]
    while to_see:
        found = to_see.pop()
        if found in seen:
            continue
        seen.add(found)
        yield found
        if not isinstance(found.owner, Block) and not is_tensor(found.type):
            to_see += [operand for inner in found.owner.walk() for operand in inner.operands]
