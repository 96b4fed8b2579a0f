"""Copies of kernels, one for each way in which a program calls them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.rewriter import InsertPoint, Rewriter

from webdnn.dialects.kernel.program import CallOp
from webdnn.dialects.kernel.structure import FuncOp

Signature = TypeVar("Signature", bound=Hashable)
"""A way in which a kernel is called, as a pass tells them apart"""


@dataclass
class Copies(Generic[Signature]):
    """The kernels of a module, and what is `made` of them: a copy for each name and signature."""

    functions: dict[str, FuncOp]
    made: dict[tuple[str, Signature], FuncOp] = field(default_factory=dict[tuple[str, Signature], FuncOp])

    @classmethod
    def of(cls, module: ModuleOp) -> Copies[Signature]:
        """Those of a module, of which nothing is made yet."""
        return cls({f.sym_name.data: f for f in module.body.block.ops if isinstance(f, FuncOp)})

    def called(self, call: CallOp, signature: Signature) -> FuncOp:
        """The copy for a call."""
        return self._named(call.callee.root_reference.data, signature)

    def erase_originals(self) -> None:
        """Leave only copies of what was copied."""
        for name in {name for name, _ in self.made}:
            Rewriter.erase_op(self.functions[name])

    def _named(self, name: str, signature: Signature) -> FuncOp:
        if (name, signature) not in self.made:
            earlier = sum(known == name for known, _ in self.made)
            function = self.functions[name]
            self.made[name, signature] = copy = function.clone()
            copy.location = function.location
            copy.sym_name = StringAttr(f"{name}_{earlier}" if earlier else name)
            Rewriter.insert_op(copy, InsertPoint.before(function))
            others = [self._named(other.data, signature).sym_name for other in function.others]
            copy.others = ArrayAttr(others)
        return self.made[name, signature]
