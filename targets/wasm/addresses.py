"""Which pointer and which offset each access of a function has, and which pointers each loop must carry."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from webdnn.dialects.element import element_type
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.affine import is_value, range_of
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp
from webdnn.support.index import Index
from webdnn.targets.wasm.loops import counters, loop_around

Access = ReadOp | WriteOp | PrefetchOp
"""What becomes a pointer and an offset"""

Key = frozenset[tuple[SSAValue, int]]
"""Byte strides of loop counters, with the buffer's base as one more symbol of stride 1"""


@dataclass(frozen=True)
class Address:
    """`key`'s pointer plus `rest` (bytes, where it is not affine in counters) plus `constant`; `base` is in `key`."""

    key: Key
    base: SSAValue
    rest: Index
    constant: int


def only_index(terms: Mapping[Hashable, int]) -> tuple[IndexOp, int] | None:
    """The computed index that alone moves an address, upwards, and its stride in bytes."""
    if len(terms) != 1:
        return None
    ((atom, stride),) = terms.items()
    if not is_value(atom) or not isinstance(atom.owner, IndexOp):
        return None
    span = range_of(atom)
    return (atom.owner, stride) if stride > 0 and span and span[0] >= 0 else None


@dataclass
class Constants:
    """The integers that a function uses, each once."""

    known: dict[int, arith.ConstantOp] = field(default_factory=dict[int, arith.ConstantOp])

    def integer(self, value: int) -> SSAValue:
        if value not in self.known:
            self.known[value] = arith.ConstantOp(IntegerAttr(value, i32))
        return self.known[value].result

    @property
    def ops(self) -> list[Operation]:
        return list(self.known.values())


