"""The functions of a module that run its program: calls of kernels on constant addresses, and loops around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import Block, Operation, Region, SSAValue

from webdnn.dialects.kernel.affine import is_value
from webdnn.support.index import Index
from webdnn.targets.program import Call, Loop
from webdnn.targets.wasm.dialect import StoreOp
from webdnn.targets.wasm.memory import Memory
from webdnn.targets.wasm.threads import COUNTERS, FORK, SharedCall


@dataclass
class Calls:
    """Calls in order; those that are `shared` by threads have numbers.

    `chunks` says in how many parts a kernel is computed, where it is more than one.
    """

    memory: Memory
    chunks: Mapping[str, int]
    shared: list[SharedCall] = field(default_factory=list[SharedCall])

    def function(self, name: str, launches: Sequence[Call | Loop]) -> func.FuncOp:
        """A function that makes all of these launches."""
        return func.FuncOp(name, ([], []), Region(Block([*self.launched(launches, {}), func.ReturnOp()])))

    def launched(self, launches: Sequence[Call | Loop], counts: Mapping[SSAValue, SSAValue]) -> list[Operation]:
        """Calls and loops; `counts` are the counters of the loops around, as i32."""
        return [
            op
            for launch in launches
            for op in (self.loop(launch, counts) if isinstance(launch, Loop) else self.call(launch, counts))
        ]

    def loop(self, launch: Loop, counts: Mapping[SSAValue, SSAValue]) -> list[Operation]:
        low, high, step = (word(v) for v in (0, launch.trips, 1))
        block = Block(arg_types=[i32])
        block.add_ops(self.launched(launch.launches, {**counts, launch.counter: block.args[0]}))
        block.add_op(scf.YieldOp())
        return [low, high, step, scf.ForOp(low, high, step, [], Region(block))]

    def call(self, call: Call, counts: Mapping[SSAValue, SSAValue]) -> list[Operation]:
        name, addresses = call.kernel.sym_name.data, [self.memory.address(b) for b in call.buffers]
        ops: list[Operation] = []
        counters = [counted(index, counts, ops) for index in call.counters]
        if (chunks := self.chunks.get(name)) is None:
            arguments = [*map(word, addresses), *counters]
            made = [a for a in arguments if a not in counters]
            return [*ops, *made, func.CallOp(name, [a.results[0] for a in arguments], [])]
        shared = SharedCall(name, addresses, chunks, len(counters))
        self.shared.append(shared)
        for i, counter in enumerate(counters):
            at = word(COUNTERS + 4 * i)
            ops += [at, StoreOp("i32.store", counter.results[0], at.result, 0)]
        number, bits = word(len(self.shared) - 1), word(shared.bits)
        return [*ops, number, bits, func.CallOp(FORK, [number.result, bits.result], [])]


def counted(index: Index, counts: Mapping[SSAValue, SSAValue], ops: list[Operation]) -> Operation:
    """The operation that gives a sum of counters; it and those before it are appended."""
    total: Operation = word(index.constant)
    ops.append(total)
    for atom, factor in index.terms.items():
        assert is_value(atom), "what loops count is not divided"
        by = word(factor)
        product = arith.MuliOp(counts[atom], by.result, i32)
        total = arith.AddiOp(product.result, total.results[0], i32)
        ops += [by, product, total]
    return total


def word(value: int) -> arith.ConstantOp:
    """An i32, perhaps an address beyond half of the memory."""
    return arith.ConstantOp(IntegerAttr(value if value < 1 << 31 else value - (1 << 32), i32))
