"""Recurrent layers: lstm, gru and rnn, one direction each."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import ArrayAttr, BoolAttr, DenseArrayBase, FloatAttr, StringAttr, TensorType, f64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure

from webdnn.dialects.dnn.base import DnnOp, Tensor, same_element, typed
from webdnn.dialects.element import element_type, shape_of
from webdnn.support.shapes import ShapeError

ACTIVATIONS = (
    "affine",
    "elu",
    "hard_sigmoid",
    "leaky_relu",
    "relu",
    "scaled_tanh",
    "sigmoid",
    "softplus",
    "softsign",
    "tanh",
    "thresholded_relu",
)
"""What a gate or a state may pass through, with the parameters alpha and beta where the function has any."""


def spelled(optional: Sequence[str], results: Sequence[str]) -> str:
    """The format of an operator: four operands, optional ones by their names, attributes, types."""
    first = ("input", "weights", "recurrent", "bias")
    named = [f"(`{name}` ${name}^ `:` type(${name}))?" for name in optional]
    types = [" `,` ".join(f"type(${name})" for name in names) for names in (first, results)]
    operands = " `,` ".join(f"${name}" for name in first)
    return " ".join([operands, *named, "attr-dict `:` `(`", types[0], "`)` `->` `(`", types[1], "`)`"])


class RecurrentOp(DnnOp):
    """Steps over the first axis of the input (T, B, I), each of which computes a new state (B, H) from the last.

    Weights (G, H, I), recurrent weights (G, H, H) and the bias (G, H) hold a slice for each of the G gates. `lengths`
    (B), if given, says how many steps each element of the batch has: its state stays as it is after them, and its rows
    of `y` are zero. States begin as `initial_h` (B, H), or zero. With `reverse`, steps go from the last to the first.
    `activations` name the functions f, g, … of the formulas, `alphas` and `betas` their parameters; gates are clipped
    to -clip … clip before their function.
    """

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())

    # Subclasses define operands and results: xDSL would put what is defined here behind theirs.
    activations = prop_def(ArrayAttr[StringAttr])
    alphas = prop_def(DenseArrayBase.constr(f64))
    betas = prop_def(DenseArrayBase.constr(f64))
    clip = opt_prop_def(FloatAttr.constr(f64))
    reverse = prop_def(BoolAttr)
    traits = traits_def(Pure())

    GATES: ClassVar[int]
    FUNCTIONS: ClassVar[int]
    """How many activations there are."""

    @property
    def functions(self) -> list[tuple[str, float, float]]:
        """Each activation with its parameters."""
        names = [a.data for a in self.activations]
        return list(zip(names, self.alphas.get_values(), self.betas.get_values(), strict=True))

    @classmethod
    def result_count(
        cls, operands: Sequence[SSAValue | Sequence[SSAValue] | None], properties: Mapping[str, Attribute | None]
    ) -> int:
        return 2

    def check(
        self, recurrent: Sequence[SSAValue | None], lengths: SSAValue | None, states: Sequence[SSAValue | None]
    ) -> tuple[int, int, int]:
        """The numbers of steps, of elements of the batch, and of hidden units. Raises ShapeError."""
        input, weights = shape_of(self.operands[0]), shape_of(self.operands[1])
        if len(input) != 3 or len(weights) != 3 or weights[0] != self.GATES or weights[2] != input[2]:
            raise ShapeError(
                f"found input {list(input)} and weights {list(weights)}, expected (T, B, I) and ({self.GATES}, H, I)"
            )
        (steps, batch, _), hidden = input, weights[1]
        wanted = [(self.GATES, hidden, hidden), (self.GATES, hidden)]
        for value, shape in [*zip(recurrent, wanted, strict=True), *((s, (batch, hidden)) for s in states)]:
            if value and shape_of(value) != shape:
                raise ShapeError(f"found an operand of shape {list(shape_of(value))}, expected {list(shape)}")
        if lengths and (shape_of(lengths) != (batch,) or not element_type(lengths.type).is_integer):
            raise ShapeError(f"found lengths of type {lengths.type}, expected an integer for each of {batch}")
        floats = [o for o in self.operands if o is not lengths]
        same_element(*floats)
        if not element_type(floats[0].type).is_float:
            raise ShapeError(f"found elements of type {element_type(floats[0].type).name}, expected floats")
        self.check_functions()
        return steps, batch, hidden

    def check_functions(self) -> None:
        counts = [len(self.activations), len(self.alphas), len(self.betas)]
        if counts != [self.FUNCTIONS] * 3:
            raise ShapeError(f"found {counts} activations, alphas and betas, expected {self.FUNCTIONS} of each")
        for name, _, _ in self.functions:
            if name not in ACTIVATIONS:
                raise ShapeError(f"found activation '{name}', expected one of {', '.join(ACTIVATIONS)}")

    def states(self, steps: int, batch: int, hidden: int, count: int) -> list[Tensor]:
        """The types of all rows, and of the last states."""
        like = self.operands[0]
        return [typed(like, [steps, batch, hidden]), *[typed(like, [batch, hidden])] * count]


@irdl_op_definition
class LstmOp(RecurrentOp):
    """Long short-term memory, its gates in the order input, output, forget, cell. ONNX `LSTM`.

    i = f(x·Wi + h·Ri + bi + pi*c), forget = f(… + pf*c), c' = forget*c + i*g(x·Wc + h·Rc + bc),
    o = f(… + po*c'), h' = o*k(c'), with the activations f, g, k and the peepholes p (3, H) of input, output and
    forget gate. With `input_forget`, forget is 1 - i. `y` holds all h, `h` and `c` are the last.

    ```mlir
    %y, %h, %c = dnn.lstm %x, %w, %r, %b {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0, 0, 0>,
                                          betas = array<f64: 0, 0, 0>, reverse = false, input_forget = false, …}
               : (tensor<5x1x3xf32>, tensor<4x2x3xf32>, tensor<4x2x2xf32>, tensor<4x2xf32>)
              -> (tensor<5x1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>)
    ```
    """

    name = "dnn.lstm"
    GATES: ClassVar = 4
    FUNCTIONS: ClassVar = 3
    input = operand_def(TensorType)
    weights = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    initial_c = opt_operand_def(TensorType)
    peepholes = opt_operand_def(TensorType)
    y = result_def(TensorType)
    h = result_def(TensorType)
    c = result_def(TensorType)
    input_forget = prop_def(BoolAttr)
    assembly_format = spelled(("lengths", "initial_h", "initial_c", "peepholes"), ("y", "h", "c"))

    @classmethod
    def result_count(
        cls, operands: Sequence[SSAValue | Sequence[SSAValue] | None], properties: Mapping[str, Attribute | None]
    ) -> int:
        return 3

    def infer(self) -> Sequence[Tensor]:
        found = self.check([self.recurrent, self.bias], self.lengths, [self.initial_h, self.initial_c])
        if self.peepholes and shape_of(self.peepholes) != (3, found[2]):
            raise ShapeError(f"found peepholes {list(shape_of(self.peepholes))}, expected {[3, found[2]]}")
        return self.states(*found, count=2)


@irdl_op_definition
class GruOp(RecurrentOp):
    """A gated recurrent unit, its gates in the order update, reset, hidden. ONNX `GRU`.

    z = f(x·Wz + h·Rz + bz), r = f(x·Wr + h·Rr + br), n = g(x·Wn + (r*h)·Rn + bn), h' = (1 - z)*n + z*h, with the
    activations f, g. With `linear_before_reset`, n = g(x·Wn + r*(h·Rn + hidden_bias) + bn).

    ```mlir
    %y, %h = dnn.gru %x, %w, %r, %b {activations = ["sigmoid", "tanh"], alphas = array<f64: 0, 0>,
                                     betas = array<f64: 0, 0>, reverse = false, linear_before_reset = false, …}
           : (tensor<5x1x3xf32>, tensor<3x2x3xf32>, tensor<3x2x2xf32>, tensor<3x2xf32>)
          -> (tensor<5x1x2xf32>, tensor<1x2xf32>)
    ```
    """

    name = "dnn.gru"
    GATES: ClassVar = 3
    FUNCTIONS: ClassVar = 2
    input = operand_def(TensorType)
    weights = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    hidden_bias = opt_operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    y = result_def(TensorType)
    h = result_def(TensorType)
    linear_before_reset = prop_def(BoolAttr)
    assembly_format = spelled(("hidden_bias", "lengths", "initial_h"), ("y", "h"))

    def infer(self) -> Sequence[Tensor]:
        found = self.check([self.recurrent, self.bias], self.lengths, [self.initial_h])
        if self.hidden_bias and not self.linear_before_reset.value.data:
            raise ShapeError("found a hidden bias without linear_before_reset, expected it to be part of the bias")
        if self.hidden_bias and shape_of(self.hidden_bias) != found[2:]:
            raise ShapeError(f"found a hidden bias {list(shape_of(self.hidden_bias))}, expected {list(found[2:])}")
        return self.states(*found, count=1)


@irdl_op_definition
class RnnOp(RecurrentOp):
    """The plain recurrent layer, `h' = f(x·W + h·R + b)` with the activation f. ONNX `RNN`.

    ```mlir
    %y, %h = dnn.rnn %x, %w, %r, %b {activations = ["tanh"], alphas = array<f64: 0>, betas = array<f64: 0>,
                                     reverse = false, …}
           : (tensor<5x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>, tensor<1x2xf32>)
          -> (tensor<5x1x2xf32>, tensor<1x2xf32>)
    ```
    """

    name = "dnn.rnn"
    GATES: ClassVar = 1
    FUNCTIONS: ClassVar = 1
    input = operand_def(TensorType)
    weights = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    y = result_def(TensorType)
    h = result_def(TensorType)
    assembly_format = spelled(("lengths", "initial_h"), ("y", "h"))

    def infer(self) -> Sequence[Tensor]:
        return self.states(*self.check([self.recurrent, self.bias], self.lengths, [self.initial_h]), count=1)
