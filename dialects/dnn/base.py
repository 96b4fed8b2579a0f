"""What operators of the `dnn` dialect share: inferred result types, their check, and attribute spellings."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

from xdsl.dialects.builtin import (
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    f64,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.dnn.traits import Elementwise, InPlaceable
from webdnn.dialects.element import tensor_type
from webdnn.support.shapes import ShapeError, broadcast

Tensor = TensorType[Attribute]
OpT = TypeVar("OpT", bound="DnnOp")
UNKNOWN = TensorType(f64, [])  # stands in for a result type until it is inferred


class DnnOp(IRDLOperation):
    """An operator whose result types follow from its operands and properties.

    `infer` is the one definition of them: `of` builds an operator with the types it gives, and the verifier compares.
    Layouts (the encodings of tensor types) are not its business and are ignored by the check.
    """

    irdl_options = (ParsePropInAttrDict(),)

    @abstractmethod
    def infer(self) -> Sequence[Tensor]:
        """The result types; raises ShapeError where operands do not fit."""

    @classmethod
    def of(
        cls: type[OpT],
        *operands: SSAValue | Sequence[SSAValue] | None,
        **properties: Attribute | None,
    ) -> OpT:
        """The operator with inferred result types. Raises ShapeError where operands do not fit."""
        probe = cls.draft(operands, [UNKNOWN] * cls.result_count(operands, properties), properties)
        types = probe.infer()
        probe.drop_all_references()
        return cls.draft(operands, types, properties)

    @classmethod
    def draft(
        cls: type[OpT],
        operands: Sequence[SSAValue | Sequence[SSAValue] | None],
        types: Sequence[Attribute],
        properties: Mapping[str, Attribute | None],
    ) -> OpT:
        op = cls.__new__(cls)
        IRDLOperation.__init__(op, operands=operands, result_types=cls.result_groups(types), properties=properties)
        return op

    @classmethod
    def result_count(
        cls, operands: Sequence[SSAValue | Sequence[SSAValue] | None], properties: Mapping[str, Attribute | None]
    ) -> int:
        """How many results an operator built from these will have."""
        return 1

    @classmethod
    def result_groups(cls, types: Sequence[Attribute]) -> Sequence[Attribute | Sequence[Attribute]]:
        """Result types as the operator's result definitions take them; one list where they are variadic."""
        return types

    def verify_(self) -> None:
        if any(has_open_extents(operand) for operand in self.operands):
            return  # until `dnn-infer-shapes` knows them
        try:
            expected = self.infer()
        except ShapeError as error:
            raise VerifyException(str(error)) from error
        found = [plain(tensor_type(r)) for r in self.results]
        if len(found) != len(expected) or not all(map(refines, expected, found)):
            raise VerifyException(
                f"found result types {', '.join(map(str, found))}, expected {', '.join(map(str, expected))}"
            )


def plain(type: Tensor) -> Tensor:
    """The type without its layout."""
    return TensorType(type.element_type, type.get_shape())


def has_open_extents(value: SSAValue) -> bool:
    """Does the type of a tensor leave an extent open, as in `tensor<?x4xf32>`?"""
    return any(extent < 0 for extent in tensor_type(value).get_shape())


def refines(type: Tensor, written: Tensor) -> bool:
    """Is this the written type, or what may stand for it: the same but for extents that it leaves open?"""
    shape, pattern = type.get_shape(), written.get_shape()
    return (
        type.element_type == written.element_type
        and len(shape) == len(pattern)
        and all(wanted < 0 or extent == wanted for extent, wanted in zip(shape, pattern, strict=True))
    )


def typed(like: SSAValue, shape: Sequence[int], element: Attribute | None = None) -> Tensor:
    """A tensor type of this shape, with the element of `like` unless another is given."""
    return TensorType(element or tensor_type(like).element_type, shape)


def same_element(*operands: SSAValue) -> Attribute:
    """The element type that all operands share."""
    elements = {tensor_type(o).element_type: None for o in operands}
    if len(elements) != 1:
        raise ShapeError(f"operands have element types {', '.join(map(str, elements))}, expected one")
    return next(iter(elements))


def broadcast_type(operands: Sequence[SSAValue], element: Attribute) -> Tensor:
    return TensorType(element, broadcast([tensor_type(o).get_shape() for o in operands]))


class UnaryOp(DnnOp):
    """One operand, and a result of its type."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), Elementwise(), InPlaceable())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue):
        IRDLOperation.__init__(self, operands=[input], result_types=[plain(tensor_type(input))])

    def infer(self) -> Sequence[Tensor]:
        return [plain(tensor_type(self.input))]


class BinaryOp(DnnOp):
    """Two operands of one element type, broadcast against each other as in numpy."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), Elementwise())
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue):
        type = broadcast_type([lhs, rhs], self.result_element(same_element(lhs, rhs)))
        IRDLOperation.__init__(self, operands=[lhs, rhs], result_types=[type])

    def infer(self) -> Sequence[Tensor]:
        return [broadcast_type([self.lhs, self.rhs], self.result_element(same_element(self.lhs, self.rhs)))]

    @classmethod
    def result_element(cls, element: Attribute) -> Attribute:
        """The element type of the result, given that of the operands."""
        return element


# Python values as properties, and back.


def ints(values: Sequence[int]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, list(values))


def integer(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)


def number(value: float) -> FloatAttr:
    return FloatAttr(value, f64)


def flag(value: bool) -> BoolAttr:
    return BoolAttr.from_bool(value)


def text(value: str) -> StringAttr:
    return StringAttr(value)
