"""What `webdnn view` shows: a model on its way through the passes, its memory and its kernels."""
