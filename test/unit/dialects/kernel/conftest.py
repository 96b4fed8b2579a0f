"""IR as text for the tests of the kernel dialect."""

from collections.abc import Callable

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, builtin, func, math, vector
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from webdnn.dialects.dnn import DNN
from webdnn.dialects.kernel import KERNEL
from webdnn.dialects.tensor_layout import TENSOR_LAYOUT

Parse = Callable[[str], ModuleOp]


@pytest.fixture(scope="session")
def parse() -> Parse:
    """Parse and verify a module that may hold any level of tensors."""
    context = Context()
    for dialect in (builtin.Builtin, func.Func, arith.Arith, math.Math, vector.Vector, DNN, KERNEL, TENSOR_LAYOUT):
        context.load_dialect(dialect)

    def parsed(text: str) -> ModuleOp:
        module = Parser(context, text).parse_module()
        module.verify()
        return module

    return parsed
