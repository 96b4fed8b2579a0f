"""References into weight files: a tensor is named by the hash of its bytes."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class WeightAttr(ParametrizedAttribute):
    """A content-addressed reference: `#dnn.weight<w5f1c09aa : tensor<4xf32>>`.

    The bytes lie in the safetensors files that the module's `dnn.weights` attribute names (`support/weights.py`).
    """

    name = "dnn.weight"
    key: StringAttr = param_def()
    type: TensorType[Attribute] = param_def()

    MODULE_ATTRIBUTE: ClassVar = "dnn.weights"

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            key = parser.parse_identifier()
            parser.parse_punctuation(":")
            type = parser.parse_type()
        return [StringAttr(key), type]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.key.data} : ")
            printer.print_attribute(self.type)

    def verify(self) -> None:
        if any(extent < 0 for extent in self.type.get_shape()):
            raise VerifyException(f"a weight has a static shape, found {self.type}")
