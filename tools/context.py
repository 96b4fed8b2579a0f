"""The xDSL context that tools compile in."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.universe import Universe


def new_context() -> Context:
    """A context that knows every dialect of the universe, each loaded when it is first met."""
    context = Context()
    for name, factory in Universe.get_multiverse().all_dialects.items():
        context.register_dialect(name, factory)
    return context
