"""The HTTP server of bundles."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from webdnn.runner.python.error import SessionError
from webdnn.runner.python.server import Server, serve


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_text("<p>")
    (root / "sub" / "kernel.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    return root


def _get(url: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url) as answer:
        return answer.read(), dict(answer.headers)


def test_files_come_with_their_type_and_isolation(site: Path) -> None:
    with serve(site) as server:
        content, headers = _get(f"{server.url}sub/kernel.wasm?v=1")
    assert content == b"\0asm"
    assert headers["Content-Type"] == "application/wasm"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_a_directory_is_its_index(site: Path) -> None:
    with serve(site) as server:
        content, headers = _get(server.url)
    assert content == b"<p>"
    assert headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["nothing.js", "../secret.txt", "%2e%2e/secret.txt", "sub", "sub/../../secret.txt"])
def test_nothing_else_is_served(site: Path, path: str) -> None:
    with serve(site) as server, pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(server.url + path)
    caught.value.close()


def test_the_longest_mount_wins(site: Path) -> None:
    with Server({"/": site}) as server:
        server.mount("/sub/", site)
        assert server.find("/sub/index.html") == site / "index.html"
        server.unmount("/sub/")
        assert server.find("/sub/index.html") is None


def test_a_taken_port_is_an_error(site: Path) -> None:
    with serve(site) as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(SessionError, match="cannot be used"):
            serve(site, port)
