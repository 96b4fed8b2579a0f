"""Which values share a buffer, when they are computed, and where in the arena they lie."""
