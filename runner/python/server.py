"""A small HTTP server for bundles: static directories with the types and the isolation headers that browsers want."""

import socket
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from webdnn.runner.python.error import SessionError

MIME_TYPES: Mapping[str, str] = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}

HEADERS: Mapping[str, str] = {
    # Isolation, so that a page may use threads and precise timers.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}


class Server:
    """Serves directories on this machine only, from a thread of its own, until closed; a context manager."""

    def __init__(self, mounts: Mapping[str, Path], port: int = 0) -> None:
        self._mounts = dict(mounts)
        try:
            self._http = _HttpServer(self, port)
        except OSError as error:
            raise SessionError(f"port {port} cannot be used: {error.strerror}", "name another port") from error
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the root, with a slash."""
        return f"http://127.0.0.1:{self._http.server_port}/"

    def mount(self, prefix: str, directory: Path) -> None:
        """Serve `directory` at `prefix`, which begins and ends with a slash; the longest prefix wins."""
        self._mounts = {**self._mounts, prefix: directory}

    def unmount(self, prefix: str) -> None:
        """Serve it no longer."""
        self._mounts = {known: directory for known, directory in self._mounts.items() if known != prefix}

    def find(self, address: str) -> Path | None:
        """The file that is served at a path, never one outside of its directory."""
        path = unquote(urlsplit(address).path)
        for root, rest in self._matches(path):
            file = (root / rest).resolve()
            if file.is_dir():
                file /= "index.html"
            return file if file.is_relative_to(root) and file.is_file() else None
        return None

    def _matches(self, path: str) -> Iterator[tuple[Path, str]]:
        for prefix in sorted(self._mounts, key=len, reverse=True):
            if path.startswith(prefix):
                yield self._mounts[prefix].resolve(), path.removeprefix(prefix)

    def wait(self) -> None:
        """Block until the server is closed or the user interrupts."""
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(directory: Path, port: int = 0) -> Server:
    """Serve one directory; port 0 takes a free one."""
    return Server({"/": directory}, port)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: Server, port: int) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, owner))

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A page that closes while it downloads is no error worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, owner: Server, request: socket.socket, address: tuple[str, int], server: _HttpServer) -> None:
        self._owner = owner
        super().__init__(request, address, server)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the browser's console shows what is missing."""

    def _answer(self, *, with_body: bool) -> None:
        file = self._owner.find(self.path)
        content = file.read_bytes() if file else b""
        self.send_response(HTTPStatus.OK if file else HTTPStatus.NOT_FOUND)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        suffix = file.suffix if file else ".txt"
        self.send_header("Content-Type", MIME_TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)
