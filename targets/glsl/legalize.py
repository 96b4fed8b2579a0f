"""`glsl-legalize`: what GLSL ES cannot say is said otherwise; each kernel is the shader of one texel."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i1, i32
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.affine import constant_of
from webdnn.dialects.kernel.builder import Body
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.passes.kernel.loops.expand_math import EXPANSIONS, expand
from webdnn.support.diagnostic import fail
from webdnn.targets.casts import legalize_cast
from webdnn.targets.comparisons import expand_comparison
from webdnn.targets.glsl.layers import MOST_LAYERS, drop_layers, layer_of, layers_of
from webdnn.targets.opaque import hide_constants
from webdnn.targets.scalarize import has_no_vectors, scalarize

BITS = (arith.AndIOp, arith.OrIOp, arith.XOrIOp, arith.ShRUIOp)


def check_texel(function: FuncOp) -> None:
    """A fragment shader writes its own texel, once in each of few layers, and reads other textures."""
    if (most := max(map(layers_of, function.buffers))) > MOST_LAYERS:
        problem = f"has a buffer in {most} layers, where devices draw to {MOST_LAYERS} at a time"
        fail(function, problem, hint=f"run 'kernel-assign-layers{{most={MOST_LAYERS}}}'")
    stores = [op for op in function.walk() if isinstance(op, memref.StoreOp)]
    loaded = {op.memref for op in function.walk() if isinstance(op, memref.LoadOp)}
    written = {op.memref for op in stores}
    if any(isinstance(op, ReadOp | WriteOp) for op in function.walk()) or len(written) != 1:
        fail(function, "does not write one whole texel", hint="run 'kernel-map-points{texels=true}' first")
    (target,) = written
    if [layer_of(op) for op in stores] != list(range(len(stores))):
        fail(function, "writes another texel than its own", hint="run 'kernel-map-points{texels=true}' first")
    if target in loaded:
        fail(
            function,
            "reads the texture that it writes",
            hint="run 'kernel-assign-buffers{in-place=false}' for targets with textures",
        )


def legalize_integers(op: Operation) -> None:
    """ES 1.00 has no shifts, no bits, and min and max of floats alone."""
    if isinstance(op, arith.BitcastOp) or (isinstance(op, BITS) and op.operands[0].type != i1):
        fail(op, "works on bits, which GLSL ES 1.00 does not have", hint="webgl2 runs it")
    body = Body()
    match op:
        case arith.MaxSIOp() | arith.MinSIOp():
            first_wins = body.less(op.rhs, op.lhs) if isinstance(op, arith.MaxSIOp) else body.less(op.lhs, op.rhs)
            value = body.select(first_wins, op.lhs, op.rhs)
        case arith.ShLIOp():
            value = body.times(op.lhs, power(body, op))
        case arith.ShRSIOp():
            value = body.add(arith.FloorDivSIOp(op.lhs, power(body, op)))
        case _:
            return
    Rewriter.replace_op(op, body.ops, [value])
    for made in body.ops:
        expand(made, set(EXPANSIONS))


def part_difference(op: Operation) -> None:
    """c ? x + k : x -> x + (c ? k : 0), of integers.

    A compiler has been seen to take minutes over the former, where minima and maxima follow it: its time grew with the
    fourth power of their number.
    """
    match op:
        case arith.SelectOp(lhs=OpResult(op=arith.AddiOp() as total), rhs=x) if x in total.operands:
            body = Body()
            step = total.rhs if total.lhs is x else total.lhs
            value = body.plus(x, body.select(op.cond, step, body.constant(0, x.type)))
            Rewriter.replace_op(op, body.ops, [value])
            if not total.result.uses:
                Rewriter.erase_op(total)
        case _:
            pass


def power(body: Body, shift: arith.ShLIOp | arith.ShRSIOp) -> SSAValue:
    """2^count, of the constant that a shift is by."""
    by = constant_of(shift.rhs)
    if by is None:
        fail(shift, "shifts by a computed count, which GLSL ES 1.00 does not have", hint="webgl2 runs it")
    return body.add(arith.ConstantOp(IntegerAttr(1 << by, i32)))


@dataclass(frozen=True)
class GlslLegalizePass(ModulePass):
    """Leave only what `webdnn-glsl` (`version=300`) or `webdnn-glsl100` (`version=100`) spells.

    Comparisons, logic and selects of vectors go lane by lane; infinities and NaN are made at run time; ES 1.00 has no
    shifts, and no layers. max and min of NaN are the device's.

    Before:

        %m = kernel.lanes %a, %b, %c, %d : vector<4xi1>
        %s = arith.select %m, %x, %y : vector<4xi1>, vector<4xf32>

    After:

        %s0 = arith.select %a, %x0, %y0 : f32
        …
        %s = kernel.lanes %s0, %s1, %s2, %s3 : vector<4xf32>

    Leaves alone: arithmetic of whole vectors. Run after `kernel-lower-accesses{texels=true}`.
    """

    name = "glsl-legalize"
    version: int = 300

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp):
                continue
            if self.version == 100:
                drop_layers(function)
            check_texel(function)
            scalarize(function, has_no_vectors)
            for inner in list(function.walk()):
                part_difference(inner)
                expand_comparison(inner, nan_by_bits=self.version == 300)
                legalize_cast(inner)
                if self.version == 100:
                    legalize_integers(inner)
            hide_constants(function, bits=self.version == 300)
