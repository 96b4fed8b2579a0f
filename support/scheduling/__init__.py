"""Shapes of register blocks as plain numbers: by kind of kernel, by class, and all worth measuring; without IR."""
