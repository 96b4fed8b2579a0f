"""Import an ONNX model as a module of the `dnn` dialect, or name everything that stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    TensorType,
    i32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region, SSAValue

from webdnn.dialects.dnn.base import DnnOp, Tensor
from webdnn.dialects.dnn.elementwise import MaxOp, MinOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.signature import COUNTED, NAME, SIZES, Sizes, counted_attribute, sizes_attribute, written
from webdnn.frontends.onnx.body import BodyImport, hint_of
from webdnn.frontends.onnx.counts import Counting
from webdnn.frontends.onnx.emitter import Emitter
from webdnn.frontends.onnx.expectation import compare, declarations, inferred, inferred_apart
from webdnn.frontends.onnx.inputs import Declared, Dims, bound_inputs, checked_constants, declared
from webdnn.frontends.onnx.model import Model, read_model
from webdnn.frontends.onnx.order import ordered, reads
from webdnn.frontends.onnx.scope import Initializer, Scope, initializers_of
from webdnn.support.diagnostic import DiagnosticError, Diagnostics
from webdnn.support.weights import Array as AnyArray


def import_onnx(
    source: str | Path | ModelProto,
    *,
    dims: Dims | None = None,
    constants: Mapping[str, AnyArray] | None = None,
    outputs: Sequence[str] | None = None,
) -> ModuleOp:
    """The model as `func.func @main`, all shapes static. Raises DiagnosticError, with every problem there is.

    `dims` binds symbolic dimensions of inputs by name, `constants` fixes inputs or other values of the model, and
    `outputs` picks the values to compute, instead of the model's outputs. Where a dimension is bound to several sizes,
    inputs have the greatest one, and behind the model's inputs stands one (i32, no axes) with the size of a run.
    A number that the model computes can be bound too: it is taken as the nearest that it is bound to.
    """
    model = read_model(source)
    graph, dims, given = model.proto.graph, dims or {}, constants or {}
    initializers = initializers_of(graph, model.name)
    inputs = [v for v in graph.input if v.name not in initializers]
    check_names(model, inputs, initializers, given, outputs)
    wanted = list(outputs or (v.name for v in graph.output))
    ranges = computed_ranges(graph, inputs, dims)
    dims = {name: size for name, size in dims.items() if name not in ranges}
    fixed = checked_constants(given, inputs, dims)
    sources = {v.name for v in inputs} | initializers.keys() | fixed.keys()
    nodes = ordered(graph.node, wanted, sources.__contains__, model.name)
    needed = {*wanted, *(name for node in nodes for name in reads(node))}
    arguments = [v for v in inputs if v.name not in fixed and (outputs is None or v.name in needed)]
    types = bound_inputs(arguments, dims)

    varying = {v.name: axes for v in arguments if (axes := declared(v).varying(dims))}
    named_sizes = {name: s for name, s in dims.items() if isinstance(s, Sizes) and is_used(name, varying)}
    attempt = Attempt(model, nodes, wanted, types, {**initializers, **fixed}, varying, named_sizes, ranges)
    try:
        block, results, scope, counting = attempt.run({})
    except DiagnosticError:
        # Once more, with types to go on with behind what was refused, for all that there is to say.
        attempt.run(inferred_apart(model, nodes, types, fixed))
        raise
    stated = declarations([*graph.value_info, *graph.output], dims)
    compare(nodes, scope.values, [stated, inferred(model, nodes, types, fixed)], counting)
    named_results = [Output(name, value) for name, value in zip(wanted, results, strict=True)]
    return finished(model, block, attempt.arguments(), with_counts(named_results, counting))


def computed_ranges(graph: GraphProto, inputs: Sequence[ValueInfoProto], dims: Dims) -> dict[str, Sizes]:
    """The bound names that are values which the model computes, with their ranges. Raises DiagnosticError."""
    symbols = {symbol for value in declarations(inputs, {}).values() for symbol in value.symbols}
    computed = {name for node in graph.node for name in node.output}
    bound = {name: size for name, size in dims.items() if name in computed - symbols}
    found = {name: Sizes(size, size) if isinstance(size, int) else size for name, size in bound.items()}
    for name, sizes in found.items():
        if not 0 <= sizes.least <= sizes.most:
            hint = "give the least number first, as in 1..8"
            raise DiagnosticError(f"the value '{name}' is bound to {sizes}", hint=hint)
    return found


def is_used(dimension: str, varying: Mapping[str, Mapping[int, str]]) -> bool:
    """Has any input an axis of this dimension?"""
    return any(dimension in axes.values() for axes in varying.values())


@dataclass(frozen=True)
class Attempt:
    """What is to be imported: nodes in order, wanted values, types of arguments, and arrays.

    `varying` says which axes of arguments have a size that varies, and of which dimension each is; `sizes` what sizes
    those dimensions can have; `ranges` between what numbers are that the model computes.
    """

    model: Model
    nodes: Sequence[NodeProto]
    wanted: Sequence[str]
    types: Mapping[str, Tensor]
    known: Mapping[str, Initializer]
    varying: Mapping[str, Mapping[int, str]] = field(default_factory=dict[str, Mapping[int, str]])
    sizes: Mapping[str, Sizes] = field(default_factory=dict[str, Sizes])
    ranges: Mapping[str, Sizes] = field(default_factory=dict[str, Sizes])

    def run(self, expected: Mapping[str, Declared]) -> tuple[Block, list[SSAValue], Scope, Counting]:
        """The body, the wanted values, all values by name, and which are counted. Raises DiagnosticError."""
        scope = Scope(self.model.opsets, initializers=dict(self.known), expected=dict(expected))
        block = Block(arg_types=[*self.types.values(), *(TensorType(i32, []) for _ in self.sizes)])
        settling = [f"--constant {name}=FILE.npy" for name in self.types]
        emitter = Emitter(block, settling + [f"--dim {name}={sizes.most}" for name, sizes in self.sizes.items()])
        self.count(emitter)
        for name, argument in zip(self.types, block.args, strict=False):
            argument.name_hint = hint_of(name)
            scope.values[name] = argument
            if format := self.model.format_of(name):
                emitter.formats[argument] = format
        results = BodyImport(self.model, emitter, self.ranges).run(self.nodes, self.wanted, scope)
        for name, result in zip(self.wanted, results, strict=True):
            if result in emitter.sequences:
                hint = "export the model with a tensor for each, or with one that joins them"
                raise DiagnosticError("the output is a sequence of tensors", where=name, hint=hint)
        return block, results, scope, emitter.counting

    def count(self, emitter: Emitter) -> None:
        """Say of which size axes of arguments are."""
        block, counting, given = emitter.block, emitter.counting, dict[str, SSAValue]()
        for (name, sizes), argument in zip(self.sizes.items(), block.args[len(self.types) :], strict=True):
            argument.name_hint = hint_of(name)
            least, most = (emitter.constant(as_array(np.array(n, np.int32)), name) for n in (sizes.least, sizes.most))
            # The runner has checked it; with this, all that computes on it knows its range.
            (raised,) = emitter.add(MaxOp(argument, least), name)
            (given[name],) = emitter.add(MinOp(raised, most), name)
            counting.note(given[name], sizes.least, sizes.most)
        for name, argument in zip(self.types, block.args, strict=False):
            if name in self.varying:
                counting.counts[argument] = {axis: given[size] for axis, size in self.varying[name].items()}
                counting.zeros |= {(argument, axis) for axis in self.varying[name]}

    def arguments(self) -> ArrayAttr[DictionaryAttr]:
        """What the arguments say of themselves."""
        places = {name: i for i, name in enumerate(self.sizes, len(self.types))}
        found = list[dict[str, Attribute]]()
        for name in self.types:
            counted = {axis: places[size] for axis, size in self.varying.get(name, {}).items()}
            found.append({NAME: StringAttr(name), **({COUNTED: counted_attribute(counted)} if counted else {})})
        names = set(self.types)
        for size, sizes in self.sizes.items():
            name = unused(f"{size}.size", names)
            found.append({NAME: StringAttr(name), SIZES: sizes_attribute(size, sizes)})
        return written(found)


def check_names(
    model: Model,
    inputs: Sequence[ValueInfoProto],
    initializers: Mapping[str, Initializer],
    constants: Mapping[str, AnyArray],
    outputs: Sequence[str] | None,
) -> None:
    """Raise DiagnosticError where a name is given twice by the model, or by the user and stands for nothing."""
    problems, seen = Diagnostics(), set[str]()
    computed = {name for node in model.proto.graph.node for name in node.output if name}
    for value in inputs:
        if value.name in seen or value.name in computed or not value.name:
            problems.note(model.name, f"the input name '{value.name}' is used twice or empty", hint="export it again")
        seen.add(value.name)
    for name in sorted(computed & initializers.keys()):
        problems.note(model.name, f"'{name}' is both an initializer and a node's output", hint="export it again")
    listing = ", ".join(v.name for v in inputs)
    for name in constants:
        if name not in seen | computed | initializers.keys():
            problems.note("", f"the model has no value '{name}' to fix", hint=f"its inputs are: {listing}")
    for name in outputs or ():
        if name not in seen | computed | initializers.keys():
            names = ", ".join(v.name for v in model.proto.graph.output)
            problems.note("", f"the model has no value '{name}' to compute", hint=f"its outputs are: {names}")
    problems.raise_if_any()


@dataclass(frozen=True)
class Output:
    """A result of the model's function; `counted` says which output counts an axis."""

    name: str
    value: SSAValue
    counted: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def attributes(self) -> DictionaryAttr:
        counted = {COUNTED: counted_attribute(self.counted)} if self.counted else {}
        return DictionaryAttr({NAME: StringAttr(self.name), **counted})


