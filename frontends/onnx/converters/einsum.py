"""The converter of sums in Einstein's notation: products of matrices where they are, `dnn.einsum` where not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from string import ascii_letters

from xdsl.ir import SSAValue

from webdnn.dialects.dnn.base import flag, ints, text
from webdnn.dialects.dnn.elementwise import MulOp
from webdnn.dialects.dnn.linear_algebra import EinsumOp, MatmulOp
from webdnn.dialects.dnn.reduction import ReduceSumOp
from webdnn.dialects.element import shape_of
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.rearrange import reshaped, transposed
from webdnn.frontends.onnx.registry import converter

ELLIPSIS = "..."


@converter("Einsum")
def einsum(node: Node) -> SSAValue:
    """From left to right: each product with the next operand keeps the letters that are needed later."""
    operands = [node.operand(i) for i in range(len(node.operands))]
    terms, result = spelled_out(node, operands)
    value, term = operands[0], terms[0]
    for i in range(1, len(operands)):
        later = set("".join(terms[i + 1 :]) + result)
        kept = "".join(dict.fromkeys(letter for letter in term + terms[i] if letter in later))
        last = i == len(operands) - 1
        value = contracted(node, value, term, operands[i], terms[i], result if last else kept)
        term = result if last else kept
    return arranged(node, value, term, result)


def spelled_out(node: Node, operands: Sequence[SSAValue]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, ellipses replaced by letters of their own."""
    equation = node.text("equation").replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        node.refuse(f"has {len(terms)} terms in '{equation}' for {len(operands)} operands", hint="give each its term")
    free = [letter for letter in ascii_letters if letter not in equation]
    named = [len(shape_of(o)) - len(t.replace(ELLIPSIS, "")) for o, t in zip(operands, terms, strict=True)]
    most = max((count for count, term in zip(named, terms, strict=True) if ELLIPSIS in term), default=0)
    if min(named) < 0 or most > len(free):
        node.refuse(f"has terms in '{equation}' that do not fit its operands", hint="name every axis once")
    hidden = "".join(free[:most])
    full = [t.replace(ELLIPSIS, hidden[most - n :] if n > 0 else "") for t, n in zip(terms, named, strict=True)]
    if arrow:
        return full, right.replace(ELLIPSIS, hidden)
    everything = "".join(full)
    once = sorted(letter for letter in set(everything) if everything.count(letter) == 1 and letter not in hidden)
    return full, hidden + "".join(once)


def contracted(node: Node, a: SSAValue, a_term: str, b: SSAValue, b_term: str, result: str) -> SSAValue:
    """The sum over all letters that the result does not name of a product of two operands."""
    a, a_term = prepared(node, a, a_term, b_term + result)
    b, b_term = prepared(node, b, b_term, a_term + result)
    a_extents, b_extents = extents(a, a_term), extents(b, b_term)
    summed = [letter for letter in a_term if letter not in result]
    if not summed:
        return node.add(MulOp(aligned(node, a, a_term, result), aligned(node, b, b_term, result)))
    if any(a_extents[letter] != b_extents[letter] for letter in summed):
        return node.add(EinsumOp.of([a, b], equation=text(f"{a_term},{b_term}->{result}")))
    batch = [letter for letter in result if letter in a_term and letter in b_term]
    rows = [letter for letter in result if letter not in b_term]
    columns = [letter for letter in result if letter not in a_term]
    lhs = matrix(node, a, a_term, batch, rows, summed)
    rhs = matrix(node, b, b_term, batch, summed, columns)
    product = node.add(MatmulOp.of(lhs, rhs))
    shape = shape_of(product)[: len(batch)]
    outer = [a_extents[letter] for letter in rows] + [b_extents[letter] for letter in columns]
    return arranged(node, reshaped(node, product, [*shape, *outer]), "".join([*batch, *rows, *columns]), result)


def extents(value: SSAValue, term: str) -> dict[str, int]:
    return dict(zip(term, shape_of(value), strict=True))


def matrix(
    node: Node, value: SSAValue, term: str, batch: Sequence[str], rows: Sequence[str], columns: Sequence[str]
) -> SSAValue:
    """The operand as matrices: batch axes, then all rows as one axis, then all columns."""
    known = extents(value, term)
    ordered = transposed(node, value, [term.index(letter) for letter in [*batch, *rows, *columns]])
    height, width = (reduce(int.__mul__, (known[letter] for letter in group), 1) for group in (rows, columns))
    return reshaped(node, ordered, [*(known[letter] for letter in batch), height, width])


def prepared(node: Node, value: SSAValue, term: str, needed: str) -> tuple[SSAValue, str]:
    """An operand that names each letter once, and only letters that something else names too."""
    kept = "".join(dict.fromkeys(letter for letter in term if letter in needed))
    return arranged(node, value, term, kept), kept


def arranged(node: Node, value: SSAValue, term: str, result: str) -> SSAValue:
    """One operand: its diagonals, then sums over what the result does not name, then its axes in order."""
    if len(set(term)) != len(term):
        return node.add(EinsumOp.of([value], equation=text(f"{term}->{result}")))
    gone = [axis for axis, letter in enumerate(term) if letter not in result]
    if gone:
        value = node.add(ReduceSumOp.of(value, axes=ints(gone), keepdims=flag(False)))
    kept = [letter for letter in term if letter in result]
    return transposed(node, value, [kept.index(letter) for letter in result])


def aligned(node: Node, value: SSAValue, term: str, result: str) -> SSAValue:
    """The operand with the axes of the result, of extent 1 where it has none."""
    known = extents(value, term)
    ordered = transposed(node, value, [term.index(letter) for letter in result if letter in term])
    return reshaped(node, ordered, [known.get(letter, 1) for letter in result])
