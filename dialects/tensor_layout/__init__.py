"""The `tensor_layout` dialect: how values lie in memory.

Operators keep their `dnn` names here; their tensors' types carry a layout as encoding.
"""

from xdsl.ir import Dialect

from webdnn.dialects.tensor_layout.convert import ConvertOp
from webdnn.dialects.tensor_layout.layout import LayoutAttr, layout_of, stored_type, with_layout

TENSOR_LAYOUT = Dialect("tensor_layout", [ConvertOp], [LayoutAttr])

__all__ = ["TENSOR_LAYOUT", "ConvertOp", "LayoutAttr", "layout_of", "stored_type", "with_layout"]
