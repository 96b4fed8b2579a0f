"""The functions that share kernels among threads: text of WebAssembly, about four words of the shared memory.

A ticket says which call is being shared, and how many of its chunks nobody has taken yet. The leader, who runs the
program, writes one; everybody takes chunks off it by compare and exchange, so that a ticket out of date gives nothing.
The leader then waits until the others have done what they took. Whoever waits for long sleeps: a worker on the ticket,
and the leader, which may stand in a worker's way on a busy machine, on the count of what is done.
"""

from __future__ import annotations

from collections.abc import Sequence

TICKET, DONE, SLEEPERS, WAITING, CONTROL_BYTES = 0, 128, 256, 384, 512
"""Addresses, each on cache lines of its own: two, since processors fetch them in pairs"""

CHUNK_BITS = 16
CHUNKS_LEFT = (1 << CHUNK_BITS) - 1
MOST_CALLS = (1 << 16) - 1
STOP = MOST_CALLS << CHUNK_BITS
"""A ticket that ends the workers: it has no chunks, and no call has its number."""

WORKER_SPINS, LEADER_SPINS = 20_000, 200_000
"""How often they look before they sleep: a few times as long as waking them takes, and as the longest chunks do"""

FORK, WORK, END = "fork", "work", "stop"


def ticket_of(call: int, chunks: int) -> int:
    """The ticket with which a call begins."""
    assert call < MOST_CALLS, "calls have numbers of 16 bits"
    return call << CHUNK_BITS | chunks


def dispatch_text(calls: Sequence[tuple[str, Sequence[int]]]) -> str:
    """The function that computes a chunk of any call: kernels and the addresses of their buffers, by number."""
    labels = [f"$call{i}" for i in range(len(calls))]
    blocks = "\n".join(f"    block {label}" for label in ("$none", *reversed(labels)))
    cases = "\n".join(
        f"    end\n    (call ${kernel} {' '.join(f'(i32.const {a})' for a in addresses)} (local.get $chunk)) return"
        for kernel, addresses in calls
    )
    return f"""  (func $dispatch (param $call i32) (param $chunk i32)
{blocks}
    (br_table {" ".join(labels)} $none (local.get $call))
{cases}
    end
  )"""


RUNTIME = f"""  (func $help (result i32) (local $ticket i32) (local $done i32)
    (loop $next
      (local.set $ticket (i32.atomic.load (i32.const {TICKET})))
      (if (i32.and (local.get $ticket) (i32.const {CHUNKS_LEFT})) (then
        (if (i32.eq (local.get $ticket) (i32.atomic.rmw.cmpxchg (i32.const {TICKET})
            (local.get $ticket) (i32.sub (local.get $ticket) (i32.const 1)))) (then
          (call $dispatch (i32.shr_u (local.get $ticket) (i32.const {CHUNK_BITS}))
            (i32.sub (i32.and (local.get $ticket) (i32.const {CHUNKS_LEFT})) (i32.const 1)))
          (local.set $done (i32.add (local.get $done) (i32.const 1)))))
        (br $next))))
    (local.get $done))
  (func $wake (param $sleepers i32) (param $word i32)
    (if (i32.atomic.load (local.get $sleepers)) (then
      (drop (memory.atomic.notify (local.get $word) (i32.const -1))))))
  (func ${FORK} (param $ticket i32) (local $taken i32) (local $done i32) (local $spins i32)
    (i32.atomic.store (i32.const {DONE}) (i32.const 0))
    (i32.atomic.store (i32.const {TICKET}) (local.get $ticket))
    (call $wake (i32.const {SLEEPERS}) (i32.const {TICKET}))
    (local.set $taken (i32.sub (i32.and (local.get $ticket) (i32.const {CHUNKS_LEFT})) (call $help)))
    (local.set $spins (i32.const {LEADER_SPINS}))
    (loop $wait
      (local.set $done (i32.atomic.load (i32.const {DONE})))
      (if (i32.eq (local.get $done) (local.get $taken)) (then (return)))
      (br_if $wait (local.tee $spins (i32.sub (local.get $spins) (i32.const 1))))
      (i32.atomic.store (i32.const {WAITING}) (i32.const 1))
      (drop (memory.atomic.wait32 (i32.const {DONE}) (local.get $done) (i64.const -1)))
      (i32.atomic.store (i32.const {WAITING}) (i32.const 0))
      (local.set $spins (i32.const 1))
      (br $wait)))
  (func ${WORK} (local $ticket i32) (local $spins i32)
    (loop $again
      (local.set $spins (i32.const {WORKER_SPINS}))
      (loop $spin
        (local.set $ticket (i32.atomic.load (i32.const {TICKET})))
        (if (i32.eq (local.get $ticket) (i32.const {STOP})) (then (return)))
        (if (i32.and (local.get $ticket) (i32.const {CHUNKS_LEFT})) (then
          (drop (i32.atomic.rmw.add (i32.const {DONE}) (call $help)))
          (call $wake (i32.const {WAITING}) (i32.const {DONE}))
          (br $again)))
        (br_if $spin (local.tee $spins (i32.sub (local.get $spins) (i32.const 1)))))
      (drop (i32.atomic.rmw.add (i32.const {SLEEPERS}) (i32.const 1)))
      (drop (memory.atomic.wait32 (i32.const {TICKET}) (local.get $ticket) (i64.const -1)))
      (drop (i32.atomic.rmw.sub (i32.const {SLEEPERS}) (i32.const 1)))
      (br $again)))
  (func ${END}
    (i32.atomic.store (i32.const {TICKET}) (i32.const {STOP}))
    (call $wake (i32.const {SLEEPERS}) (i32.const {TICKET})))"""
"""`fork` shares a call and waits for it, `work` is the life of a worker, `stop` ends all workers."""
