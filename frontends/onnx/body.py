"""Import the nodes of a graph one after another; what is refused is kept until all have been seen."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from onnx import (
    IR_VERSION,
    AttributeProto,
    FunctionProto,
    GraphProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
    checker,
)
from onnx.onnx_cpp2py_export.checker import CheckerContext
from xdsl.ir import Block, SSAValue
from xdsl.utils.exceptions import VerifyException

from webdnn.dialects.signature import Sizes
from webdnn.frontends.onnx.converters import CONVERTERS
from webdnn.frontends.onnx.counted_axes import convert_counted
from webdnn.frontends.onnx.definitions import DEFINITIONS
from webdnn.frontends.onnx.definitions.definition import defined
from webdnn.frontends.onnx.emitter import Emitter
from webdnn.frontends.onnx.formats import KNOWING, MOVING, format_name
from webdnn.frontends.onnx.functions import has_function, instantiated, onnx_function, schema_of
from webdnn.frontends.onnx.model import Model, canonical, function_key, imported_opsets
from webdnn.frontends.onnx.node import Lost, Node, NotConstant
from webdnn.frontends.onnx.order import described, ordered, reads
from webdnn.frontends.onnx.ranged import within
from webdnn.frontends.onnx.registry import COUNTING, LISTING, Converter
from webdnn.frontends.onnx.scope import Scope, initializers_of
from webdnn.frontends.onnx.tensors import is_format, read_sparse_tensor, read_tensor
from webdnn.support.diagnostic import DiagnosticError, Diagnostics, Problem

BLOCKED = "com.microsoft.nchwc"
"""Operators on channels in blocks, as one processor wants them: onnxruntime's last level of optimisation makes them."""

DAMAGED = "its attributes or the shapes of its operands contradict each other; check the model with onnx.checker"


