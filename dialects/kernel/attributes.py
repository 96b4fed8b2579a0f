"""Attributes of the `kernel` dialect: schedules as data."""

from collections.abc import Sequence

from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, IntAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.ir.affine import AffineMap
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from webdnn.dialects.kernel.affine import ints
from webdnn.dialects.kernel.syntax import parse_ints, spell_ints


class ReduceKind(StrEnum):
    """How a reduction combines two values."""

    ADD = "add"
    MUL = "mul"
    MAX = "max"
    MIN = "min"
    AND = "and"
    OR = "or"


@irdl_attr_definition
class ReduceKindAttr(EnumAttribute[ReduceKind]):
    """How a reduction combines two values: `add`, `mul`, `max`, `min`, `and` or `or`."""

    name = "kernel.reduce_kind"


MergedRows = tuple[int, int, int]
"""(axis, into, rows): so many rows of an axis become one axis with a later one"""


@irdl_attr_definition
class ScheduleAttr(ParametrizedAttribute):
    """How a compute runs: `#kernel.schedule<tile [6, 8], order [0, 1], vector 1 by 4>`.

    tile: the extent of the register block, for each axis; order: the axes that are looped over in blocks, outermost
    first (an axis left out stays whole); expand: those of them whose blocks are copied instead of looped over;
    aligned: those whose blocks all begin at a multiple of the tile, where others have blocks of almost equal sizes;
    vector: the axis that has lanes, and how many; masked: what fills no whole vector is computed as one, and stored
    lane by lane; `merge 0 into 1 by 7`: so many rows of axis 0 become one axis with axis 1 before all else, and what is
    said besides speaks of the axes that this gives.
    """

    name = "kernel.schedule"
    tile: ArrayAttr[IntAttr] = param_def()
    order: ArrayAttr[IntAttr] = param_def()
    expand: ArrayAttr[IntAttr] = param_def()
    aligned: ArrayAttr[IntAttr] = param_def()
    axis: IntAttr = param_def()
    lanes: IntAttr = param_def()
    is_masked: IntAttr = param_def()
    merge: ArrayAttr[IntAttr] = param_def()

    @classmethod
    def of(
        cls,
        tile: Sequence[int],
        *,
        order: Sequence[int] | None = None,
        expand: Sequence[int] = (),
        aligned: Sequence[int] = (),
        vector: tuple[int, int] | None = None,
        masked: bool = False,
        merged: MergedRows | None = None,
    ) -> "ScheduleAttr":
        """`vector` is (axis, lanes), `merged` as its type says; the order defaults to every axis, first to last."""
        axis, lanes = vector or (-1, 1)
        order = range(len(tile)) if order is None else order
        numbers = IntAttr(axis), IntAttr(lanes), IntAttr(int(masked))
        return cls(ints(tile), ints(order), ints(expand), ints(aligned), *numbers, ints(merged or ()))

    @property
    def vector(self) -> tuple[int, int] | None:
        """(axis, lanes)"""
        return (self.axis.data, self.lanes.data) if self.axis.data >= 0 else None

    @property
    def masked(self) -> bool:
        """Is what fills no whole vector computed as one?"""
        return bool(self.is_masked.data)

    @property
    def merged(self) -> MergedRows | None:
        """The rows that become one axis first."""
        if not self.merge.data:
            return None
        axis, into, rows = (number.data for number in self.merge)
        return axis, into, rows

    def merging(self, merged: MergedRows | None) -> "ScheduleAttr":
        """The same schedule, of a compute that has yet to merge such rows, or none."""
        kept = (self.tile, self.order, self.expand, self.aligned, self.axis, self.lanes, self.is_masked)
        return ScheduleAttr(*kept, ints(merged or ()))

    def print_parameters(self, printer: Printer) -> None:
        text = f"<tile {spell_ints(self.tile)}, order {spell_ints(self.order)}"
        if self.expand.data:
            text += f", expand {spell_ints(self.expand)}"
        if self.aligned.data:
            text += f", aligned {spell_ints(self.aligned)}"
        if self.vector:
            text += f", vector {self.axis.data} by {self.lanes.data}" + (" masked" if self.masked else "")
        if self.merged:
            text += ", merge {} into {} by {}".format(*self.merged)
        printer.print_string(text + ">")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        axis, lanes, masked, expand, aligned, merge = -1, 1, 0, ints([]), ints([]), ints([])
        with parser.in_angle_brackets():
            parser.parse_keyword("tile")
            tile = parse_ints(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("order")
            order = parse_ints(parser)
            while parser.parse_optional_punctuation(","):
                if parser.parse_optional_keyword("expand"):
                    expand = parse_ints(parser)
                elif parser.parse_optional_keyword("aligned"):
                    aligned = parse_ints(parser)
                elif parser.parse_optional_keyword("merge"):
                    merged = parser.parse_integer()
                    parser.parse_keyword("into")
                    merge = ints([merged, *parse_by(parser)])
                else:
                    parser.parse_keyword("vector")
                    axis, lanes = parse_by(parser)
                    masked = int(parser.parse_optional_keyword("masked") is not None)
        return [tile, order, expand, aligned, IntAttr(axis), IntAttr(lanes), IntAttr(masked), merge]

    def verify(self) -> None:
        rank = len(self.tile)
        named = [a.data for a in (*self.order, *self.expand, *self.aligned)]
        if any(not 0 <= axis < rank for axis in named) or self.axis.data >= rank:
            raise VerifyException(f"the schedule names an axis outside its tile of {rank} axes")
        if any(t.data < 1 for t in self.tile) or self.lanes.data < 1:
            raise VerifyException("tile sizes and lanes must be at least 1")
        if self.merged and not (0 <= self.merged[0] < self.merged[1] < rank and self.merged[2] >= 1):
            raise VerifyException(f"the schedule merges axis {self.merged[0]} of {rank} into axis {self.merged[1]}")


@irdl_attr_definition
class LayersAttr(ParametrizedAttribute):
    """A memory space: the elements lie in layers of so many, one behind another: `#kernel.layers<12544>`.

    An invocation may write at the same place of each layer. The last one may hold fewer elements than the others.
    """

    name = "kernel.layers"
    elements: IntAttr = param_def()

    @classmethod
    def of(cls, elements: int) -> "LayersAttr":
        return cls(IntAttr(elements))

    def print_parameters(self, printer: Printer) -> None:
        printer.print_string(f"<{self.elements.data}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [IntAttr(parser.parse_integer())]

    def verify(self) -> None:
        if self.elements.data < 1:
            raise VerifyException(f"layers hold {self.elements.data} elements, expected at least 1")


def parse_by(parser: AttrParser) -> tuple[int, int]:
    """`0 by 7`"""
    axis = parser.parse_integer()
    parser.parse_keyword("by")
    return axis, parser.parse_integer()


@irdl_attr_definition
class UnrollAttr(ParametrizedAttribute):
    """How a reduction runs: `#kernel.unroll<[3, 2]>`, the points of each axis in one copy of the body.

    `vector by 4` gives lanes to its last axis; `points (…) -> (…)` orders the unrolled points by an affine key over
    the parallel axes and then the reduction's axes.
    """

    name = "kernel.unroll"
    factors: ArrayAttr[IntAttr] = param_def()
    lanes: IntAttr = param_def()
    points: ArrayAttr[AffineMapAttr] = param_def()

    @classmethod
    def of(cls, factors: Sequence[int], *, lanes: int = 1, points: AffineMap | None = None) -> "UnrollAttr":
        return cls(ints(factors), IntAttr(lanes), ArrayAttr([AffineMapAttr(points)] if points else []))

    def print_parameters(self, printer: Printer) -> None:
        vector = f", vector by {self.lanes.data}" if self.lanes.data > 1 else ""
        points = "".join(f", points {p.data}" for p in self.points)
        printer.print_string(f"<{spell_ints(self.factors)}{vector}{points}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        lanes, points = 1, list[AffineMapAttr]()
        with parser.in_angle_brackets():
            factors = parse_ints(parser)
            while parser.parse_optional_punctuation(","):
                if parser.parse_optional_keyword("vector"):
                    parser.parse_keyword("by")
                    lanes = parser.parse_integer()
                else:
                    parser.parse_keyword("points")
                    points.append(AffineMapAttr(parser.parse_affine_map()))
        return [factors, IntAttr(lanes), ArrayAttr(points)]

    def verify(self) -> None:
        if any(f.data < 1 for f in self.factors) or self.lanes.data < 1:
            raise VerifyException("unroll factors and lanes must be at least 1")
