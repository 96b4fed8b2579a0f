"""How kernels run on a CPU with vectors: a module for each kind of kernel, and what all of them share."""
