"""The compiler's optimisation problems as mathematics: fusion, layouts, order and memory offsets, without any IR.

A pass translates its IR into the frozen dataclasses here, asks a solver, and writes the decision back. Values,
operators and buffers are positions, so that sets of them are the bits of Python integers. Every solver is
deterministic and limited in steps, not in time, and says whether its result is proven best.
"""
