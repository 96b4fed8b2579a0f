"""How operands lie for the kernels that read them: panels, margins, pairs, and elements of fewer bytes."""
