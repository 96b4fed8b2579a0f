"""Single operations as kernels: what `wasm-expand-math` makes of them, evaluated by numpy or run by wasmtime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import wasmtime
from xdsl.context import Context
from xdsl.dialects import arith, builtin, math, scf, vector
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.parser import Parser

from unit.targets.wasm.evaluator import Evaluator
from webdnn.dialects.kernel import KERNEL
from webdnn.dialects.kernel.access import ReadOp, WriteOp
from webdnn.dialects.kernel.reference.casts import Numbers
from webdnn.dialects.kernel.structure import FuncOp
from webdnn.support.dominance import verify_dominance
from webdnn.support.verification import verify_module
from webdnn.support.weights import Array
from webdnn.targets.wasm.dialect import WASM_SIMD
from webdnn.targets.wasm.emit import Function, module_text
from webdnn.targets.wasm.expand_math import WasmExpandMathPass
from webdnn.targets.wasm.form_pointers import form_pointers
from webdnn.targets.wasm.select_instructions import WasmSelectInstructionsPass

NAMES = {"f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8"}
PAGE = 1 << 16


def dtype_of(form: str) -> np.dtype[np.int64]:
    """The dtype of a scalar or vector form; as `Numbers`, it stands for any."""
    return np.dtype(NAMES[form.removeprefix("4x")])


def context() -> Context:
    found = Context()
    for dialect in (builtin.Builtin, arith.Arith, math.Math, vector.Vector, scf.Scf, KERNEL, WASM_SIMD):
        found.load_dialect(dialect)
    return found


def kernel(line: str, types: Sequence[str], result: str, points: int, prelude: str = "") -> ModuleOp:
    """A kernel of `%y = line` over buffers; `line` names its operands %0, %1, …; types are scalars or `4xf32`.

    `prelude` is what stands before it, such as constants.
    """
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
    body = "\n".join([prelude, *reads, f"%y = {line}", write])
    if loop:
        bounds = "%low = arith.constant 0 : index %high = arith.constant {} : index %step = arith.constant 1 : index"
        body = f"{bounds.format(points // step)} scf.for %i = %low to %high step %step {{ {body} }}"
    module = Parser(context(), f"kernel.func @k({arguments}) {{ {body} }}").parse_module()
    module.verify()
    return module


def expanded(module: ModuleOp) -> FuncOp:
    WasmExpandMathPass().apply(context(), module)
    verify_module(module)
    verify_dominance(module)
    function = module.body.block.first_op
    assert isinstance(function, FuncOp)
    return function


def evaluate(
    line: str, types: Sequence[str], result: str, *arrays: Array, fused: bool = True, prelude: str = ""
) -> Numbers:
    """The operation on arrays of points, by numpy; the operations are verified."""
    function = expanded(kernel(line, types, result, 1, prelude))
    operands = iter(zip(types, arrays, strict=True))
    evaluator = Evaluator({}, fused)
    found: Array | None = None
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
    shape = arrays[0].reshape(-1, 4).shape if result.startswith("4x") else arrays[0].shape
    assert found.dtype == dtype_of(result)
    return np.broadcast_to(found, shape).reshape(-1).astype(dtype_of(result))  # a constant result is one point


def run(line: str, types: Sequence[str], result: str, *arrays: Array, relaxed: bool = False) -> Numbers:
    """The operation on arrays of as many points, by wasmtime."""
    points = len(arrays[0])
    module = kernel(line, types, result, points)
    function = expanded(module)
    WasmSelectInstructionsPass(relaxed=relaxed).apply(context(), module)
    sizes = [points * 8] * (len(types) + 1)
    places = [sum(sizes[:i]) for i in range(len(sizes))]
    pages = sum(sizes) // PAGE + 1
    text = module_text([Function.of(form_pointers(function))], pages, ("k",))
    store = wasmtime.Store()
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))
    compiled = wasmtime.Module(store.engine, bytes(wasmtime.wat2wasm(text)))
    entry = wasmtime.Instance(store, compiled, [memory]).exports(store)["k"]
    assert isinstance(entry, wasmtime.Func)
    for place, array in zip(places, arrays, strict=False):
        memory.write(store, array.tobytes(), place)
    entry(store, *places)
    dtype = dtype_of(result)
    raw = memory.read(store, places[-1], places[-1] + points * dtype.itemsize)
    return np.frombuffer(bytes(raw), dtype)
