"""The words and numbers that a manifest is spelled with."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

ElementTypeName: TypeAlias = Literal[
    "f32", "f64", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool"
]
WeightFormatName: TypeAlias = Literal["f32", "f16", "q8", "q4"]
StorageName: TypeAlias = Literal["f32", "i32", "u32"]
FeatureName: TypeAlias = Literal["simd", "relaxed-simd", "threads"]
BufferName: TypeAlias = Literal["arena", "weights"]
VariantName: TypeAlias = Literal["tiles64", "tiles32", "groups", "subgroups", "alone"]

Natural: TypeAlias = Annotated[int, 0]
Positive: TypeAlias = Annotated[int, 1]
Path: TypeAlias = Annotated[str, r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"]
Sha256: TypeAlias = Annotated[str, r"^[0-9a-f]{64}$"]
