"""What the kernel form of an operator is written with: reads and computes in logical indices, whatever the layouts.

An operator's lowering speaks of the axes of its tensors' types alone. `Lowering.read` turns logical indices into those
of the stored array, and `Lowering.compute` runs over the stored axes of the result, so that one definition serves
every layout of every target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import TensorType, UnknownLoc
from xdsl.ir import Attribute, Operation, Region, SSAValue

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.element import compute_type, shape_of, tensor_type
from webdnn.dialects.kernel.affine import range_of
from webdnn.dialects.kernel.builder import Body, compute, name
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.program import ConcatOp, ReshapeOp
from webdnn.dialects.kernel.structure import YieldOp
from webdnn.dialects.tensor_layout import layout_of, stored_type
from webdnn.support.axis_layout import AxisLayout, row_major
from webdnn.support.index import Index, constant, symbol

Point = Callable[..., SSAValue | Sequence[SSAValue]]
"""(body, *logical indices) -> the value at that point, or one value for each result"""

Step = Callable[[Index, Sequence[SSAValue]], tuple[Sequence[SSAValue], Sequence[SSAValue]]]
"""(step, carried values) -> what they become, and a row for each stacked result"""


@dataclass
class Lowering:
    """Kernel operations being made for one operator. `stored` maps its operands to stored arrays."""

    stored: dict[SSAValue, SSAValue]
    layouts: dict[SSAValue, AxisLayout] = field(default_factory=dict[SSAValue, AxisLayout])
    ops: list[Operation] = field(default_factory=list[Operation])

    def layout(self, value: SSAValue) -> AxisLayout:
        """The layout of an operand, or of something that this lowering computed."""
        return self.layouts.get(value) or layout_of(value.type)

    def read(self, body: Body, value: SSAValue, indices: Sequence[Index], outside: SSAValue | None = None) -> SSAValue:
        """The element at logical indices, in its compute type. What may lie outside reads `outside`, or zero."""
        layout = self.layout(value)
        return body.read(self.stored.get(value, value), layout.stored_indices(indices, range_of), outside)

    def scalar(self, value: SSAValue) -> Attribute:
        """The compute type of a tensor's elements."""
        return compute_type(tensor_type(value).element_type)

    def compute(self, results: Sequence[SSAValue | TensorType[Attribute]], point: Point) -> list[SSAValue]:
        """A kernel over the points of `results`, which have one shape: stored arrays, in the layout of each one's type.

        Results with a layout of their own type (an operator's results) are laid out so; plain types are row-major.
        """
        types = [tensor_type(r) for r in results]
        layouts = [layout_of(t) for t in types]
        shape, layout = types[0].get_shape(), layouts[0]
        assert all(t.get_shape() == shape for t in types), "results of one kernel have one shape"

        def at(body: Body, *axes: Index) -> SSAValue | Sequence[SSAValue]:
            return point(body, *layout.logical_indices(axes))

        op = compute(layout.stored_shape(shape), [stored_type(t) for t in types], at, names=axis_names(layout))
        self.ops.append(op)
        self.layouts |= zip(op.res, layouts, strict=True)
        return list(op.res)

    def scan(
        self,
        trips: int,
        inits: Sequence[SSAValue],
        stacked: Sequence[TensorType[Attribute]],
        step: Step,
        *,
        names: str = "",
        reverse: bool = False,
    ) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
        """Steps one after another: the carried values after the last, and the stacked rows, all of them row-major.

        What `step` computes is made inside the loop; a single step is no loop.
        """
        if trips == 1:
            nexts, rows = step(constant(0), inits)
            return nexts, [self.reshape(row, type) for row, type in zip(rows, stacked, strict=True)]
        block = ScanOp.block_for(inits)
        op = ScanOp(trips, inits, Region(block), stacked, reverse=reverse)  # before its body: the counter has a range
        name(block.args, f"t {names}", "carried")
        outer, self.ops = self.ops, []
        nexts, rows = step(symbol(block.args[0]), block.args[1:])
        block.add_ops([*self.ops, YieldOp([*nexts, *rows])])
        self.ops = [*outer, op]
        return op.last, op.stacked

    def plain(self, value: SSAValue) -> SSAValue:
        """An operand stored row-major: as it is, or moved."""
        type = tensor_type(value)
        bare = TensorType(type.element_type, type.get_shape())
        layout, shape = self.layout(value), type.get_shape()
        if layout.essence(shape) == row_major(len(shape)).essence(shape):
            stored = self.stored.get(value, value)
            return stored if stored.type == bare else self.reshape(value, bare)

        def element(body: Body, *at: Index) -> SSAValue:
            return self.read(body, value, at)

        return self.compute([bare], element)[0]

    def settled(self, value: SSAValue, result: SSAValue) -> SSAValue:
        """Something that was computed row-major as a result of the operator: as it is, or moved, or rounded."""
        type, made = tensor_type(result), tensor_type(value)
        layout, shape = layout_of(type), type.get_shape()
        if type.element_type == made.element_type and layout.essence(shape) == row_major(len(shape)).essence(shape):
            return value if stored_type(type) == made else self.reshape(value, result)

        def element(body: Body, *at: Index) -> SSAValue:
            return body.read(value, at)

        return self.compute([result], element)[0]

    def reshape(self, value: SSAValue, result: SSAValue | TensorType[Attribute]) -> SSAValue:
        """The same stored elements as another type; both must be stored in the same order."""
        op = ReshapeOp(self.stored.get(value, value), stored_type(tensor_type(result)))
        self.ops.append(op)
        self.layouts[op.result] = layout_of(tensor_type(result))
        return op.result

    def concat(self, axis: int, values: Sequence[SSAValue], result: SSAValue) -> SSAValue:
        """Stored arrays of one layout side by side along a logical axis."""
        stored_axis = self.layout(result).order.index(axis)
        parts = [self.stored.get(v, v) for v in values]
        op = ConcatOp(stored_axis, parts, stored_type(tensor_type(result)))
        self.ops.append(op)
        self.layouts[op.result] = self.layout(result)
        return op.result


