"""Locals of random loop nests: what wasmtime computes in them is what the operations say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import wasmtime
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IntegerAttr, i32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from webdnn.targets.wasm.dialect import StoreOp
from webdnn.targets.wasm.emit import Function, module_text

ADDRESS, START = 1024, 64
STORES: dict[Attribute, str] = {i32: "i32.store", i64: "i64.store"}


@dataclass
class Nest:
    """A function of two i32 parameters, an address and a number, being drawn."""

    draw: st.DrawFn
    offset: int = 0

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def pick(self, values: list[SSAValue], type: Attribute) -> SSAValue | None:
        found = [v for v in values if v.type == type]
        return found[self.number(0, len(found) - 1)] if found else None

    def ops(self, values: list[SSAValue], depth: int) -> list[Operation]:
        """Operations on values that are known; what they make becomes known too."""
        made: list[Operation] = []
        for _ in range(self.number(1, 5)):
            kind = self.number(0, 7) if depth else 7
            new = (self.loop if kind < 2 else self.branch if kind == 2 else self.plain)(values, depth)
            made += new
            values += new[-1].results
        return made

    def plain(self, values: list[SSAValue], _: int) -> list[Operation]:
        type = i64 if self.number(0, 2) == 0 else i32
        a, b = self.pick(values, type), self.pick(values, type)
        if a is None or b is None:
            source = self.pick(values, i32)
            assert source is not None
            return [arith.ExtSIOp(source, i64)]
        match self.number(0, 4):
            case 0:
                return [arith.ConstantOp(IntegerAttr(self.number(-9, 9), type))]
            case 1:
                return [arith.SubiOp(a, b)]
            case 2:
                return [arith.MuliOp(a, b)]
            case _:
                return [arith.AddiOp(a, b)]

    def loop(self, values: list[SSAValue], depth: int) -> list[Operation]:
        first = arith.ConstantOp(IntegerAttr(START, i32))
        start = values[1] if self.number(0, 1) else first.result
        trips, stride = self.number(1, 3), self.number(1, 4)
        end = arith.ConstantOp(IntegerAttr(START + trips * stride, i32))
        step = arith.ConstantOp(IntegerAttr(stride, i32))
        carried = [v for _ in range(self.number(0, 3)) if (v := self.pick(values, self.type())) is not None]
        block = Block(arg_types=[i32, *(v.type for v in carried)])
        inner = [*values, *block.args]
        ops = self.ops(inner, depth - 1)
        near = [*inner[len(values) :], *inner[-3:]]  # what is made inside is wanted most
        nexts = [self.pick(near, v.type) or self.pick(inner, v.type) or v for v in carried]
        block.add_ops([*ops, scf.YieldOp(*nexts)])
        return [first, end, step, scf.ForOp(start, end.result, step.result, carried, Region(block))]

    def branch(self, values: list[SSAValue], depth: int) -> list[Operation]:
        """What is made inside is only known there, and stored."""
        a, b = self.pick(values, i32), self.pick(values, i32)
        assert a is not None
        assert b is not None
        test, inner = arith.CmpiOp(a, b, "slt"), list(values)
        ops = self.ops(inner, depth - 1)
        body = Block([*ops, self.store(inner[-1], values[0]), scf.YieldOp()])
        return [test, scf.IfOp(test.result, [], Region(body))]

    def store(self, value: SSAValue, address: SSAValue) -> Operation:
        self.offset += 8
        return StoreOp(STORES[value.type], value, address, self.offset - 8)

    def type(self) -> Attribute:
        return i64 if self.number(0, 2) == 0 else i32


@st.composite
def nests(draw: st.DrawFn) -> func.FuncOp:
    block, nest = Block(arg_types=[i32, i32]), Nest(draw)
    values: list[SSAValue] = list(block.args)
    ops = nest.ops(values, 3)
    stores: list[Operation] = []
    for value in values:
        if nest.number(0, 2) or value is values[-1]:
            stores.append(nest.store(value, values[0]))
    block.add_ops([*ops, *stores, func.ReturnOp()])
    return func.FuncOp("run", ([i32, i32], []), Region(block))


@dataclass
class Machine:
    """The meaning of the operations, on Python's integers."""

    values: dict[SSAValue, int]
    memory: dict[int, int] = field(default_factory=dict[int, int])

    def run(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            match op:
                case scf.ForOp():
                    self.loop(op)
                case scf.IfOp():
                    if self.values[op.cond]:
                        self.run(op.true_region.block.ops)
                case StoreOp():
                    self.memory[op.offset.data] = self.values[op.value]
                case scf.YieldOp() | func.ReturnOp():
                    pass
                case _:
                    bits = 64 if op.results[0].type == i64 else 32
                    self.values[op.results[0]] = wrapped(self.arithmetic(op), bits)

    def arithmetic(self, op: Operation) -> int:
        if isinstance(op, arith.ConstantOp):
            assert isinstance(op.value, IntegerAttr)
            return op.value.value.data
        a, *rest = (self.values[o] for o in op.operands)
        match op:
            case arith.AddiOp():
                return a + rest[0]
            case arith.SubiOp():
                return a - rest[0]
            case arith.MuliOp():
                return a * rest[0]
            case arith.CmpiOp():
                return int(a < rest[0])
            case _:
                return a

    def loop(self, op: scf.ForOp) -> None:
        carried: list[int] = [self.values[v] for v in op.iter_args]
        counter, *arguments = op.body.block.args
        *body, end = op.body.block.ops
        for i in range(self.values[op.lb], self.values[op.ub], self.values[op.step]):
            self.values |= zip([counter, *arguments], [i, *carried], strict=True)
            self.run(body)
            carried = [self.values[v] for v in end.operands]
        self.values |= zip(op.results, carried, strict=True)


def wrapped(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def by_wasmtime(function: func.FuncOp) -> bytes:
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 1)))
    linker = wasmtime.Linker(engine)
    linker.define(store, "webdnn", "memory", memory)
    module = wasmtime.Module(engine, bytes(wasmtime.wat2wasm(module_text([Function.of(function)], 1, ("run",)))))
    run = linker.instantiate(store, module).exports(store)["run"]
    assert isinstance(run, wasmtime.Func)
    run(store, ADDRESS, START)
    return bytes(memory.read(store, ADDRESS, ADDRESS + 8192))


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(function=nests())
def test_random_loop_nests(function: func.FuncOp) -> None:
    function.verify()
    block = function.body.block
    machine = Machine(dict(zip(block.args, (ADDRESS, START), strict=True)))
    machine.run(block.ops)
    stored = {op.offset.data: op.value.type for op in block.walk() if isinstance(op, StoreOp)}
    found = by_wasmtime(function)
    for offset, value in machine.memory.items():
        dtype = np.dtype("<i8" if stored[offset] == i64 else "<i4")
        assert np.frombuffer(found, dtype, 1, offset)[0] == value
