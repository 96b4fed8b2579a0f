"""Mathematical functions as arithmetic: each written once, for f32 scalars, vectors of f32 and f64 scalars."""