def axis_names(layout: AxisLayout) -> str:
    """Hints for the axes of a compute, from what axes of that place usually are."""
    names = {1: "i", 2: "m n", 3: "b m n", 4: "n c y x", 5: "n c z y x"}.get(layout.rank)
    logical = names.split() if names else [f"i{axis}" for axis in range(layout.rank)]
    return " ".join([*(logical[axis] for axis in layout.order), *(["lane"] if layout.block else [])])


LowererT = TypeVar("LowererT", bound=Callable[..., Sequence[SSAValue]])
LOWERINGS: dict[type[Operation], Callable[..., Sequence[SSAValue]]] = {}


def lowers(*kinds: type[DnnOp]) -> Callable[[LowererT], LowererT]:
    """Decorate the kernel form of an operator: `def conv(op, low: Lowering) -> stored results`."""

    def register(function: LowererT) -> LowererT:
        for kind in kinds:
            assert kind not in LOWERINGS, f"{kind.name} is lowered twice"
            LOWERINGS[kind] = function
        return function

    return register


def kernels_of(op: Operation, stored: dict[SSAValue, SSAValue]) -> tuple[list[Operation], list[SSAValue]]:
    """The kernels of one operator, where that says they come from, and its stored results."""
    low = Lowering(stored)
    results = LOWERINGS[type(op)](op, low)
    for made in (inner for outer in low.ops for inner in outer.walk()):
        if isinstance(made.location, UnknownLoc):
            made.location = op.location
    for made in low.ops:
        for result in made.results:
            result.name_hint = result.name_hint or op.results[0].name_hint
    return low.ops, list(results)


def broadcast_indices(value: SSAValue, indices: Sequence[Index]) -> list[Index]:
    """The indices at which an operand that broadcasts to the shape of `indices` is read."""
    shape = shape_of(value)
    kept = indices[len(indices) - len(shape) :]
    return [Index(0, {}) if extent == 1 else index for index, extent in zip(kept, shape, strict=True)]
