"""Saturated graphs compute the same and cost no more, and find what one rewriting after another does not."""

from __future__ import annotations

import numpy as np
import pytest
from bench.equality_saturation.__main__ import BEFORE, compared, tables
from bench.equality_saturation.cost import total_cost
from bench.equality_saturation.graph import EGraph
from bench.equality_saturation.saturation import saturate
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.ir import Block
from xdsl.parser import Parser

from helpers.linear_graphs import LinearGraph
from webdnn.dialects.dnn.elementwise import AddOp, ReluOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import constant_of
from webdnn.dialects.kernel.reference import run_function
from webdnn.support.verification import verify_module
from webdnn.tools.compiler import Compiler
from webdnn.tools.context import new_context

SHAPE = (1, 4, 5, 6)
MOST = 300

NORMALIZED = """
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %s = dnn.constant dense<[1.5, 2.0, 3.0, 0.5]> : tensor<4xf32> : tensor<4xf32>
  %b = dnn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : tensor<4xf32>
  %c = dnn.constant dense<[1.0, 1.0, 2.0, 1.0]> : tensor<4xf32> : tensor<4xf32>
  %n = dnn.layer_norm %x, %s, %b {axis = 1 : i64, epsilon = 1.0e-5 : f64}
       : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %t = dnn.tanh %x : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %u = dnn.add %t, %c : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %y = dnn.add %n, %u : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  func.return %y : tensor<8x4xf32>
}
"""


NEGATED = """
func.func @main(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %m = dnn.neg %x : (tensor<3xf32>) -> tensor<3xf32>
  %n = dnn.neg %m : (tensor<3xf32>) -> tensor<3xf32>
  %y = dnn.relu %n : (tensor<3xf32>) -> tensor<3xf32>
  func.return %n, %y : tensor<3xf32>, tensor<3xf32>
}
"""


def simplified(module: ModuleOp) -> ModuleOp:
    """Without what neither way of rewriting would leave."""
    Compiler(new_context()).run("graph", module, BEFORE)
    return module


@pytest.mark.parametrize("seed", [*range(14), 18])
def test_random_graphs_compute_the_same_for_no_more(seed: int) -> None:
    module = simplified(LinearGraph(seed, shape=SHAPE).grow(4 + seed % 8))
    x, before = as_array(np.random.default_rng(seed).standard_normal(SHAPE)), total_cost(module)
    expected = run_function(module, [x])
    saturate(module, MOST)
    verify_module(module)
    assert total_cost(module).total <= before.total
    for found, wanted in zip(run_function(module, [x]), expected, strict=True):
        size = np.abs(as_array(wanted)).max(initial=1e-3)
        np.testing.assert_allclose(as_array(found) / size, as_array(wanted) / size, rtol=0, atol=1e-10)


def test_a_limit_of_operators_leaves_a_right_graph() -> None:
    module = simplified(LinearGraph(18, shape=SHAPE).grow(12))
    limited, free = module.clone(), module.clone()
    few, many = saturate(limited, 16), saturate(free, MOST)
    verify_module(limited)
    assert not few.complete
    assert many.complete
    assert many.operators > few.operators
    assert total_cost(free).total < total_cost(limited).total <= total_cost(module).total


def test_a_bias_meets_that_of_another_summand() -> None:
    """norm(x, s, b) + (y + c) = norm(x, s) + (y + (b + c)): `dnn-aggregate-constants` asks readers of a sum alone."""
    found = compared("normalized", Parser(new_context(), NORMALIZED).parse_module(), MOST)
    assert found.ordered == found.before
    assert found.before.elements - found.saturated.elements == 8 * 4
    assert found.before.weight_bytes - found.saturated.weight_bytes == 4 * 4
    (table,) = tables([found])
    assert table.rows[0][:7] == ("normalized", "4", "4", "4", "0.0", "0.0", "0.0")


def test_what_equals_an_input_is_the_input() -> None:
    module = Parser(new_context(), NEGATED).parse_module()
    saturate(module, MOST)
    (function,) = module.ops
    (block,) = function.regions[0].blocks
    relu, end = block.ops
    assert isinstance(relu, ReluOp)
    assert (*relu.operands, *end.operands) == (block.args[0], block.args[0], relu.output)


def test_what_reads_equal_values_is_equal() -> None:
    graph, (x, y) = EGraph(), Block(arg_types=[TensorType(f32, [3])] * 2).args
    first, second = graph.add(ReluOp(x)), graph.add(ReluOp(y))
    outer, twin = graph.add(AddOp(first, x)), graph.add(AddOp(second, y))
    assert graph.find(outer) is not graph.find(twin)
    graph.merge(x, y)
    graph.rebuild()
    assert graph.find(outer) is graph.find(twin)
    assert len(graph) == 2


def test_constants_that_differ_by_rounding_are_one() -> None:
    graph = EGraph()
    third = np.full(3, 1 / 3)
    first = graph.add(constant_of(as_array(third)))
    assert graph.add(constant_of(as_array(1 - 2 * third))) is first
    assert graph.add(constant_of(as_array(third + 1e-9))) is not first
