"""How kernels run: blocks, lanes, loops and unrolling on a CPU with vectors; invocations and their rows on a GPU."""