@dataclass
class BodyImport:
    """The state of one import: where operators go, and what was refused so far.

    A refused node does not end the import. Its results are stood in for by values of the types that ONNX's inference
    gives them, so that the nodes behind it are tried too; where there are none, these are only looked up.
    `guessed` holds the stand-ins and what was made from them. `ranges` says of numbers that the model computes between
    what they are.
    """

    model: Model
    emitter: Emitter
    ranges: Mapping[str, Sizes] = field(default_factory=dict[str, Sizes])
    problems: Diagnostics = field(default_factory=Diagnostics)
    cause: Exception | None = None
    guessed: set[SSAValue] = field(default_factory=set[SSAValue])
    unreadable: list[Problem] = field(default_factory=list[Problem])
    """What was refused of initializers, once for all"""

    def run(self, nodes: Sequence[NodeProto], wanted: Sequence[str], scope: Scope) -> list[SSAValue]:
        """The wanted values. Raises DiagnosticError with all that was refused."""
        self.walk(nodes, wanted, scope)
        results = [self.value(name, scope) for name in wanted]
        try:
            self.problems.raise_if_any()
        except DiagnosticError as error:
            raise error from self.cause
        found = [r for r in results if r is not None]
        assert len(found) == len(results), "a value is missing though nothing was refused"
        return found

    def walk(self, nodes: Sequence[NodeProto], wanted: Iterable[str], scope: Scope) -> None:
        used = {*wanted, *(name for node in nodes for name in reads(node))}
        for node in nodes:
            self.node(node, used, scope)

    def value(self, name: str, scope: Scope) -> SSAValue | None:
        """The value that a name stands for; None where it is left out or lost. Initializers are read here."""
        owner = scope.owner(name)
        if name in owner.values or name in owner.lost:
            return owner.values.get(name)
        held = owner.initializers[name]
        format = self.model.format_of(name)
        try:
            if isinstance(held, TensorProto):
                format = held.data_type if is_format(held.data_type) else 0
                held = read_tensor(held, self.model.directory)
            elif isinstance(held, SparseTensorProto):
                held = read_sparse_tensor(held, self.model.directory)
        except DiagnosticError as error:
            self.refused(error)
            self.unreadable += error.problems
            owner.lost.add(name)
            return None
        value = owner.values[name] = self.emitter.constant(held, f"initializer '{name}'", format)
        return value

    def node(self, proto: NodeProto, used: set[str], scope: Scope) -> None:
        """Bind the outputs of a node, or note why they are lost."""
        where = scope.place(described(proto))
        operands = [self.value(name, scope) if name else None for name in proto.input]
        lost = any(name in scope.owner(name).lost for name in reads(proto))
        guessed = not self.guessed.isdisjoint(o for o in operands if o is not None)
        results: Sequence[SSAValue | None] | None = None
        try:
            if lost:
                self.look_up(proto, scope, where)
            else:
                results = self.results(proto, operands, used, scope, where)
                results = self.ranged(proto, results, scope) if self.ranges else results
        except Lost:
            pass
        except DiagnosticError as error:
            if not (guessed and isinstance(error, NotConstant)):
                self.refused(error)
            self.look_up(proto, scope, where)
        except (ValueError, ArithmeticError, LookupError, VerifyException) as error:
            spelled = str(error) if isinstance(error, ValueError | VerifyException) else repr(error)
            self.problems.note(where, f"'{proto.op_type}' cannot be imported: {spelled}", hint=DAMAGED)
            self.cause = self.cause or error
        if results is None:
            for name in filter(None, proto.output):
                self.stand_in(name, scope)
            return
        for name, result in zip(proto.output, results, strict=False):
            if name and result is not None:
                scope.values[name] = result
                result.name_hint = result.name_hint or hint_of(name)
                self.guessed |= {result} if guessed else set()

    def ranged(self, proto: NodeProto, results: Sequence[SSAValue | None], scope: Scope) -> Sequence[SSAValue | None]:
        """Results of which those that are bound to a range lie in it."""
        if scope.around is not None or scope.calls:
            return results
        return [
            value if value is None or name not in self.ranges else within(self.emitter, value, self.ranges[name], name)
            for name, value in zip(proto.output, results, strict=False)
        ]

    def refused(self, error: DiagnosticError) -> None:
        self.problems.problems.extend(error.problems)
        self.cause = self.cause or error

    def stand_in(self, name: str, scope: Scope) -> None:
        """A value of the expected type in place of one that could not be imported."""
        expected = scope.expected.get(name)
        type = expected.static() if expected is not None else None
        if type is None:
            scope.lost.add(name)
        else:
            value = Block(arg_types=[type]).args[0]
            scope.values[name] = value
            self.guessed.add(value)

    def look_up(self, proto: NodeProto, scope: Scope, where: str) -> None:
        """Note where nothing imports this kind of node, or one of those in its graphs."""
        domain = canonical(proto.domain)
        key = domain, proto.op_type
        own = function_key(proto) in self.model.functions or key in CONVERTERS or key in DEFINITIONS
        if not (own or has_function(proto.op_type, domain, scope.opset(domain))):
            self.problems.problems.extend(unsupported(proto, where).problems)
        for attribute in proto.attribute:
            for inner in attribute.g.node:
                self.look_up(inner, scope, scope.place(described(inner)))

    def results(
        self, proto: NodeProto, operands: list[SSAValue | None], used: set[str], scope: Scope, where: str
    ) -> Sequence[SSAValue | None]:
        """The results of a node: by its function of the model, its converter, or ONNX's own definition of it.

        One that nothing uses may be None.
        """
        function = self.model.functions.get(function_key(proto))
        if function is not None:
            inside = Scope(imported_opsets(function, self.model), prefix=f"{where}/", label=scope.label)
            return self.call(function, proto, operands, used, scope, inside)
        domain = canonical(proto.domain)
        opset = scope.opset(domain)
        check_node(proto, domain, opset, where)
        convert = CONVERTERS.get((domain, proto.op_type))
        if convert is None:
            function = defined(proto, domain, operands, where, self.emitter.formats)
            function = function or onnx_function(proto, domain, opset, operands)
            if function is None:
                raise unsupported(proto, where)
            check_results(function, proto, used, where)
            inside = Scope(imported_opsets(function, self.model), label=where)
            return self.call(function, proto, operands, used, scope, inside)
        node = Node(
            op_type=proto.op_type,
            domain=domain,
            name=where,
            opset=opset,
            operands=operands,
            operand_names=proto.input,
            outputs=tuple(name in used for name in proto.output),
            attributes={a.name: a for a in proto.attribute},
            emitter=self.emitter,
            directory=self.model.directory,
            importing=lambda graph, operands: self.graph(graph, operands, scope),
            nesting=self.nested,
        )
        results = self.converted(convert, node)
        for i, name in enumerate(proto.output[len(results) :], len(results)):
            if name in used:
                node.refuse(f"has an output {i}, '{name}', that is not supported", hint="export the model without it")
        return results

    def converted(self, convert: Converter, node: Node) -> list[SSAValue]:
        """What a converter gives; elements of a format that is none of ours stay that where they are only moved."""
        formats = {self.emitter.formats[o] for o in node.operands if o is not None and o in self.emitter.formats}
        if formats and node.op_type not in KNOWING | MOVING:
            name = format_name(next(iter(formats)))
            node.refuse(f"computes on elements of type {name}", hint="cast them to a type that it can compute on")
        if node.op_type not in LISTING and any(o in self.emitter.sequences for o in node.operands if o is not None):
            node.refuse("takes a sequence where it needs a tensor", hint="check the model with onnx.checker")
        results = self.counted(convert, node)
        if not formats or node.op_type not in MOVING:
            return results
        return [self.emitter.marked(r, next(iter(formats)), node.name) for r in results]

    def counted(self, convert: Converter, node: Node) -> list[SSAValue]:
        """What a converter gives; where operands have counted axes, by the rule that its operator has for them."""
        counting = self.emitter.counting
        before = counting.aware
        counting.aware = node.op_type in COUNTING or any(counting.of(o) for o in node.operands)
        try:
            if counting.aware:
                return convert_counted(node, convert)
            found = convert(node)
            return [found] if isinstance(found, SSAValue) else list(found)
        finally:
            counting.aware = before

    def call(
        self,
        function: FunctionProto,
        proto: NodeProto,
        operands: list[SSAValue | None],
        used: set[str],
        scope: Scope,
        inside: Scope,
    ) -> list[SSAValue | None]:
        """The results of a function's body on these operands; its nodes are imported here."""
        inside.calls = (*scope.calls, function.name)
        if function.name in scope.calls:
            raise DiagnosticError(
                f"the function '{function.name}' calls itself",
                where=scope.place(described(proto)),
                hint="functions of a model must not be recursive",
            )
        absent: list[SSAValue | None] = [None] * (len(function.input) - len(operands))
        inside.values |= zip(function.input, [*operands, *absent], strict=False)
        pairs = list(zip(function.output, proto.output, strict=False))
        wanted = [inner for inner, outer in pairs if outer in used]
        nodes = instantiated(function, defaults(proto, scope) | {a.name: a for a in proto.attribute})
        self.walk(ordered(nodes, wanted, inside.knows, described(proto)), wanted, inside)
        return [self.found(inner, inside) if outer in used else None for inner, outer in pairs]

    def graph(self, graph: GraphProto, operands: Sequence[SSAValue], scope: Scope) -> list[SSAValue]:
        """The outputs of a graph inside a node on these operands; it sees the values around it."""
        if len(graph.input) != len(operands):
            problem = f"its graph takes {len(graph.input)} values, and is given {len(operands)}"
            raise DiagnosticError(problem, where=graph.name, hint=DAMAGED)
        inside = Scope(scope.opsets, scope.prefix, scope.label, scope)
        inside.initializers = initializers_of(graph, graph.name)
        inside.values |= zip((v.name for v in graph.input), operands, strict=True)
        produced = {name for node in graph.node for name in node.output}
        wanted = [v.name for v in graph.output]

        def known(name: str) -> bool:
            return name not in produced and inside.knows(name)

        self.walk(ordered(graph.node, wanted, known, graph.name), wanted, inside)
        return [self.found(name, inside) for name in wanted]

    @contextmanager
    def nested(self, block: Block) -> Generator[Diagnostics]:
        """Import into a block of its own, and note apart what is refused there."""
        around, cause, guessed, read = self.problems, self.cause, set(self.guessed), len(self.unreadable)
        self.problems = Diagnostics()
        try:
            with self.emitter.into(block):
                yield self.problems
        finally:
            self.problems, self.cause, self.guessed = around, cause, guessed
            self.problems.problems += self.unreadable[read:]

    def found(self, name: str, scope: Scope) -> SSAValue:
        """A value that is there. Raises Lost."""
        value = self.value(name, scope)
        if value is None:
            raise Lost
        return value


