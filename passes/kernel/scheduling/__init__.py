"""How kernels run on a CPU with vectors: blocks, lanes, loops and unrolling."""
