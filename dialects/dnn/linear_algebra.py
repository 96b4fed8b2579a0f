"""Products of matrices and of tensors."""

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import Pure

from webdnn.dialects.dnn.axes import every_axis
from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.dnn.traits import Tensorwise
from webdnn.dialects.element import shape_of
from webdnn.support.shapes import ShapeError, broadcast


@irdl_op_definition
class MatmulOp(DnnOp):
    """`sum(k) a[…, m, k] * b[…, k, n]`; leading axes broadcast. ONNX `MatMul` on operands of at least two axes.

    ```mlir
    %y = dnn.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    ```
    """

    name = "dnn.matmul"
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)
    traits = traits_def(Pure(), Tensorwise(every_axis))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def infer(self) -> Sequence[Tensor]:
        a, b = shape_of(self.lhs), shape_of(self.rhs)
        if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
            raise ShapeError(f"cannot multiply {list(a)} by {list(b)}: expected […, m, k] and […, k, n]")
        same_element(self.lhs, self.rhs)
        return [typed(self.lhs, [*broadcast([a[:-2], b[:-2]]), a[-2], b[-1]])]


@irdl_op_definition
class EinsumOp(DnnOp):
    """A sum of products over named axes, in Einstein's notation. ONNX `Einsum`.

    A letter names an axis of each operand in whose term it occurs (twice: the diagonal); those that the result does
    not name are summed over. An axis of extent 1 broadcasts. There is no ellipsis and no white space.

    ```mlir
    %y = dnn.einsum %a, %b {equation = "bij,bkj->bik"} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
    ```
    """

    name = "dnn.einsum"
    inputs = var_operand_def(TensorType)
    output = result_def(TensorType)
    equation = prop_def(StringAttr)
    traits = traits_def(Pure(), Tensorwise(every_axis))
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    @property
    def terms(self) -> tuple[list[str], str]:
        """The letters of each operand, and those of the result."""
        left, arrow, right = self.equation.data.partition("->")
        terms = left.split(",")
        if not arrow or not all(not t or t.isalpha() for t in (*terms, right)) or len(set(right)) != len(right):
            raise ShapeError(f"cannot read the equation '{self.equation.data}', expected such as 'ij,jk->ik'")
        return terms, right

    @property
    def extents(self) -> dict[str, int]:
        """The extent of each letter's axis."""
        terms, _ = self.terms
        extents = dict[str, int]()
        if len(terms) != len(self.inputs):
            raise ShapeError(
                f"the equation '{self.equation.data}' has {len(terms)} terms for {len(self.inputs)} operands"
            )
        for term, operand in zip(terms, self.inputs, strict=True):
            if len(term) != len(shape_of(operand)):
                raise ShapeError(f"the term '{term}' does not name the axes of {list(shape_of(operand))}")
            for letter, extent in zip(term, shape_of(operand), strict=True):
                known = extents.setdefault(letter, extent)
                if extent != known and 1 not in (extent, known):
                    raise ShapeError(f"the axes '{letter}' have extents {known} and {extent}")
                extents[letter] = extent if known == 1 else known
        return extents

    def infer(self) -> Sequence[Tensor]:
        (_, result), extents = self.terms, self.extents
        if unknown := set(result) - set(extents):
            raise ShapeError(f"no operand has an axis '{min(unknown)}'")
        same_element(*self.inputs)
        return [typed(self.inputs[0], [extents[letter] for letter in result])]
