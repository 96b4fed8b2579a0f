"""`dnn-fold-constants`: what is known whatever the inputs are is computed now: from constants, or zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import MulOp, SubOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import byte_size, constant_of, decodes_weight, grouped_operands, known
from webdnn.dialects.dnn.reference.registry import MEANINGS, evaluate
from webdnn.dialects.element import element_type, shape_of
from webdnn.passes.dnn.rewriting import bodies, erase_dead, fused_location
from webdnn.support.weights import numpy_dtype

GROWTH = 2
"""How many times larger than its operands a folded result may be, …"""

ALLOWANCE = 1 << 20
"""… and how many bytes more: small tables are cheaper to load than to compute."""


def worth_folding(op: DnnOp) -> bool:
    """Is this an operator on constants whose results are not much larger than they are?"""
    if isinstance(op, ConstantOp) or type(op) not in MEANINGS or not op.has_trait(Pure) or not op.operands:
        return False
    if decodes_weight(op):
        return False
    if not all(isinstance(o.owner, ConstantOp) for o in op.operands):
        return False
    given = sum(byte_size(o) for o in {o: None for o in op.operands})
    return sum(byte_size(r) for r in op.results) <= GROWTH * given + ALLOWANCE


def is_zero(op: DnnOp) -> bool:
    """x - x = 0 and x * 0 = 0, where x are integers: floats may be infinite or NaN. Large zeros are left alone."""
    if not isinstance(op, SubOp | MulOp) or not element_type(op.result_types[0]).is_integer:
        return False
    if byte_size(op.results[0]) > ALLOWANCE:
        return False
    arrays = [known(operand) for operand in op.operands]
    factor = isinstance(op, MulOp) and any(array is not None and not array.any() for array in arrays)
    return factor or (isinstance(op, SubOp) and op.operands[0] is op.operands[1])


def results_of(op: DnnOp) -> Sequence[Array]:
    return evaluate(op, [None if o is None else known(o) for o in grouped_operands(op)])


def zeros_of(op: DnnOp) -> Sequence[Array]:
    return [as_array(np.zeros(shape_of(r), numpy_dtype(element_type(r.type)))) for r in op.results]


def fold(op: DnnOp, arrays: Sequence[Array]) -> None:
    """op(…) -> constants"""
    for result, array in zip(op.results, arrays, strict=True):
        if result.first_use:
            constant = constant_of(array)
            constant.location = fused_location(op)
            constant.output.name_hint = result.name_hint
            Rewriter.insert_op(constant, InsertPoint.before(op))
            result.replace_all_uses_with(constant.output)
    erase_dead(op)


@dataclass(frozen=True)
class DnnFoldConstantsPass(ModulePass):
    """Evaluate operators on constants, by the numpy reference, in one sweep; then remove constants that nobody reads.

    Of integers, x - x and x * 0 are constants too: functions make zeros of a shape in this way.

    Before:

        %t = dnn.transpose %w {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
        %y = dnn.matmul %x, %t : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>

    After:

        %t = dnn.constant #dnn.weight<… : tensor<3x2xf32>> : tensor<3x2xf32>
        %y = dnn.matmul %x, %t : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>

    Leaves alone: what would become more than twice as large as its operands and 1 MiB (an expanded scalar is computed
    where it is read, not downloaded), and weights of integers that are dequantized or widened. Run after
    `dnn-elide-identities` or anything that makes new constants.
    """

    name = "dnn-fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in bodies(op):
            for operator in list(block.ops):
                if isinstance(operator, DnnOp) and is_zero(operator):
                    fold(operator, zeros_of(operator))
                elif isinstance(operator, DnnOp) and worth_folding(operator):
                    fold(operator, results_of(operator))
            for operator in reversed(list(block.ops)):
                if isinstance(operator, ConstantOp):
                    erase_dead(operator)
