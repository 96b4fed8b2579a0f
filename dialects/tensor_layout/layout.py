"""The layout of a tensor as the encoding of its type."""

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, IntAttr, TensorType
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.element import is_tensor
from webdnn.support.axis_layout import AxisLayout, Storage, row_major


@irdl_attr_definition
class LayoutAttr(ParametrizedAttribute):
    """How a tensor is stored, a thin wrapper of `support/axis_layout.py`.

    `#tensor_layout.layout<[0, 2, 3, 1]>` is channels last; `block 1 by 4` cuts axis 1 in innermost blocks of 4;
    `align 4` rounds the last stored extent up; `texture` stores RGBA texels.
    """

    name = "tensor_layout.layout"
    order: ArrayAttr[IntAttr] = param_def()
    block: ArrayAttr[IntAttr] = param_def()
    align: IntAttr = param_def()
    storage: IntAttr = param_def()

    @classmethod
    def of(cls, layout: AxisLayout) -> "LayoutAttr":
        return cls(
            ArrayAttr([IntAttr(a) for a in layout.order]),
            ArrayAttr([IntAttr(b) for b in layout.block or ()]),
            IntAttr(layout.align),
            IntAttr(int(layout.storage is Storage.TEXTURE)),
        )

    @property
    def layout(self) -> AxisLayout:
        axis_factor = [b.data for b in self.block]
        return AxisLayout(
            tuple(a.data for a in self.order),
            (axis_factor[0], axis_factor[1]) if axis_factor else None,
            self.align.data,
            Storage.TEXTURE if self.storage.data else Storage.LINEAR,
        )

    def print_parameters(self, printer: Printer) -> None:
        text = "<[" + ", ".join(str(a.data) for a in self.order) + "]"
        if self.block.data:
            axis, factor = self.block.data
            text += f", block {axis.data} by {factor.data}"
        if self.align.data > 1:
            text += f", align {self.align.data}"
        if self.storage.data:
            text += ", texture"
        printer.print_string(text + ">")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        block, align, storage = list[int](), 1, 0
        with parser.in_angle_brackets():
            order = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
            while parser.parse_optional_punctuation(","):
                if parser.parse_optional_keyword("block"):
                    block = [parser.parse_integer()]
                    parser.parse_keyword("by")
                    block.append(parser.parse_integer())
                elif parser.parse_optional_keyword("align"):
                    align = parser.parse_integer()
                else:
                    parser.parse_keyword("texture")
                    storage = 1
        return [
            ArrayAttr([IntAttr(a) for a in order]),
            ArrayAttr([IntAttr(b) for b in block]),
            IntAttr(align),
            IntAttr(storage),
        ]

    def verify(self) -> None:
        try:
            _ = self.layout
        except ValueError as error:
            raise VerifyException(str(error)) from error


def layout_of(type: Attribute) -> AxisLayout:
    """The layout that a tensor type carries; row-major where it carries none."""
    assert is_tensor(type)
    if isinstance(type.encoding, LayoutAttr):
        return type.encoding.layout
    return row_major(type.get_num_dims())


def with_layout(type: Attribute, layout: AxisLayout) -> TensorType[Attribute]:
    """The tensor type stored in a layout."""
    assert is_tensor(type)
    return TensorType(type.element_type, type.get_shape(), LayoutAttr.of(layout))


def stored_type(type: TensorType[Attribute]) -> TensorType[Attribute]:
    """The type of the stored array: the extents in memory, without an encoding."""
    return TensorType(type.element_type, layout_of(type).stored_shape(type.get_shape()))
