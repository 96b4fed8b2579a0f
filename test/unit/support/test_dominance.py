"""The dominance check accepts what every path defines first, and nothing else."""

import pytest
from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp, i32
from xdsl.dialects.cf import Cf
from xdsl.dialects.func import Func
from xdsl.dialects.test import Test, TestOp
from xdsl.ir import Block, Region
from xdsl.parser import Parser

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.dominance import dominance_problems, verify_dominance


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (Arith, Builtin, Cf, Func, Test):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def problems(text: str) -> list[str]:
    return [problem.what for problem in dominance_problems(parse(text))]


def test_straight_line_code_is_right() -> None:
    assert problems('%a = "test.op"() : () -> i32\n"test.op"(%a, %a) : (i32, i32) -> ()') == []


def test_use_before_definition() -> None:
    assert problems('"test.op"(%a) : (i32) -> ()\n%a = "test.op"() : () -> i32') == [
        "'test.op' uses operand 0 (%a) before its definition"
    ]


def test_operation_that_uses_its_own_result() -> None:
    assert problems('%a = "test.op"(%a) : (i32) -> i32') == ["'test.op' uses operand 0 (%a) before its definition"]


def test_nested_regions_see_what_was_defined_around_them() -> None:
    text = """
    %a = "test.op"() : () -> i32
    "test.op"() ({
    ^bb0(%b : i32):
      "test.termop"() ({ "test.termop"(%a, %b) : (i32, i32) -> () }) : () -> ()
    }) : () -> ()
    """
    assert problems(text) == []


def test_nested_use_of_a_later_value() -> None:
    text = '"test.op"() ({ "test.termop"(%a) : (i32) -> () }) : () -> ()\n%a = "test.op"() : () -> i32'
    assert problems(text) == ["'test.termop' uses operand 0 (%a) before its definition"]


def test_region_that_uses_the_result_of_its_own_operation() -> None:
    text = '%a = "test.op"() ({ "test.termop"(%a) : (i32) -> () }) : () -> i32'
    assert problems(text) == ["'test.termop' uses operand 0 (%a) inside the operation that defines it"]


def test_value_from_a_region_that_does_not_enclose_the_use() -> None:
    inner = TestOp(result_types=[i32])
    module = ModuleOp([TestOp(regions=[Region(Block([inner]))]), TestOp(operands=[inner.results[0]])])
    (problem,) = dominance_problems(module)
    assert problem.what == "'test.op' uses operand 0 from a region that does not enclose it"


def test_value_whose_definition_was_removed() -> None:
    lost = TestOp(result_types=[i32])
    (problem,) = dominance_problems(ModuleOp([TestOp(operands=[lost.results[0]])]))
    assert problem.what == "'test.op' uses operand 0 whose definition is no longer in the module"


DIAMOND = """
func.func @f(%c : i1, %x : i32) {{
  cf.cond_br %c, ^then, ^else
^then:
  %a = arith.addi %x, %x : i32
  cf.br ^end
^else:
  cf.br ^end
^end:
  {use}
  func.return
}}
"""


def test_branches_see_the_entry_but_not_each_other() -> None:
    assert problems(DIAMOND.format(use="%b = arith.addi %x, %x : i32")) == []
    assert problems(DIAMOND.format(use="%b = arith.addi %a, %x : i32")) == [
        "'arith.addi' uses operand 0 (%a) from a block that does not dominate it"
    ]


def test_verify_raises_the_first_problem_with_a_hint() -> None:
    verify_dominance(parse('%a = "test.op"() : () -> i32'))
    with pytest.raises(DiagnosticError, match="before its definition") as caught:
        verify_dominance(parse('"test.op"(%a, %a) : (i32, i32) -> ()\n%a = "test.op"() : () -> i32'))
    assert caught.value.hint
