"""How scheduled kernels become loops, loads, stores and arithmetic."""
