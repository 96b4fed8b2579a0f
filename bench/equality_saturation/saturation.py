"""A module of the `dnn` dialect as an e-graph, and back as the cheapest module that it is equal to."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from bench.equality_saturation.equalities import equal
from bench.equality_saturation.extraction import Chosen, Extraction
from bench.equality_saturation.graph import EGraph, is_given
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.dnn.base import DnnOp
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.passes.dnn.rewriting import bodies


@dataclass(frozen=True)
class Saturation:
    """How an e-graph grew: its operators, whether nothing was left to be found, and how long both parts took."""

    operators: int
    complete: bool
    seconds: float
    extraction_seconds: float


def saturate(module: ModuleOp, most: int) -> Saturation:
    """Make the function of a module the cheapest one that is found, with `most` operators to choose of at most.

    Operators with several results stay as they are.
    """
    (block,) = bodies(module)
    started = perf_counter()
    graph = graph_of(block)
    complete = grow(graph, most)
    grown = perf_counter()
    read = (graph.find(operand) for op in block.ops for operand in op.operands)
    roots = dict.fromkeys(value for value in read if not is_given(value))
    given: Chosen = {}
    for op in graph.result:  # of several, the first needs no other class of which this is true
        if op in graph.given:
            given.setdefault(graph.find(graph.result[op]), op)
    write(block, graph, Extraction(graph, list(roots)).run(given))
    return Saturation(len(graph), complete, grown - started, perf_counter() - grown)


def graph_of(block: Block) -> EGraph:
    """All operators of one result, out of the block and into a graph."""
    graph = EGraph()
    for op in list(block.ops):
        if isinstance(op, DnnOp) and len(op.results) == 1:
            op.detach()
            result = op.results[0]
            value = graph.add(op)
            result.replace_all_uses_with(value)
    graph.given.update(graph.result)
    return graph


def grow(graph: EGraph, most: int) -> bool:
    """Make what is equal one class until nothing new is found; False where there are more than so many operators."""
    while graph.changed:
        for op in graph.fresh():
            for value in equal(graph, op) if op in graph.result else ():
                if value is not None:
                    graph.merge(graph.result[op], value)
            if len(graph) > most:
                graph.rebuild()
            if len(graph) > most:
                return False
        graph.rebuild()
    return True


def write(block: Block, graph: EGraph, chosen: Chosen) -> None:
    """Put what the operators of a block read before them."""
    made: dict[SSAValue, SSAValue] = {}
    for op in list(block.ops):
        for value in op.operands:
            write_value(graph.find(value), op, chosen, made)
        op.operands = [made.get(graph.find(value), value) for value in op.operands]


def write_value(root: SSAValue, reader: Operation, chosen: Chosen, made: dict[SSAValue, SSAValue]) -> None:
    """Put all operators that make a value before its reader."""
    pending = [root]
    while pending:
        value = pending[-1]
        op = value.owner if isinstance(value.owner, ConstantOp) else chosen.get(value)
        missing = [o for o in op.operands if needs(o, chosen) and o not in made] if op and value not in made else []
        if missing:
            pending += missing
            continue
        pending.pop()
        if op and value not in made:
            copy = op.clone({operand: made[operand] for operand in op.operands if operand in made})
            Rewriter.insert_op(copy, InsertPoint.before(reader))
            made[value] = copy.results[0]


def needs(value: SSAValue, chosen: Chosen) -> bool:
    """Has this value to be made by an operator of the block?"""
    return isinstance(value.owner, ConstantOp) or value in chosen