def check_node(proto: NodeProto, domain: str, opset: int, where: str) -> None:
    """Raise DiagnosticError where a node has attributes or operands that its operator does not."""
    if proto.op_type == "Constant" or any(a.type == AttributeProto.GRAPH for a in proto.attribute):
        return  # the one may be large; the other reads values that the checker does not see
    if schema_of(proto.op_type, domain, opset) is None:
        return
    context = CheckerContext()
    context.ir_version = IR_VERSION
    context.opset_imports = {domain: opset}
    try:
        checker.check_node(proto, context)
    except checker.ValidationError as error:
        problem = str(error).splitlines()[0]
        raise DiagnosticError(f"'{proto.op_type}' {problem}", where=where, hint=DAMAGED) from error


def check_results(function: FunctionProto, proto: NodeProto, used: set[str], where: str) -> None:
    """Raise DiagnosticError where a node has a result that is read, and that its function does not give."""
    given = [*function.output, *[""] * len(proto.output)]
    for i, (inner, name) in enumerate(zip(given, proto.output, strict=False)):
        if name in used and not inner:
            problem = f"'{proto.op_type}' has an output {i}, '{name}', that is not supported"
            raise DiagnosticError(problem, where=where, hint="export the model without it")


def defaults(proto: NodeProto, scope: Scope) -> dict[str, AttributeProto]:
    """What the attributes of an ONNX operator are where a node does not set them."""
    domain = canonical(proto.domain)
    schema = schema_of(proto.op_type, domain, scope.opset(domain))
    found = {} if schema is None else {name: a.default_value for name, a in schema.attributes.items()}
    return {name: value for name, value in found.items() if value.type != AttributeProto.UNDEFINED}


def unsupported(proto: NodeProto, where: str) -> DiagnosticError:
    domain = f" of the domain '{proto.domain}'" if canonical(proto.domain) else ""
    hint = "export the model without this operator, or write its converter in frontends/onnx/converters/"
    if proto.domain == BLOCKED:
        hint = "compile the model from before onnxruntime optimised it, or let that be at the level 'extended'"
    return DiagnosticError(f"'{proto.op_type}'{domain} is not supported", where=where, hint=hint)


def hint_of(name: str) -> str | None:
    """The name of a value in printed IR, where it is one that IR can have.

    Numbers at its end go: the printer adds its own, which would meet those that are left where there were several.
    """
    plain = re.sub(r"(_\d+)+$", "", name)
    return plain if plain and SSAValue.is_valid_name(plain) else None
