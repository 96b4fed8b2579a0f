"""How kernels and buffers are cut in pieces: for what a device allows, or for less memory at a time."""
