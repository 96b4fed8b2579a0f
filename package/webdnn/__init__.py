"""WebDNN: a compiler from trained neural networks to small bundles that web pages run fast."""

__version__ = "0.1.0"
