"""Small hand-written programs of kernels that compute with integers and booleans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from validation.kernel_programs import Case, floats, one_kernel


def gather() -> Case:
    """Rows by index, from the end where it is negative, clamped."""
    table, rows = floats(7, 6), np.array([6, 0, -1, 3, -7], np.int64)
    body = """
    kernel.compute (%i = 5, %c = 6) {
      %zero = arith.constant 0 : i64
      %n = arith.constant 7 : i64
      %last = arith.constant 6 : i64
      %v = kernel.read %x1[%i] : <%x1>
      %negative = arith.cmpi slt, %v, %zero : i64
      %up = arith.addi %v, %n : i64
      %w = arith.select %negative, %up, %v : i64
      %a = arith.maxsi %w, %zero : i64
      %b = arith.minsi %a, %last : i64
      %row = arith.index_cast %b : i64 to index
      %r = kernel.read %x0[%row * 6 + %c] : <%x0>
      kernel.write %r, %y0[%i * 6 + %c] : <%y0>
    }"""
    return one_kernel("gather", body, [table, rows], [table[rows]])


def small_integers() -> Case:
    """i8 products that wrap."""
    a = np.arange(-10, 10, dtype=np.int8) * 6
    b = np.arange(20, dtype=np.int8)
    body = """
    kernel.compute (%i = 20) {
      %c = arith.constant 24 : i32
      %a = kernel.read %x0[%i] : <%x0>
      %b = kernel.read %x1[%i] : <%x1>
      %p = arith.muli %a, %b : i32
      %up = arith.shli %p, %c : i32
      %down = arith.shrsi %up, %c : i32
      kernel.write %down, %y0[%i] : <%y0>
      kernel.write %p, %y1[%i] : <%y1>
    }"""
    wrapped = (a.astype(np.int32) * b).astype(np.int8)
    return one_kernel("small_integers", body, [a, b], [wrapped, wrapped.view(np.uint8)])


def words() -> Case:
    """i32 arithmetic that wraps, signed and unsigned division."""
    return divisions("words", [2**31 - 1, -(2**31), 12345, -7, 7, 100], [2, 3, -1000, 2, -2, 7])


def short_words() -> Case:
    """The same, where no number that comes in or out needs more than 24 bits."""
    return divisions("short_words", [2**16 + 1, 2**16, 12345, -7, 7, 100], [2**16 - 1, 2**16, -1000, 2, -2, 7])


def divisions(name: str, dividends: Sequence[int], divisors: Sequence[int]) -> Case:
    a, b = np.array(dividends, np.int32), np.array(divisors, np.int32)
    body = """
    kernel.compute (%i = 6) {
      %a = kernel.read %x0[%i] : <%x0>
      %b = kernel.read %x1[%i] : <%x1>
      %p = arith.muli %a, %b : i32
      %q = arith.divsi %a, %b : i32
      %r = arith.remsi %a, %b : i32
      %f = arith.floordivsi %a, %b : i32
      %u = arith.divui %a, %b : i32
      %x = arith.xori %p, %q : i32
      %m = arith.maxui %r, %u : i32
      kernel.write %x, %y0[%i] : <%y0>
      kernel.write %m, %y1[%i] : <%y1>
      kernel.write %f, %y2[%i] : <%y2>
    }"""
    with np.errstate(over="ignore"):
        product = a * b
    quotient = np.trunc(a / b).astype(np.int32)
    rest = np.fmod(a, b)
    halves = np.maximum(rest.view(np.uint32), a.view(np.uint32) // b.view(np.uint32)).view(np.int32)
    return one_kernel(name, body, [a, b], [product ^ quotient, halves, a // b])


def longs() -> Case:
    """i64 beyond 32 bits, which only JavaScript has."""
    a, b = np.array([2**40, -5, 2**62], np.int64), np.array([3, 2**33, 7], np.int64)
    body = """
    kernel.compute (%i = 3) {
      %a = kernel.read %x0[%i] : <%x0>
      %b = kernel.read %x1[%i] : <%x1>
      %p = arith.muli %a, %b : i64
      %q = arith.divsi %p, %b : i64
      %r = arith.subi %p, %q : i64
      kernel.write %r, %y0[%i] : <%y0>
    }"""
    with np.errstate(over="ignore"):
        product = a * b
    quotients = [
        abs(int(p)) // abs(int(q)) * (-1 if (p < 0) != (q < 0) else 1) for p, q in zip(product, b, strict=True)
    ]
    return one_kernel("longs", body, [a, b], [product - np.array(quotients)])


def powers() -> Case:
    """i64 whose powers stay within the integers of every target as long as they are small themselves."""
    x, y = np.array([0, 1, -3, 11], np.int64), np.array([2**20, 3, -7, 5], np.int64)
    body = """
    kernel.compute (%i = 4) {
      %x = kernel.read %x0[%i] : <%x0>
      %y = kernel.read %x1[%i] : <%x1>
      %square = arith.muli %x, %x : i64
      %fourth = arith.muli %square, %square : i64
      %f = arith.sitofp %fourth : i64 to f32
      %g = arith.sitofp %y : i64 to f32
      %r = arith.addf %f, %g : f32
      kernel.write %r, %y0[%i] : <%y0>
    }"""
    return one_kernel("powers", body, [x, y], [(x**4 + y).astype(np.float32)])


def scaled() -> Case:
    """i64 that no input keeps small but zeros."""
    x = np.array([0, 1, -3], np.int64)
    body = """
    kernel.compute (%i = 3) {
      %x = kernel.read %x0[%i] : <%x0>
      %large = arith.constant 8589934592 : i64
      %p = arith.muli %x, %large : i64
      %f = arith.sitofp %p : i64 to f32
      kernel.write %f, %y0[%i] : <%y0>
    }"""
    return one_kernel("scaled", body, [x], [(x * 2**33).astype(np.float32)])


def arg_max() -> Case:
    """The first index of the largest element of a row."""
    x = np.array([[1, 5, 5, 2, 0], [-1, -3, -1, -2, -9], [0, 0, 0, 0, 1]], np.float32)
    body = """
    kernel.compute (%i = 3) {
      %low = arith.constant 0xFF800000 : f32
      %m = kernel.reduce max (%k = 5) from %low : f32 {
        %v = kernel.read %x0[%i * 5 + %k] : <%x0>
        kernel.yield %v : f32
      }
      %far = arith.constant 5 : i64
      %at = kernel.reduce min (%k = 5) from %far : i64 {
        %v = kernel.read %x0[%i * 5 + %k] : <%x0>
        %e = arith.cmpf oeq, %v, %m : f32
        %n = kernel.index [%k]
        %l = arith.index_cast %n : index to i64
        %c = arith.select %e, %l, %far : i64
        kernel.yield %c : i64
      }
      kernel.write %at, %y0[%i] : <%y0>
    }"""
    return one_kernel("arg_max", body, [x], [x.argmax(1)])


def booleans() -> Case:
    """(a < b and not m), and a or b by a mask."""
    a, b, m = floats(6), floats(6, seed=1), np.array([0, 1, 0, 1, 0, 0], np.bool_)
    body = """
    kernel.compute (%i = 6) {
      %one = arith.constant 1 : i1
      %a = kernel.read %x0[%i] : <%x0>
      %b = kernel.read %x1[%i] : <%x1>
      %m = kernel.read %x2[%i] : <%x2>
      %less = arith.cmpf olt, %a, %b : f32
      %n = arith.xori %m, %one : i1
      %r = arith.andi %less, %n : i1
      %w = arith.select %m, %a, %b : f32
      kernel.write %r, %y0[%i] : <%y0>
      kernel.write %w, %y1[%i] : <%y1>
    }"""
    return one_kernel("booleans", body, [a, b, m], [(a < b) & ~m, np.where(m, a, b)])


def quantize() -> Case:
    """A quotient that f32 rounds to a tie, which goes to the even number; clamped to a byte."""
    x = np.array([0.35, 0.25, -0.35, 1000, -1000, 0.149], np.float32)
    scale = np.float32(0.1)
    body = """
    kernel.compute (%i = 6) {
      %scale = arith.constant 0.1 : f32
      %low = arith.constant -128.0 : f32
      %high = arith.constant 127.0 : f32
      %x = kernel.read %x0[%i] : <%x0>
      %q = arith.divf %x, %scale : f32
      %r = math.roundeven %q : f32
      %a = arith.maximumf %r, %low : f32
      %b = arith.minimumf %a, %high : f32
      %n = arith.fptosi %b : f32 to i32
      kernel.write %n, %y0[%i] : <%y0>
    }"""
    return one_kernel("quantize", body, [x], [np.clip(np.rint(x / scale), -128, 127).astype(np.int8)])
