"""One browser for all tests, and the tiny bundles."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.tiny_bundles import write_integers, write_relu
from webdnn.runner.python.chromium import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as launched:
        launched.server.mount("/test/", Path(__file__).parent / "pages")
        yield launched


@pytest.fixture(scope="session")
def relu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_relu(tmp_path_factory.mktemp("bundles") / "relu")


@pytest.fixture(scope="session")
def integers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_integers(tmp_path_factory.mktemp("bundles") / "integers")
