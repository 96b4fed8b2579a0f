"""How kernels run on a GPU: invocations and their rows, workgroups that share sums and tiles, layers of textures."""
