"""Settings of all tests."""

from hypothesis import settings

# The first example of a test pays for imports, and machines differ: time limits of single examples only flake.
settings.register_profile("webdnn", deadline=None, print_blob=True)
settings.load_profile("webdnn")
