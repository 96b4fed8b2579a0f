"""Converter of the counts of sequences of words, given as numbers: TfIdfVectorizer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reduction import ReduceMinOp
from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term, joined, total


def pools(node: Node) -> Iterator[Array]:
    """The sequences to look for by their length: [sequence, word]. Those of length n are the n-th of them."""
    words, starts = np.array(node.integers("pool_int64s"), np.int64), node.integers("ngram_counts")
    for length, (start, end) in enumerate(pairwise([*starts, len(words)]), 1):
        yield as_array(words[start:end].reshape(-1, length))


@converter("TfIdfVectorizer")
def tf_idf_vectorizer(node: Node) -> SSAValue:
    """How often each sequence occurs, its words up to `max_skip_count` others apart; weighted, or only whether."""
    if node.has("pool_strings"):
        node.refuse("counts words", hint="tensors of strings are not supported; turn words into numbers first")
    x, places = Term.operand(node, 0), node.integers("ngram_indexes")
    least, most, skips = (node.integer(name) for name in ("min_gram_length", "max_gram_length", "max_skip_count"))
    counts: list[Term] = []
    for pool in pools(node):
        length = pool.shape[1]
        inside = least <= length <= most
        gaps = range(1, 2 if length == 1 else skips + 2)
        if len(pool):
            counts.append(occurrences(x, pool, gaps if inside else range(0)))
    size, mode = max(places) + 1, node.text("mode")
    rows = np.zeros((len(places), size), np.float32)
    rows[np.arange(len(places)), places] = 1
    found = joined(counts, len(x.shape) - 1) @ Term.known(node, as_array(rows))
    if mode == "IDF":
        found = found.greater(0).cast("f32")
    weights = node.numbers("weights", ())
    if mode == "TF" or not weights:
        return found.value
    return (found * Term.known(node, as_array(np.array(weights, np.float32)))).value


def occurrences(x: Term, pool: Array, gaps: range) -> Term:
    """How often each sequence of the pool occurs in the last axis, with words any of the gaps apart: […, sequence]."""
    node, outer, (sequences, length) = x.node, x.shape[:-1], pool.shape
    none = Term.known(node, as_array(np.zeros((*outer, sequences), np.float32)))
    wanted = Term.known(node, as_array(pool.astype(np.int32)))
    found = [none]
    for gap in gaps:
        starts = x.shape[-1] - gap * (length - 1)
        if starts < 1:
            continue
        indices = as_array([[start + gap * i for i in range(length)] for start in range(starts)])
        windows = x.cast("i32").gathered(Term.known(node, indices), len(outer))
        same = windows.reshaped(*outer, starts, 1, length).equals(wanted).cast("f32")
        met = same.reduced(ReduceMinOp, [len(outer) + 2])
        found.append(met.sum(len(outer)))
    return total(found)