def with_counts(outputs: Sequence[Output], counting: Counting) -> list[Output]:
    """The outputs, and behind them the counts of their axes, each once: `boxes.count` says how many `boxes` there are.

    Outputs of one count share it. An output with several counted axes has `mask.count`, `mask.count1` and so on.
    """
    found, places = list(outputs), dict[SSAValue, int]()
    names = {output.name for output in outputs}
    for i, output in enumerate(outputs):
        counted = dict[int, int]()
        for axis, count in sorted(counting.of(output.value).items()):
            known = next((other for other in places if counting.numbers.same(other, count)), None)
            if known is None:
                name = unused(f"{output.name}.count{len(counted) or ''}", names)
                known, places[count] = count, len(found)
                found.append(Output(name, count))
            counted[axis] = places[known]
        found[i] = replace(output, counted=counted)
    return found


def unused(name: str, names: set[str]) -> str:
    """The name, or a longer one where it is among the names; it is one of them from now on."""
    while name in names:
        name += "_"
    names.add(name)
    return name


def finished(model: Model, block: Block, arguments: ArrayAttr[DictionaryAttr], outputs: Sequence[Output]) -> ModuleOp:
    """The module around an imported body, without what nothing uses. Raises DiagnosticError for empty tensors."""
    block.add_op(ReturnOp(*(output.value for output in outputs)))
    for op in reversed(list(block.ops)):
        if isinstance(op, DnnOp) and all(result.first_use is None for result in op.results):
            block.erase_op(op)
    main = FuncOp(
        "main",
        ([a.type for a in block.args], [output.value.type for output in outputs]),
        Region(block),
        arg_attrs=arguments,
        res_attrs=ArrayAttr([output.attributes for output in outputs]),
    )
    module = ModuleOp([main])
    for op in (module, main, block.last_op):
        assert op is not None
        op.location = NameLoc(StringAttr(model.name), NoneAttr())
    return module
