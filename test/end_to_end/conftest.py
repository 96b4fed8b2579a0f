"""One browser for all whole models."""

from collections.abc import Iterator

import pytest

from webdnn.runner.python.chromium import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as launched:
        yield launched