@dataclass
class Addresses:
    """The addresses of one function's accesses; nothing of the function changes while they are found.

    `bases` are the parameters that hold the buffers' places, `fixed` those that count the loops around the function's
    calls, by what they are as indices. `of` is what is found, and `needed` what each loop has to carry. `after` makes
    the places that computed indices decide, where those are known.
    """

    bases: Mapping[SSAValue, SSAValue]
    fixed: Mapping[SSAValue, SSAValue]
    constants: Constants
    of: dict[Operation, Address] = field(default_factory=dict[Operation, Address])
    needed: dict[scf.ForOp, dict[Key, None]] = field(default_factory=dict[scf.ForOp, dict[Key, None]])
    lowest: dict[Key, int] = field(default_factory=dict[Key, int])
    places: dict[tuple[SSAValue, Key], tuple[SSAValue, int]] = field(
        default_factory=dict[tuple[SSAValue, Key], tuple[SSAValue, int]]
    )
    decided: dict[tuple[SSAValue, IndexOp, int], SSAValue] = field(
        default_factory=dict[tuple[SSAValue, IndexOp, int], SSAValue]
    )
    before: list[Operation] = field(default_factory=list[Operation])
    after: dict[IndexOp, list[Operation]] = field(default_factory=dict[IndexOp, list[Operation]])
    roots: dict[tuple[SSAValue, int], arith.AddiOp] = field(default_factory=dict[tuple[SSAValue, int], arith.AddiOp])

    def run(self, block: Block) -> None:
        """Find the addresses of all accesses of a function's body."""
        decoded = {op: self.decode(op) for op in block.walk() if isinstance(op, Access)}
        for address in decoded.values():
            self.lowest[address.key] = min(self.lowest.get(address.key, address.constant), address.constant)
        for op in block.walk():
            if isinstance(op, Access):
                self.note(op, decoded[op])
            elif isinstance(op, IndexOp | InsideOp):
                for counter in counters(op.exprs):
                    self.need(op, frozenset({(counter, 1)}))

    def begun(self, block: Block) -> dict[Key, SSAValue]:
        """The pointers outside of all loops; what makes them goes to the start of the body."""
        first = block.first_op
        assert first is not None
        block.insert_ops_before([*self.before, *self.roots.values()], first)
        bases = [*self.bases.values(), *(base for base, _ in self.places.values()), *self.decided.values()]
        found: dict[Key, SSAValue] = {frozenset(): self.constants.integer(0)}
        found |= {frozenset({(base, 1)}): base for base in bases}
        return found | {frozenset({(root.result, 1)}): root.result for root in self.roots.values()}

    def decode(self, op: Access) -> Address:
        buffer = op.target if isinstance(op, WriteOp) else op.source
        (expr,) = op.exprs
        size = element_type(buffer.type).bytes
        fixed: dict[SSAValue, int] = {}
        affine: dict[SSAValue, int] = {}
        rest: dict[Hashable, int] = {}
        for atom, stride in expr.terms.items():
            if is_value(atom) and atom in self.fixed:
                fixed[atom] = stride * size
            elif isinstance(atom, BlockArgument):
                affine[atom] = stride * size
            else:
                rest[atom] = stride * size
        base, constant = self.place_of(self.bases[buffer], frozenset(fixed.items()))
        constant += expr.constant * size
        if constant >= 0 and min(affine.values(), default=0) >= 0 and (chosen := only_index(rest)):
            base, rest = self.place_after(base, *chosen), {}
        return Address(frozenset({**affine, base: 1}.items()), base, Index(0, rest), constant)

    def place_after(self, base: SSAValue, index: IndexOp, stride: int) -> SSAValue:
        """Where something begins that lies a computed index times `stride` bytes after `base`."""
        place = base, index, stride
        if place not in self.decided:
            word = arith.IndexCastOp(index.result, i32)
            product = arith.MuliOp(word, self.constants.integer(stride), i32)
            total = arith.AddiOp.create(operands=[base, product.result], result_types=[i32])
            self.after.setdefault(index, []).extend([word, product, total])
            self.decided[place] = total.results[0]
        return self.decided[place]

    def place_of(self, base: SSAValue, fixed: Key) -> tuple[SSAValue, int]:
        """Where a buffer begins as far as the loops around calls decide it, never before it; and what was added."""
        if fixed and (base, fixed) not in self.places:
            place, low = base, 0
            for index, stride in sorted(fixed, key=lambda item: item[1]):
                span = range_of(index)
                assert span is not None, "what counts a loop around a call has a range"
                low += min(0, stride * span[1])
                product = arith.MuliOp(self.fixed[index], self.constants.integer(stride), i32)
                total = arith.AddiOp.create(operands=[place, product.result], result_types=[i32])
                self.before += [product, total]
                place = total.results[0]
            if low:
                total = arith.AddiOp.create(operands=[place, self.constants.integer(-low)], result_types=[i32])
                self.before.append(total)
                place = total.results[0]
            self.places[base, fixed] = place, low
        return self.places[base, fixed] if fixed else (base, 0)

    def note(self, op: Operation, address: Address) -> None:
        """Let the access use a root from which neither its pointer nor its offset is ever negative."""
        shift = self.shift_of(address)
        if shift:
            place = address.base, shift
            if place not in self.roots:
                operands = [address.base, self.constants.integer(shift)]
                self.roots[place] = arith.AddiOp.create(operands=operands, result_types=[i32])
            root = self.roots[place].result
            key = frozenset((root if value is address.base else value, stride) for value, stride in address.key)
            address = Address(key, root, address.rest, address.constant - shift)
        self.of[op] = address
        self.need(op, address.key)
        for counter in counters([address.rest]):
            self.need(op, frozenset({(counter, 1)}))

    def shift_of(self, address: Address) -> int:
        """Bytes from the buffer's start to the root: all of a negative constant, or as much as the strides go down."""
        constant = self.lowest[address.key]
        down = 0
        for value, stride in address.key:
            if stride < 0 and (span := range_of(value)):
                down += stride * span[1]
        if (span := address.rest.bounds(range_of)) and span[0] < 0:
            down += span[0]
        return constant if constant < 0 else min(constant, -down)

    def need(self, op: Operation, key: Key) -> None:
        """Every loop around an access carries the part of its pointer that it moves."""
        parent = loop_around(op)
        while parent is not None:
            needed = self.needed.setdefault(parent, {})
            if key in needed:
                return  # and the loops around it know
            needed[key] = None
            counter = parent.body.block.args[0]
            key = frozenset(item for item in key if item[0] is not counter)
            parent = loop_around(parent)
