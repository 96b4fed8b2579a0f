"""Equality saturation of graphs of the `dnn` dialect, to be held against the ordered rewriting of the compiler."""
