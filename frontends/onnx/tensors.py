"""ONNX tensors as arrays: in the file, in files beside it, sparse; and the element types of ONNX."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.dialects.dnn.reference.constants import ELEMENTS
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.element_type import ELEMENT_TYPES, ElementType
from webdnn.support.weights import numpy_dtype

WIDENED: dict[int, str] = {
    TensorProto.INT4: "i8",
    TensorProto.UINT4: "u8",
    TensorProto.INT2: "i8",
    TensorProto.UINT2: "u8",
}
"""Packed integers are kept one to a byte."""

ENCODED: dict[int, str] = {
    TensorProto.FLOAT8E4M3FN: "f8e4m3fn",
    TensorProto.FLOAT8E4M3FNUZ: "f8e4m3fnuz",
    TensorProto.FLOAT8E5M2: "f8e5m2",
    TensorProto.FLOAT8E5M2FNUZ: "f8e5m2fnuz",
    TensorProto.FLOAT8E8M0: "f8e8m0",
    TensorProto.FLOAT4E2M1: "f4e2m1",
}
"""Floats of 8 and 4 bits are kept as their codes, one to a byte; the name is that of their format."""


def is_format(code: int) -> bool:
    """Has an ONNX type fewer bits than the elements it is kept in, so that these mean something else?"""
    return code in WIDENED or code in ENCODED


NOT_A_MODEL = "export the model again; onnx.checker.check_model says more about a damaged file"


def onnx_element(code: int, where: str) -> ElementType:
    """The element type of an ONNX type code. Raises DiagnosticError where there is none."""
    if code in WIDENED or code in ENCODED:
        return ELEMENT_TYPES[WIDENED.get(code, "u8")]
    if code in TensorProto.DataType.values() and code != TensorProto.UNDEFINED:
        found = ELEMENTS.get(helper.tensor_dtype_to_np_dtype(code))
        if found is not None:
            return found
        name = next(name for name, value in TensorProto.DataType.items() if value == code)
    else:
        name = f"number {code}"
    raise DiagnosticError(
        f"has elements of the ONNX type {name}",
        where=where,
        hint=f"convert the model to one of the element types {', '.join(ELEMENT_TYPES)}",
    )


def read_tensor(tensor: TensorProto, directory: Path, where: str = "") -> Array:
    """The elements of a tensor, without a copy where that is possible. Raises DiagnosticError."""
    where = where or f"initializer '{tensor.name}'"
    element = onnx_element(tensor.data_type, where)
    try:
        if uses_external_data(tensor):
            return external(tensor, element, directory, where)
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise DiagnosticError(f"cannot be read: {error}", where=where, hint=NOT_A_MODEL) from error
    held = array.view(np.uint8) if tensor.data_type in ENCODED else array.astype(numpy_dtype(element), copy=False)
    return as_array(np.ascontiguousarray(held).reshape(array.shape))


def external(tensor: TensorProto, element: ElementType, directory: Path, where: str) -> Array:
    """A tensor in a file beside the model, mapped into memory: it is read when it is used."""
    info = ExternalDataInfo(tensor)
    path = (directory / info.location).resolve()
    hint = "keep the external data of the model beside it, under the name that the model gives"
    if not path.is_relative_to(directory.resolve()):
        raise DiagnosticError(
            f"its data lies outside of the model's folder, at '{info.location}'", where=where, hint=hint
        )
    if not path.is_file():
        raise DiagnosticError(f"its external data file '{path}' does not exist", where=where, hint=hint)
    packed = tensor.data_type in WIDENED or tensor.data_type == TensorProto.FLOAT4E2M1
    dtype = np.dtype(np.uint8) if packed else numpy_dtype(element)
    size = packed_bytes(tensor) if packed else prod(tensor.dims) * dtype.itemsize
    start = info.offset or 0
    if path.stat().st_size < start + size or (info.length is not None and info.length != size):
        raise DiagnosticError(f"its external data file '{path}' has no {size} bytes at {start}", where=where, hint=hint)
    if packed:
        inside = TensorProto(data_type=tensor.data_type, dims=tensor.dims)
        with path.open("rb") as file:
            file.seek(start)
            inside.raw_data = file.read(size)
        return read_tensor(inside, directory, where)
    if size == 0:
        return as_array(np.zeros(tensor.dims, dtype))
    return as_array(np.memmap(path, np.uint8, "r", start, (size,)).view(dtype).reshape(tensor.dims))


def packed_bytes(tensor: TensorProto) -> int:
    """Bytes of a tensor whose elements share bytes."""
    bits = 2 if tensor.data_type in (TensorProto.INT2, TensorProto.UINT2) else 4
    return -(-prod(tensor.dims) * bits // 8)


def read_sparse_tensor(sparse: SparseTensorProto, directory: Path, where: str = "") -> Array:
    """The elements of a sparse tensor, the zeros filled in. Raises DiagnosticError."""
    where = where or f"initializer '{sparse.values.name}'"
    values = read_tensor(sparse.values, directory, where)
    indices = read_tensor(sparse.indices, directory, where).astype(np.int64)
    result = np.zeros(prod(sparse.dims), values.dtype)
    try:
        flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), tuple(sparse.dims))
        result[flat] = values
    except (ValueError, IndexError) as error:
        raise DiagnosticError(
            f"is a sparse tensor with wrong indices: {error}", where=where, hint=NOT_A_MODEL
        ) from error
    return result.reshape(sparse.dims)
