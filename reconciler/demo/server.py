"""The miniature as a real HTTP server: the log's part of HotWax's API, on loopback."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reconciler.demo import solr
from reconciler.demo.data import History

PATH = "/api/solr-query"
CORE = "logInsights"
#: Jetty refuses longer addresses with 414.
LONGEST_ADDRESS = 8192


class Demo(ThreadingHTTPServer):
    """Serves one History. ``clock`` and the history's seed make it repeatable."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        history: History,
        port: int = 0,
        *,
        token: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.history, self.token, self.clock = history, token, clock

    @property
    def url(self) -> str:
        """Address to give as HOTWAX_URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """GET with a JSON body, POST with the same, GET with ?json=…&coreName=…."""

    server: Demo
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer either kind of GET."""
        query = parse_qs(urlsplit(self.path).query)
        if "json" not in query:
            self._answer(self._body())
            return
        self._body()
        core = {"coreName": query["coreName"][-1]} if "coreName" in query else {}
        try:
            self._answer({"json": json.loads(query["json"][-1]), **core})
        except ValueError:
            self._answer(None)

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer(self._body())

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        try:
            return json.loads(self.rfile.read(length) or b"null")
        except ValueError:
            return None

    def _answer(self, request: Any) -> None:
        if len(self.path) > LONGEST_ADDRESS:
            self._send(414, "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
        elif urlsplit(self.path).path != PATH:
            self._send(404, "<html><body><h1>Not Found</h1></body></html>")
        elif not self._is_allowed():
            self._send(401, {"errorMessage": "Unauthorized"})
        elif not isinstance(request, dict) or not isinstance(request.get("json"), dict):
            self._send(200, {"_ERROR_MESSAGE_": "The parameter json is missing."})
        elif request.get("coreName") != CORE:
            self._send(404, "<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>")
        else:
            documents = self.server.history.documents(self.server.clock())
            self._send(*solr.answer(documents, request["json"]))

    def _is_allowed(self) -> bool:
        token = self.server.token
        return not token or self.headers.get("Authorization") == f"Bearer {token}"

    def _send(self, status: int, answer: dict[str, Any] | str) -> None:
        html = isinstance(answer, str)
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: addresses may carry what must not be in a log."""
