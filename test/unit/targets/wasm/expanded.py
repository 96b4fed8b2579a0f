"""Single operations as kernels: what `wasm-expand-math` makes of them, evaluated by numpy or run by wasmtime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import wasmtime
from unit.targets.wasm.evaluator import Evaluator, Numbers
from xdsl.context import Context
from xdsl.dialects import arith, builtin, math, scf, vector
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.parser import Parser

from webdnn.dialects.kernel import KERNEL
from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.verification import verify_module
from webdnn.targets.wasm.dialect import WASM_SIMD
from webdnn.targets.wasm.emit import module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import form_pointers
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass

DTYPES = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64), "i32": np.dtype(np.int32), "i64": np.dtype(np.int64)}
PAGE = 1 << 16


def context() -> Context:
    found = Context()
    for dialect in (builtin.Builtin, arith.Arith, math.Math, vector.Vector, scf.Scf, KERNEL, WASM_SIMD):
        found.load_dialect(dialect)
    return found


def kernel(line: str, types: Sequence[str], result: str, points: int) -> ModuleOp:
    """A kernel of `%y = line` over buffers; `line` names its operands %0, %1, …; types are scalars or `4xf32`."""
    elements = [t.removeprefix("4x") for t in (*types, result)]
    step = 4 if result.startswith("4x") else 1
    shape = f"{points}x" if points > step else f"{step}x"
    arguments = ", ".join(f"%a{i}: memref<{shape}{e}>" for i, e in enumerate(elements))
    loop = points > step
    place = f"[%i * {step}]" if loop else "[0]"
    reads = [
        f"%x{i} = kernel.read %a{i}{place} : memref<{shape}{e}>" + (f", vector<{t}>" if t.startswith("4x") else "")
        for i, (t, e) in enumerate(zip(types, elements, strict=False))
    ]
    for i in range(len(types)):
        line = line.replace(f"%{i}", f"%x{i}")
    y = "vector<" + result + ">" if result.startswith("4x") else result
    write = f"kernel.write %y, %a{len(types)}{place} : memref<{shape}{elements[-1]}>" + (", " + y if step > 1 else "")
    body = "\n".join([*reads, f"%y = {line}", write])
    if loop:
        bounds = "%low = arith.constant 0 : index %high = arith.constant {} : index %step = arith.constant 1 : index"
        body = f"{bounds.format(points // step)} scf.for %i = %low to %high step %step {{ {body} }}"
    module = Parser(context(), f"kernel.func @k({arguments}) {{ {body} }}").parse_module()
    module.verify()
    return module


def expanded(module: ModuleOp) -> FuncOp:
    WasmExpandMathPass().apply(context(), module)
    verify_module(module)
    function = module.body.block.first_op
    assert isinstance(function, FuncOp)
    return function


def evaluate(line: str, types: Sequence[str], result: str, *arrays: Numbers, fused: bool = True) -> Numbers:
    """The operation on arrays of points, by numpy; the operations are verified."""
    function = expanded(kernel(line, types, result, 1))
    operands = iter(zip(types, arrays, strict=True))
    evaluator = Evaluator({}, fused)
    found: Numbers | None = None
    ops: list[Operation] = []
    for op in function.body.block.ops:
        if isinstance(op, ReadOp):
            type, array = next(operands)
            evaluator.values[op.result] = array.reshape(-1, 4) if type.startswith("4x") else array
        elif isinstance(op, WriteOp):
            evaluator.run(ops)
            found = evaluator.values[op.value]
        elif op.results:
            ops.append(op)
    assert found is not None
    return found.reshape(-1)


def run(line: str, types: Sequence[str], result: str, *arrays: Numbers, relaxed: bool = False) -> Numbers:
    """The operation on arrays of as many points, by wasmtime."""
    points = len(arrays[0])
    module = kernel(line, types, result, points)
    function = expanded(module)
    WasmSelectInstructionsPass(relaxed=relaxed).apply(context(), module)
    sizes = [points * 8] * (len(types) + 1)
    places = [sum(sizes[:i]) for i in range(len(sizes))]
    pages = sum(sizes) // PAGE + 1
    text = module_text([form_pointers(function)], pages, ("k",))
    store = wasmtime.Store()
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))
    compiled = wasmtime.Module(store.engine, wasmtime.wat2wasm(text))
    entry = wasmtime.Instance(store, compiled, [memory]).exports(store)["k"]
    assert isinstance(entry, wasmtime.Func)
    for place, array in zip(places, arrays, strict=False):
        memory.write(store, array.tobytes(), place)
    entry(store, *places)
    dtype = DTYPES[result.removeprefix("4x")]
    raw = memory.read(store, places[-1], places[-1] + points * dtype.itemsize)
    return np.frombuffer(bytes(raw), dtype)
