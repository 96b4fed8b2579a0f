"""xDSL's verifier with an error that says where: the place and the operation, not a print of the whole module."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from webdnn.support.diagnostic import where


def verify_module(module: ModuleOp) -> None:
    """Verify every operation; the `VerifyException` raised names the first one that is wrong."""
    try:
        module.verify()
    except VerifyException as error:
        raise VerifyException(_located(module, str(error))) from None


def _located(module: ModuleOp, problem: str) -> str:
    """Find the operation that failed: xDSL keeps it only in the printed module."""
    for op in module.walk():
        if (own := _own_problem(op)) is not None:
            return f"{where(op)}: '{op.name}' does not verify: {own}"
    return problem


def _own_problem(op: Operation) -> str | None:
    try:
        op.verify(verify_nested_ops=False)
    except VerifyException as error:
        return str(error)
    return None
