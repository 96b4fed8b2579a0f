"""Numbers that a model computes, and that the user knows to lie in a range: counts of what they make room for."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.arithmetic import CastOp
from webdnn.dialects.dnn.base import ints
from webdnn.dialects.dnn.elementwise import MaxOp, MinOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import known
from webdnn.dialects.dnn.shape import ReshapeOp
from webdnn.dialects.element import element_attribute, element_type, shape_of
from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.emitter import Emitter
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import numpy_dtype

COUNT = "i32"
"""The type of counts"""


def within(emitter: Emitter, value: SSAValue, sizes: Sizes, name: str) -> SSAValue:
    """The integer, or the end of the range that is nearest. Raises DiagnosticError for what is not one integer."""
    shape, element, where = shape_of(value), element_type(value.type), f"value '{name}'"
    if not element.is_integer or any(extent != 1 for extent in shape):
        problem = f"is {element.name} {list(shape)}, and is bound to {sizes}"
        raise DiagnosticError(problem, where=where, hint="bind a number: one integer that says how many there are")
    if known(value) is not None:
        return value
    if element.bits < 32:
        (value,) = emitter.add(CastOp.of(value, to=element_attribute(COUNT)), where)
    wide = numpy_dtype(element_type(value.type))
    least, most = (emitter.constant(as_array(np.array(n, wide)), where) for n in (sizes.least, sizes.most))
    (raised,) = emitter.add(MaxOp(value, least), where)
    (number,) = emitter.add(MinOp(raised, most), where)
    (number,) = emitter.add(ReshapeOp.of(number, shape=ints([])), where)
    (number,) = emitter.add(CastOp.of(number, to=element_attribute(COUNT)), where)
    emitter.counting.note(number, sizes.least, sizes.most)
    (number,) = emitter.add(ReshapeOp.of(number, shape=ints(shape)), where)
    return emitter.add(CastOp.of(number, to=element_attribute(element.name)), where)[0]
