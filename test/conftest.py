"""Settings of all tests."""

import gc

from hypothesis import settings

# The first example of a test pays for imports, and machines differ: time limits of single examples only flake.
settings.register_profile("webdnn", deadline=None, print_blob=True)
settings.load_profile("webdnn")

# Compilers make many objects that live long: looking for garbage among them after every 700 takes a tenth of the time.
gc.set_threshold(50_000, 20, 50)
