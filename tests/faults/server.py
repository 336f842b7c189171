"""A HotWax on a real socket that can be told to fail, each time in another way."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reconciler.demo import solr
from tests.shared import serve

#: Does something to a request in place of answering it; False lets the answer be sent.
Fault = Callable[["Handler", dict[str, Any]], bool]


class FaultyHotWax(ThreadingHTTPServer):
    """Holds documents, answers as the miniature Solr does, unless ``fault`` says otherwise."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.documents: list[Any] = []
        self.fault: Fault | None = None
        self.requests: list[dict[str, Any]] = []
        self.release = threading.Event()
        serve(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.release.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: FaultyHotWax
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.server.requests.append(body)
        if self.server.fault and self.server.fault(self, body):
            return
        self.send(200, json.dumps(self.reply(body)))

    do_POST = do_GET  # noqa: N815

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        if "json" not in body:
            return {"_ERROR_MESSAGE_": "The parameter json is missing."}
        return solr.answer(self.server.documents, body["json"])[1]

    def send(self, status: int, text: str, kind: str = "application/json", **headers: str) -> bool:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)
        return True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def reset(handler: Handler, body: dict[str, Any]) -> bool:
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    handler.close_connection = True
    return True


def hang(handler: Handler, body: dict[str, Any]) -> bool:
    handler.server.release.wait(30)
    handler.close_connection = True
    return True


def drip(handler: Handler, body: dict[str, Any]) -> bool:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" * 20:
        handler.wfile.write(bytes([byte]))
        if handler.server.release.wait(0.05):
            break
    handler.close_connection = True
    return True


def status(code: int, text: str = "{}", kind: str = "application/json", **headers: str) -> Fault:
    return lambda handler, body: handler.send(code, text, kind, **headers)


def changed(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """Answer, but for one change of the reply."""

    def fault(handler: Handler, body: dict[str, Any]) -> bool:
        reply = handler.reply(body)
        result = change(reply)
        return handler.send(200, result if isinstance(result, str) else json.dumps(reply))

    return fault


def after(count: int, fault: Fault) -> Fault:
    """Fail from the request after ``count`` on."""
    seen = []

    def late(handler: Handler, body: dict[str, Any]) -> bool:
        seen.append(time.monotonic())
        return len(seen) > count and fault(handler, body)

    return late


def huge(handler: Handler, body: dict[str, Any]) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(100 * 1024 * 1024))
    handler.end_headers()
    try:
        for _ in range(1600):
            handler.wfile.write(b" " * 65536)
    except OSError:
        handler.close_connection = True
    return True
