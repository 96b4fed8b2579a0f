"""What the command lines of our tools share: errors of one line, `NAME=VALUE` options, arrays from files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np

from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array

Value = TypeVar("Value")


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line and a hint."""

    def error(self, message: str) -> NoReturn:
        raise DiagnosticError(message, hint=f"'{self.prog} --help' lists the options")


def pairs(option: str, given: Sequence[str], read: Callable[[str], Value]) -> dict[str, Value]:
    """The values of an option that is given as NAME=VALUE. Raises DiagnosticError."""
    found: dict[str, Value] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not (name and equals):
            raise DiagnosticError(f"{option} {text}", hint=f"write it as {option} NAME=VALUE")
        if name in found:
            raise DiagnosticError(f"{option} {name} is given twice", hint="give it once")
        found[name] = read(value)
    return found


def whole_number(text: str) -> int:
    """Raises DiagnosticError."""
    try:
        return int(text)
    except ValueError as error:
        raise DiagnosticError(f"'{text}' is not a whole number", hint="write a dimension as NAME=1") from error


def read_array(path: str) -> Array:
    """The array in a `.npy` file. Raises DiagnosticError."""
    try:
        found: object = np.load(Path(path), allow_pickle=False)
    except FileNotFoundError as error:
        raise DiagnosticError("no such file", where=path, hint="check the path of the array") from error
    except (ValueError, OSError, EOFError) as error:
        hint = "save the array with numpy.save"
        raise DiagnosticError(f"is not an array that can be read: {error}", where=path, hint=hint) from error
    if isinstance(found, np.ndarray):
        return found
    raise DiagnosticError("holds several arrays", where=path, hint="save one array a file, with numpy.save")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options that settle what an ONNX model leaves open."""
    parser.add_argument("--dim", action="append", default=[], metavar="N=1", help="bind a symbolic dimension of inputs")
    parser.add_argument(
        "--constant", action="append", default=[], metavar="NAME=FILE.npy", help="fix an input, or another value"
    )


def model_options(arguments: argparse.Namespace) -> tuple[dict[str, int], dict[str, Array]]:
    """The bound dimensions and the constants of the command line. Raises DiagnosticError."""
    dims = pairs("--dim", arguments.dim, whole_number)
    return dims, pairs("--constant", arguments.constant, read_array)
