"""Constants between arrays and text: every element type, what is inline, folding, and the weight files of a module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp, StringAttr
from xdsl.parser import Parser

from webdnn.dialects.dnn import DNN
from webdnn.dialects.dnn.constant import ConstantOp
from webdnn.dialects.dnn.elementwise import AddOp
from webdnn.dialects.dnn.reference.arrays import as_array
from webdnn.dialects.dnn.reference.constants import ELEMENTS, array_of, constant_of, folded
from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.dialects.dnn.weight_files import open_weights, save_weights, weight_files
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.element_type import ELEMENT_TYPES
from webdnn.support.weights import STORE, numpy_dtype

Array = NDArray[np.generic]


def parsed(text: str) -> ModuleOp:
    ctx = Context()
    ctx.load_dialect(Builtin)
    ctx.load_dialect(DNN)
    return Parser(ctx, text).parse_module()


def through_text(array: Array) -> Array:
    module = parsed(str(ModuleOp([constant_of(as_array(array))])))
    module.verify()
    op = module.body.block.first_op
    assert isinstance(op, ConstantOp)
    return array_of(op)


@pytest.mark.parametrize("name", ELEMENT_TYPES)
@pytest.mark.parametrize("shape", [(), (6,), (2, 3), (40,), (0, 2)])
def test_every_element_type_survives_text(name: str, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    array = np.arange(-1, size - 1).astype(np.int64).reshape(shape).astype(numpy_dtype(ELEMENT_TYPES[name]))
    found = through_text(array)
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("number", [np.inf, np.nan, 1e30, 123456789.0, 3e-40, -0.0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_float_survives_text(number: float, dtype: type[np.floating]) -> None:
    array = np.array([number, 1], dtype)
    assert through_text(array).tobytes() == array.tobytes()


def test_equal_constants_are_equal_attributes() -> None:
    for array in (np.array([True, False]), np.arange(3), np.arange(99)):
        assert constant_of(as_array(array)).value == constant_of(as_array(array.copy())).value
    held = constant_of(as_array(np.array([True, False])))
    again = parsed(str(ModuleOp([held.clone()]))).body.block.first_op
    assert isinstance(again, ConstantOp)
    assert again.value == held.value


def test_dtypes_without_an_element_type() -> None:
    assert np.dtype(np.complex64) not in ELEMENTS


def test_folding_does_not_explode() -> None:
    column, row = (constant_of(as_array(np.ones(shape, np.float32))) for shape in ((2048, 1), (1, 2048)))
    assert folded(AddOp(column.output, row.output)) is None
    small = folded(AddOp(row.output, row.output))
    assert small is not None
    assert small[0].shape == (1, 2048)


def weighted(*arrays: Array) -> ModuleOp:
    return ModuleOp([constant_of(as_array(a)) for a in arrays])


def test_weights_lie_beside_the_text(tmp_path: Path) -> None:
    array = np.random.default_rng(1).standard_normal(50)
    module = weighted(array, array, np.arange(3))
    save_weights(module, tmp_path / "model.safetensors")
    assert weight_files(module) == ["model.safetensors"]
    again = parsed(str(module))
    key = next(op.value for op in again.ops if isinstance(op, ConstantOp) and isinstance(op.value, WeightAttr))
    del STORE.blobs[key.key.data], STORE.files[(tmp_path / "model.safetensors").resolve()]
    open_weights(again, tmp_path)
    op = again.body.block.first_op
    assert isinstance(op, ConstantOp)
    np.testing.assert_array_equal(array_of(op), array)


def test_only_new_weights_are_written_again(tmp_path: Path) -> None:
    first, second = (np.random.default_rng(seed).standard_normal(50) for seed in (2, 3))
    save_weights(weighted(first), tmp_path / "first.safetensors")
    module = weighted(first, second)
    (tmp_path / "later").mkdir()
    save_weights(module, tmp_path / "later" / "second.safetensors")
    assert weight_files(module) == ["../first.safetensors", "second.safetensors"]
    assert (tmp_path / "later" / "second.safetensors").stat().st_size < 2 * first.nbytes


def test_a_module_without_weights_names_no_file(tmp_path: Path) -> None:
    module = weighted(np.arange(3))
    save_weights(module, tmp_path / "model.safetensors")
    assert "dnn.weights" not in module.attributes
    assert not list(tmp_path.iterdir())


def test_weight_files_that_are_not_there(tmp_path: Path) -> None:
    module = parsed('builtin.module attributes {dnn.weights = ["gone.safetensors"]} {}')
    with pytest.raises(DiagnosticError, match="cannot read the weight file"):
        open_weights(module, tmp_path)
    module.attributes["dnn.weights"] = StringAttr("gone.safetensors")
    with pytest.raises(DiagnosticError, match="write a list of names"):
        open_weights(module, tmp_path)
