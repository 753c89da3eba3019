"""An HTTP server that answers whatever a test scripts, for what no proper API server would ever send."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DATE = "Mon, 23 Nov 2026 18:42:58 GMT"
VERSION = {"gitVersion": "v1.31.4+rke2r1"}


@dataclass
class Reply:
    body: Any = None
    """Bytes as they are, everything else as JSON."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    date: str = DATE


@dataclass
class Asked:
    method: str
    path: str
    headers: Any


class RawServer:
    def __init__(self, answer: Callable[[Asked], Reply], context: ssl.SSLContext | None) -> None:
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                asked = Asked(self.command, self.path, self.headers)
                server.asked.append(asked)
                reply = Reply(VERSION) if self.path.endswith("/version") and not server.whole else answer(asked)
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response_only(reply.status)
                for name, value in {"Date": reply.date, "Content-Length": str(len(body)), **reply.headers}.items():
                    if value:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self.whole = False
        """Whether the script answers /version too."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextlib.contextmanager
def raw_server(
    answer: Callable[[Asked], Reply], *, context: ssl.SSLContext | None = None, whole: bool = False
) -> Iterator[RawServer]:
    server = RawServer(answer, context)
    server.whole = whole
    thread = threading.Thread(target=server._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._server.shutdown()
        server._server.server_close()
