"""What the command lines of our tools share: errors of one line, `NAME=VALUE` options, arrays from files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

import numpy as np

from webdnn.dialects.signature import Sizes
from webdnn.support.diagnostic import DiagnosticError
from webdnn.support.weights import Array
from webdnn.targets.bundle.names import WeightFormatName

Value = TypeVar("Value")


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line and a hint."""

    def error(self, message: str) -> NoReturn:
        raise DiagnosticError(message, hint=f"'{self.prog} --help' lists the options")


def pairs(option: str, given: Sequence[str], read: Callable[[str], Value], *, hint: str) -> dict[str, Value]:
    """The values of an option that is given as NAME=VALUE; `hint` says what VALUE is. Raises DiagnosticError."""
    found: dict[str, Value] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not (name and equals):
            raise DiagnosticError(f"{option} {text}", hint=f"write it as {option} NAME=VALUE")
        if name in found:
            raise DiagnosticError(f"{option} {text}: '{name}' is given twice", hint="give it once")
        try:
            found[name] = read(value)
        except (ValueError, OSError, EOFError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DiagnosticError(f"{option} {text}: {reason}", hint=hint) from error
    return found


def arrays(option: str, given: Sequence[str]) -> dict[str, Array]:
    """The arrays of an option that is given as NAME=FILE.npy. Raises DiagnosticError."""
    return pairs(option, given, read_array, hint="name a file that numpy.save has written, with one array")


def read_array(path: str) -> Array:
    with Path(path).open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options that settle what an ONNX model leaves open."""
    parser.add_argument(
        "--dim",
        action="append",
        default=[],
        metavar="N=1",
        help="bind a symbolic dimension of inputs, or a number that the model computes: to one size, or to all from 1 "
        "to 8 with N=1..8",
    )
    parser.add_argument(
        "--constant", action="append", default=[], metavar="NAME=FILE.npy", help="fix an input, or another value"
    )


def model_options(arguments: argparse.Namespace) -> tuple[dict[str, int | Sizes], dict[str, Array]]:
    """The bound dimensions and the constants of the command line. Raises DiagnosticError."""
    hint = "bind a dimension to a whole number, as in --dim N=1, or to all from one to another, as in --dim N=1..8"
    return pairs("--dim", arguments.dim, read_sizes, hint=hint), arrays("--constant", arguments.constant)


def read_sizes(text: str) -> int | Sizes:
    """`4`, or `1..8`. Raises ValueError."""
    least, dots, most = text.partition("..")
    return Sizes(int(least), int(most)) if dots else int(text)


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    """The option that says how many bits of a model's weights are kept."""
    parser.add_argument(
        "--weights",
        choices=get_args(WeightFormatName),
        default="f32",
        help="how large weights are stored: as they are (f32, the default), in half of the bytes (f16), a quarter (q8) "
        "or a seventh (q4), with errors that grow; what is not compressed is told",
    )
