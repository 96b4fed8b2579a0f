"""Products of matrices and tensors against onnxruntime, and their kernel forms against the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from webdnn.support.diagnostic import DiagnosticError

Array = NDArray[np.float64]
Check = Callable[..., ModuleOp]
Noise = Callable[..., Array]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 5)),
        ((4,), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_matmul(check: Check, noise: Noise, a: Sequence[int], b: Sequence[int], dtype: str) -> None:
    check("MatMul", noise(*a, dtype=dtype), noise(*b, dtype=dtype, seed=1), opset=13)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("bias", [None, (), (5,), (3, 1), (3, 5)])
@pytest.mark.parametrize("constants", [[], [1, 2]])
def test_gemm(
    check: Check, noise: Noise, trans_a: int, trans_b: int, bias: Sequence[int] | None, constants: Sequence[int]
) -> None:
    a, b = noise(*((4, 3) if trans_a else (3, 4))), noise(*((5, 4) if trans_b else (4, 5)), seed=1)
    rest = [] if bias is None else [noise(*bias, seed=2)]
    module = check(
        "Gemm", a, b, *rest, constants=constants, opset=11, transA=trans_a, transB=trans_b, alpha=0.5, beta=2.0
    )
    if constants:
        assert "dnn.mul" not in str(module)
        assert str(module).count("dnn.transpose") == trans_a


def test_gemm_refuses_to_scale_integers_by_a_fraction(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match=r"scales integers by 0\.5"):
        check("Gemm", noise(2, 3, dtype="int32"), noise(3, 2, dtype="int32"), alpha=0.5, expected=[])


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
        ("bhid,bhjd->bhij", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("bhij,bjhd->bihd", [(2, 2, 3, 4), (2, 4, 2, 5)]),
        ("i,j->ij", [(2,), (3,)]),
        ("i,i->", [(3,), (3,)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij->j", [(2, 3)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("bii->b", [(2, 3, 3)]),
        ("iij,jk->ik", [(2, 2, 3), (3, 4)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("i...,j...->ij...", [(2, 3), (4, 3)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("ij,ik,il->jkl", [(2, 3), (2, 4), (2, 5)]),
        ("ab,cb,b->ca", [(2, 3), (4, 3), (3,)]),
        ("ijk,l->l", [(2, 3, 2), (4,)]),
        (" i j , j k -> i k ", [(2, 3), (3, 4)]),
        ("Ab,bC->CA", [(2, 3), (3, 4)]),
    ],
)
def test_einsum(check: Check, noise: Noise, equation: str, shapes: Sequence[Sequence[int]]) -> None:
    operands = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    wanted = np.asarray(np.einsum(equation.replace(" ", ""), *operands), np.float32)
    check("Einsum", *operands, opset=12, equation=equation, expected=[wanted])


def test_einsum_broadcasts_extents_of_one(check: Check, noise: Noise) -> None:
    a, b = noise(2, 1), noise(3, 4)
    check("Einsum", a, b, opset=12, equation="ij,jk->ik", expected=[np.einsum("ij,jk->ik", np.repeat(a, 3, 1), b)])


def test_einsum_of_integers_wraps(check: Check) -> None:
    a, b = np.full((2, 3), 100, np.int32), np.full((3, 2), 1 << 30, np.int32)
    check("Einsum", a, b, opset=12, equation="ij,jk->ik", expected=[np.einsum("ij,jk->ik", a, b)])


def test_a_contraction_becomes_a_product_of_matrices(check: Check, noise: Noise) -> None:
    module = str(check("Einsum", noise(2, 3, 4), noise(2, 5, 4), equation="bij,bkj->bik", opset=12))
    assert "dnn.matmul" in module
    assert "dnn.einsum" not in module


def test_einsum_refuses_terms_that_do_not_fit(check: Check, noise: Noise) -> None:
    with pytest.raises(DiagnosticError, match="2 terms"):
        check("Einsum", noise(2, 3), opset=12, equation="ij,jk->ik", expected=[np.zeros(1)])
