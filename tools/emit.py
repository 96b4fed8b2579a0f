"""A module of any level as code in the language of a target, after all passes of its backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from webdnn.targets.pipelines import GRAPH
from webdnn.targets.program import Program
from webdnn.tools.backends import BACKENDS
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context
from webdnn.universe import WEBDNN_UNIVERSE

LANGUAGES: Mapping[str, str] = {language: name for name, backend in BACKENDS.items() for language in backend.languages}
"""Language → the backend whose passes lead to it."""


def emit(module: ModuleOp, language: str) -> str:
    """The code of a whole program. Raises DiagnosticError."""
    name = LANGUAGES[language]
    backend, compiler = BACKENDS[name], Compiler(new_context())
    module = module.clone()
    compiler.run(name, module, (*GRAPH, *backend.passes, *backend.languages[language]))
    return SPELLERS.get(language, spelled_by_target)(module, language, compiler.context)


def spelled_by_target(module: ModuleOp, language: str, context: Context) -> str:
    """Kernels that are programs of their own, by the target that is registered for the language."""
    text = StringIO()
    WEBDNN_UNIVERSE.all_targets[f"webdnn-{language}"]()().emit(context, module, text)
    return text.getvalue()


def spelled_wasm(module: ModuleOp, language: str, context: Context) -> str:
    """One module with everything, for engines with relaxed SIMD."""
    from webdnn.targets.wasm.bundle import wasm_text
    from webdnn.targets.wasm.memory import Memory
    from webdnn.targets.wasm.variants import VARIANTS

    return wasm_text(module, Memory.of(Program.of(module), module), VARIANTS[0], context)


SPELLERS: Mapping[str, Callable[[ModuleOp, str, Context], str]] = {"wasm": spelled_wasm}
"""Languages in which a program is more than its kernels."""
