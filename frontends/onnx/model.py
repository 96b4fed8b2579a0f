"""Read an ONNX model and refuse what is not one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import FunctionProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto
from onnx.defs import onnx_opset_version

from webdnn.frontends.onnx.functions import schema_of
from webdnn.frontends.onnx.tensors import is_format
from webdnn.support.diagnostic import DiagnosticError

OLDEST_OPSET = 7

FunctionKey = tuple[str, str, str]
"""(domain, name, overload)"""


@dataclass(frozen=True)
class Model:
    """A model, the folder of its external data, its opsets by domain, and its own functions."""

    proto: ModelProto
    directory: Path
    name: str
    opsets: dict[str, int]
    functions: dict[FunctionKey, FunctionProto]

    def format_of(self, name: str) -> int:
        """The ONNX type of an input whose elements have fewer bits in the model than here; 0 for all others."""
        codes = (v.type.tensor_type.elem_type for v in self.proto.graph.input if v.name == name)
        return next((code for code in codes if is_format(code)), 0)


def read_model(source: str | Path | ModelProto) -> Model:
    """Raises DiagnosticError where the file is missing, is no ONNX model, or has opsets that we do not know."""
    if isinstance(source, ModelProto):
        proto, directory, name = source, Path(), source.graph.name or "<model>"
    else:
        proto, directory, name = parse(Path(source)), Path(source).parent, str(source)
    if not all(isinstance(text, str) for text in texts(proto)):
        raise DiagnosticError("holds names that are not UTF-8", where=name, hint="check that the file was copied whole")
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise DiagnosticError("has an empty graph", where=name, hint="export the model again; this file holds none")
    if proto.ir_version > onnx.IR_VERSION:
        raise DiagnosticError(
            f"has IR version {proto.ir_version}, the installed onnx knows versions up to {onnx.IR_VERSION}",
            where=name,
            hint="install a newer onnx, or export the model for an older one",
        )
    if not proto.graph.output:
        raise DiagnosticError("has no outputs", where=name, hint="name the outputs of the model when it is exported")
    functions = {(canonical(f.domain), f.name, f.overload): f for f in proto.functions}
    return Model(proto, directory, name, opsets_of(proto.opset_import, proto.graph.node, name), functions)


def parse(path: Path) -> ModelProto:
    try:
        return ModelProto.FromString(path.read_bytes())
    except FileNotFoundError as error:
        raise DiagnosticError("no such file", where=str(path), hint="check the path of the model") from error
    except OSError as error:
        raise DiagnosticError(
            f"cannot be read: {error}", where=str(path), hint="check the path of the model"
        ) from error
    except DecodeError as error:
        raise DiagnosticError(
            f"is not an ONNX model: {error}", where=str(path), hint="check that the file was copied whole"
        ) from error


def texts(message: Message) -> Iterator[object]:
    """All text fields of a model; damaged ones are bytes."""
    if isinstance(message, TensorProto):
        yield message.name  # its other fields can be many
        return
    for descriptor, value in message.ListFields():
        values = value if descriptor.is_repeated else [value]
        if descriptor.type == FieldDescriptor.TYPE_STRING:
            yield from values
        elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in values:
                yield from texts(inner)


def unchanged(node: NodeProto, opset: int) -> bool:
    """Is a node's operator the same in the oldest opset that we know?"""
    if canonical(node.domain) or any(a.HasField("g") for a in node.attribute):
        return False
    found = [schema_of(node.op_type, "", version) for version in (opset, OLDEST_OPSET)]
    return found[0] is not None and found[1] is not None and found[0].since_version == found[1].since_version


def opsets_of(imports: Iterable[OperatorSetIdProto], nodes: Iterable[NodeProto], where: str) -> dict[str, int]:
    """Opset versions by domain. Raises DiagnosticError where ONNX's own is none that we know."""
    opsets = {canonical(opset.domain): opset.version for opset in imports}
    own = opsets.get("", OLDEST_OPSET)
    if own < OLDEST_OPSET and all(unchanged(node, own) for node in nodes):
        return {**opsets, "": OLDEST_OPSET}
    if not opsets or own < OLDEST_OPSET:
        found = f"uses opset {own}" if opsets else "names no opset"
        raise DiagnosticError(
            f"{found}, the oldest that can be imported is {OLDEST_OPSET}",
            where=where,
            hint="convert the model with onnx.version_converter.convert_version(model, 13), or export it again",
        )
    if own > onnx_opset_version():
        raise DiagnosticError(
            f"uses opset {own}, the installed onnx knows opsets up to {onnx_opset_version()}",
            where=where,
            hint="install a newer onnx, or export the model for an older opset",
        )
    return opsets


def canonical(domain: str) -> str:
    """ONNX's own domain has two spellings."""
    return "" if domain == "ai.onnx" else domain


def function_key(node: NodeProto) -> FunctionKey:
    """Under which key a model's own function for this node would be found."""
    return canonical(node.domain), node.op_type, node.overload


def imported_opsets(function: FunctionProto, model: Model) -> dict[str, int]:
    """The opsets of a function's body; those of the model where it names none."""
    own = {canonical(opset.domain): opset.version for opset in function.opset_import}
    return {**model.opsets, **own}
