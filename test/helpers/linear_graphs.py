"""Random graphs of the `dnn` dialect in which constants can move: affine maps, products, moves and what commutes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue

from webdnn.dialects.dnn.activation import LeakyReluOp
from webdnn.dialects.dnn.base import DnnOp, flag, integer, ints, number, text
from webdnn.dialects.dnn.convolution import ConvOp, ConvTransposeOp
from webdnn.dialects.dnn.elementwise import AddOp, DivOp, MulOp, NegOp, ReluOp, SubOp, TanhOp
from webdnn.dialects.dnn.linear_algebra import MatmulOp
from webdnn.dialects.dnn.normalization import BatchNormOp, GroupNormOp, LayerNormOp, RmsNormOp
from webdnn.dialects.dnn.pooling import AveragePoolOp, MaxPoolOp
from webdnn.dialects.dnn.reduction import ReduceMaxOp, ReduceMeanOp, ReduceSumOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.dnn.shape import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from webdnn.dialects.element import element_attribute, shape_of

AFFINE = (AddOp, SubOp, MulOp, DivOp)


class LinearGraph:
    """A graph that grows by random operators; `values` are those that further ones may read."""

    def __init__(self, seed: int, element: str = "f64", shape: Sequence[int] = (1, 4, 5, 6)):
        self.random = np.random.default_rng(seed)
        self.dtype = np.dtype(np.float64 if element == "f64" else np.float32)
        self.block = Block(arg_types=[TensorType(element_attribute(element), shape)])
        self.values: list[SSAValue] = [self.block.args[0]]

    def grow(self, count: int) -> ModuleOp:
        """A module of one function, of so many operators or a few more, that returns what nothing reads."""
        for _ in range(count):
            value = self.values[int(self.random.integers(max(0, len(self.values) - 4), len(self.values)))]
            choices = [self.affine, self.affine, self.move, self.commuting, self.joined]
            choices += [self.image] * 3 if len(shape_of(value)) == 4 else []
            choices += [self.rows] * 3 if len(shape_of(value)) in (2, 3) else []
            self.values.append(choices[int(self.random.integers(len(choices)))](value))
        results = [value for value in self.values[1:] if not value.first_use]
        self.block.add_op(func.ReturnOp(*results))
        types: list[Attribute] = [value.type for value in results]
        function = func.FuncOp("main", ([self.block.args[0].type], types), Region(self.block))
        return ModuleOp([function])

    def chosen(self, count: int) -> int:
        return int(self.random.integers(count))

    def put(self, op: DnnOp) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def constant(self, *shape: int) -> SSAValue:
        """Numbers of both signs between 1/2 and 2."""
        sizes = self.random.uniform(0.5, 2, shape) * self.random.choice([-1, 1, 1], shape)
        return self.put(constant_of(as_array(np.asarray(sizes).astype(self.dtype))))

    def affine(self, x: SSAValue) -> SSAValue:
        """By a number, by one for each place of an axis, or by one for each element."""
        kind = AFFINE[self.chosen(4)]
        shape = list(shape_of(x))
        axis = self.chosen(len(shape) + 2)
        shape = [n if axis in (a, len(shape)) else 1 for a, n in enumerate(shape)]
        if not self.chosen(8):
            return self.put(NegOp(x))
        operands = [x, self.constant(*shape)]
        return self.put(kind(*(operands if kind is DivOp or self.chosen(3) else operands[::-1])))

    def move(self, x: SSAValue) -> SSAValue:
        shape = list(shape_of(x))
        match self.chosen(3):
            case 0:
                return self.put(TransposeOp.of(x, permutation=ints(self.random.permutation(len(shape)).tolist())))
            case 1 if len(shape) > 2:
                axis = self.chosen(len(shape) - 1)
                merged = [*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]]
                return self.put(ReshapeOp.of(x, shape=ints(merged)))
            case 1:
                halves = [part for n in shape for part in ((2, n // 2) if n % 2 == 0 else (n,))]
                return self.put(ReshapeOp.of(x, shape=ints(halves)))
            case _:
                return self.split(x)

    def split(self, x: SSAValue) -> SSAValue:
        """Two halves of the longest axis, one of which is for others to read."""
        shape = shape_of(x)
        axis = int(np.argmax(shape))
        for start, size in ((0, shape[axis] // 2), (shape[axis] // 2, shape[axis] - shape[axis] // 2)):
            starts, sizes = [0] * len(shape), list(shape)
            starts[axis], sizes[axis] = start, max(1, size)
            steps = ints([1] * len(shape))
            self.values.append(self.put(SliceOp.of(x, starts=ints(starts), sizes=ints(sizes), steps=steps)))
        return self.values.pop()

    def commuting(self, x: SSAValue) -> SSAValue:
        axes, keep = ints([self.chosen(len(shape_of(x)))]), flag(True)
        match self.chosen(8):
            case 0:
                return self.put(LeakyReluOp.of(x, alpha=number(0.1)))
            case 1:
                return self.put(ReduceMeanOp.of(x, axes=axes, keepdims=keep))
            case 2:
                return self.put(ReduceSumOp.of(x, axes=axes, keepdims=keep))
            case 3:
                return self.put(ReduceMaxOp.of(x, axes=axes, keepdims=keep))
            case 4:
                return self.put(TanhOp(x))
            case 5:
                rank = len(shape_of(x))
                pads = [0] * (rank - 1) + [1] + [0] * (rank - 1) + [1]
                return self.put(PadOp.of(x, None, pads=ints(pads), mode=text(("constant", "edge")[self.chosen(2)])))
            case _:
                return self.put(ReluOp(x))

    def joined(self, x: SSAValue) -> SSAValue:
        """With another value: by element, one behind the other, or as factors of a product."""
        shape = shape_of(x)
        others = [value for value in self.values if shape_of(value) == shape]
        other = others[self.chosen(len(others))]
        match self.chosen(5):
            case 0:
                return self.put(ConcatOp.of([x, other], axis=integer(self.chosen(len(shape)))))
            case 1 if len(shape) > 1:
                turned = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
                return self.put(MatmulOp.of(x, self.put(TransposeOp.of(other, permutation=ints(turned)))))
            case 2:
                return self.put(MulOp(x, other))
            case 3:
                return self.put(SubOp(x, other))
            case _:
                return self.put(AddOp(x, other))

    def image(self, x: SSAValue) -> SSAValue:
        _, channels, *window = shape_of(x)
        pads = ints([self.chosen(2)] * 4)
        one, groups = ints([1, 1]), channels if not self.chosen(3) else 1
        bias = self.constant(4 if groups == 1 else channels) if self.chosen(2) else None
        weight = self.constant(4 if groups == 1 else channels, channels // groups, *[min(2, n) for n in window])
        match self.chosen(8):
            case 0:
                return self.put(BatchNormOp.of(x, *self.parameters(channels), epsilon=number(1e-3)))
            case 1:
                return self.put(self.pool(x, AveragePoolOp, count_include_pad=flag(bool(self.chosen(2)))))
            case 2:
                return self.put(self.pool(x, MaxPoolOp))
            case 3:
                scale, shift = self.constant(channels), self.constant(channels)
                return self.put(GroupNormOp.of(x, scale, shift, groups=integer(1), epsilon=number(1e-3)))
            case 4:
                properties = {"output_padding": ints([0, 0]), "pads": ints([0] * 4), "groups": integer(groups)}
                return self.put(ConvTransposeOp.of(x, weight, bias, strides=one, dilations=one, **properties))
            case _:
                return self.put(
                    ConvOp.of(x, weight, bias, strides=one, pads=pads, dilations=one, groups=integer(groups))
                )

    def parameters(self, channels: int) -> list[SSAValue]:
        """Scale, bias, mean and variance."""
        squared = as_array(np.square(self.random.uniform(0.5, 2, channels)).astype(self.dtype))
        return [*(self.constant(channels) for _ in range(3)), self.put(constant_of(squared))]

    def pool(self, x: SSAValue, kind: type[AveragePoolOp | MaxPoolOp], **properties: Attribute) -> DnnOp:
        kernel = [min(2, n) for n in shape_of(x)[2:]]
        pads = ints([int(n > 1) for n in kernel] * 2)
        one, ceil = ints([1, 1]), flag(False)
        return kind.of(x, kernel=ints(kernel), strides=one, pads=pads, dilations=one, ceil_mode=ceil, **properties)

    def rows(self, x: SSAValue) -> SSAValue:
        last = shape_of(x)[-1]
        match self.chosen(4):
            case 0:
                shift = self.constant(last) if self.chosen(2) else None
                axis = integer(len(shape_of(x)) - 1)
                return self.put(LayerNormOp.of(x, self.constant(last), shift, axis=axis, epsilon=number(1e-3)))
            case 1:
                axis = integer(len(shape_of(x)) - 1)
                return self.put(RmsNormOp.of(x, self.constant(last), axis=axis, epsilon=number(1e-3)))
            case 2:
                return self.put(MatmulOp.of(self.constant(3, shape_of(x)[-2]), x))
            case _:
                return self.put(MatmulOp.of(x, self.constant(last, 4)))
