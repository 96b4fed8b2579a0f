"""The functions that share kernels among threads: text of WebAssembly, about a few words of the shared memory.

A ticket says which call is being shared, and which of its chunks nobody has taken yet: a bit for each. The leader, who
runs the program, writes one; everybody takes chunks off it by compare and exchange, so that a ticket out of date gives
nothing. Each thread looks first where it did in the call before, for what it computed there is in its own cache. The
leader then waits until the others have done what they took. Whoever waits for long sleeps: a worker on the ticket, and
the leader, which may stand in a worker's way on a busy machine, on the count of what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TICKET, DONE, SLEEPERS, WAITING, COUNTERS, CONTROL_BYTES = 0, 128, 256, 384, 512, 640
"""Addresses, each on cache lines of its own: two, since processors fetch them in pairs"""

MOST_CHUNKS = 32
STOP = -1 << 32
"""A ticket that ends the workers: it has no chunks, and no call has its number."""

SPINS = 400_000
"""How often they look before they sleep, for a fifth of a millisecond: to wake one takes the leader half that"""

FORK, WORK, END = "fork", "work", "stop"


@dataclass(frozen=True)
class SharedCall:
    """A call of a kernel on buffers at these addresses, in so many chunks, a power of two.

    What the loops around it count, `counters` words, the leader has written at `COUNTERS`.
    """

    kernel: str
    addresses: Sequence[int]
    chunks: int
    counters: int = 0

    @property
    def bits(self) -> int:
        """The bits of its chunks, as far apart as they can be: where a thread looks first means the same in all."""
        return sum(1 << chunk * self.stride for chunk in range(self.chunks))

    @property
    def stride(self) -> int:
        assert MOST_CHUNKS % self.chunks == 0, "chunks are a power of two"
        return MOST_CHUNKS // self.chunks

    def text(self) -> str:
        shift = self.stride.bit_length() - 1
        counters = [f"(i32.load (i32.const {COUNTERS + 4 * i}))" for i in range(self.counters)]
        arguments = " ".join([*(f"(i32.const {address})" for address in self.addresses), *counters])
        return f"(call ${self.kernel} {arguments} (i32.shr_u (local.get $bit) (i32.const {shift})))"


def dispatch_text(calls: Sequence[SharedCall]) -> str:
    """The function that computes the chunk of a bit, of a call by its number."""
    labels = [f"$call{i}" for i in range(len(calls))]
    blocks = "\n".join(f"    block {label}" for label in ("$none", *reversed(labels)))
    cases = "\n".join(f"    end\n    {call.text()} return" for call in calls)
    return f"""  (func $dispatch (param $call i32) (param $bit i32)
{blocks}
    (br_table {" ".join(labels)} $none (local.get $call))
{cases}
    end
  )"""


RUNTIME = f"""  (func $help (param $home i32) (result i32)
    (local $ticket i64) (local $left i32) (local $bit i32) (local $done i32)
    (loop $next
      (local.set $ticket (i64.atomic.load (i32.const {TICKET})))
      (if (local.tee $left (i32.wrap_i64 (local.get $ticket))) (then
        (local.set $bit (i32.and (i32.const {MOST_CHUNKS - 1})
          (i32.add (local.get $home) (i32.ctz (i32.rotr (local.get $left) (local.get $home))))))
        (if (i64.eq (local.get $ticket) (i64.atomic.rmw.cmpxchg (i32.const {TICKET}) (local.get $ticket)
            (i64.xor (local.get $ticket) (i64.shl (i64.const 1) (i64.extend_i32_u (local.get $bit)))))) (then
          (call $dispatch (i32.wrap_i64 (i64.shr_u (local.get $ticket) (i64.const 32))) (local.get $bit))
          (local.set $done (i32.add (local.get $done) (i32.const 1)))))
        (br $next))))
    (local.get $done))
  (func $wake (param $sleepers i32) (param $word i32)
    (if (i32.atomic.load (local.get $sleepers)) (then
      (drop (memory.atomic.notify (local.get $word) (i32.const -1))))))
  (func ${FORK} (param $call i32) (param $bits i32) (local $taken i32) (local $done i32) (local $spins i32)
    (i32.atomic.store (i32.const {DONE}) (i32.const 0))
    (i64.atomic.store (i32.const {TICKET}) (i64.or (i64.extend_i32_u (local.get $bits))
      (i64.shl (i64.extend_i32_u (local.get $call)) (i64.const 32))))
    (call $wake (i32.const {SLEEPERS}) (i32.const {TICKET}))
    (local.set $taken (i32.sub (i32.popcnt (local.get $bits)) (call $help (i32.const 0))))
    (local.set $spins (i32.const {SPINS}))
    (loop $wait
      (local.set $done (i32.atomic.load (i32.const {DONE})))
      (if (i32.eq (local.get $done) (local.get $taken)) (then (return)))
      (br_if $wait (local.tee $spins (i32.sub (local.get $spins) (i32.const 1))))
      (i32.atomic.store (i32.const {WAITING}) (i32.const 1))
      (drop (memory.atomic.wait32 (i32.const {DONE}) (local.get $done) (i64.const -1)))
      (i32.atomic.store (i32.const {WAITING}) (i32.const 0))
      (local.set $spins (i32.const 1))
      (br $wait)))
  (func ${WORK} (param $home i32) (local $ticket i64) (local $spins i32)
    (loop $again
      (local.set $spins (i32.const {SPINS}))
      (loop $spin
        (local.set $ticket (i64.atomic.load (i32.const {TICKET})))
        (if (i64.eq (local.get $ticket) (i64.const {STOP})) (then (return)))
        (if (i32.wrap_i64 (local.get $ticket)) (then
          (drop (i32.atomic.rmw.add (i32.const {DONE}) (call $help (local.get $home))))
          (call $wake (i32.const {WAITING}) (i32.const {DONE}))
          (br $again)))
        (br_if $spin (local.tee $spins (i32.sub (local.get $spins) (i32.const 1)))))
      (drop (i32.atomic.rmw.add (i32.const {SLEEPERS}) (i32.const 1)))
      (drop (memory.atomic.wait64 (i32.const {TICKET}) (local.get $ticket) (i64.const -1)))
      (drop (i32.atomic.rmw.sub (i32.const {SLEEPERS}) (i32.const 1)))
      (br $again)))
  (func ${END}
    (i64.atomic.store (i32.const {TICKET}) (i64.const {STOP}))
    (call $wake (i32.const {SLEEPERS}) (i32.const {TICKET})))"""
"""`fork` shares a call and waits for it, `work` is the life of a worker who looks first at a bit, `stop` ends all."""
