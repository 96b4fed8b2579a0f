"""The verifier says which operation is wrong, and prints no module."""

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr, i32, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.dialects.test import TestOp
from xdsl.utils.exceptions import VerifyException

from webdnn.support.verification import verify_module


def test_error_is_located_and_short() -> None:
    function = FuncOp("main", ((), (i64,)))
    value = TestOp(result_types=[i32], attributes={"big": StringAttr("payload")})
    function.body.block.add_ops([value, ReturnOp(value)])
    with pytest.raises(VerifyException, match=r"^@main: 'func\.return' does not verify: ") as caught:
        verify_module(ModuleOp([function]))
    assert "payload" not in str(caught.value)
    assert getattr(caught.value, "__notes__", []) == []


def test_right_module_passes() -> None:
    verify_module(ModuleOp([TestOp()]))
