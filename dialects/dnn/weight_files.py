"""The weight files of a module: safetensors files beside its text, named by the attribute `dnn.weights`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeGuard

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute

from webdnn.dialects.dnn.weight import WeightAttr
from webdnn.support.diagnostic import fail
from webdnn.support.weights import STORE


def open_weights(module: ModuleOp, directory: Path) -> None:
    """Make the weights of the files that a module names known; the names are relative to `directory`.

    Raises DiagnosticError where one cannot be read.
    """
    for name in weight_files(module):
        STORE.open(directory / name)


def save_weights(module: ModuleOp, path: Path) -> None:
    """Write the weights that a module refers to and that are in none of the opened files, for a text beside `path`.

    The module's attribute then names that file, if there is anything to put into it, and the opened files in use.
    """
    keys, path = used_keys(module), path.resolve()
    opened = {file: keys & known for file, known in STORE.files.items() if file != path}
    new = keys.difference(*opened.values())
    names = [os.path.relpath(file, path.parent) for file, found in opened.items() if found]
    if new:
        STORE.save(path, sorted(new))
        STORE.files[path] = frozenset(new)
        names.append(path.name)
    if names:
        module.attributes[WeightAttr.MODULE_ATTRIBUTE] = ArrayAttr([StringAttr(name) for name in names])
    else:
        module.attributes.pop(WeightAttr.MODULE_ATTRIBUTE, None)


def weight_files(module: ModuleOp) -> list[str]:
    """The file names that a module gives. Raises DiagnosticError where its attribute is no list of strings."""
    named = module.attributes.get(WeightAttr.MODULE_ATTRIBUTE)
    if named is None:
        return []
    names = [a.data for a in named if isinstance(a, StringAttr)] if is_list(named) else []
    if not is_list(named) or len(names) != len(named):
        fail(module, f"has {WeightAttr.MODULE_ATTRIBUTE} = {named}", hint='write a list of names: ["FILE.safetensors"]')
    return names


def is_list(attribute: Attribute) -> TypeGuard[ArrayAttr[Attribute]]:
    return isinstance(attribute, ArrayAttr)


def used_keys(module: ModuleOp) -> set[str]:
    """The keys of all weights that a module refers to."""
    return {
        weight.key.data
        for op in module.walk()
        for weight in weights_in((*op.properties.values(), *op.attributes.values()))
    }


def weights_in(attributes: Iterable[Attribute]) -> Iterator[WeightAttr]:
    for attribute in attributes:
        if isinstance(attribute, WeightAttr):
            yield attribute
        elif isinstance(attribute, DictionaryAttr):
            yield from weights_in(attribute.data.values())
        elif is_list(attribute):
            yield from weights_in(attribute)
