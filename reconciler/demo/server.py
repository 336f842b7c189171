"""The miniature as a real HTTP server: what HotWax's API says of failed orders, on loopback."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reconciler.demo import import_screen, solr
from reconciler.demo.data import History

PATH, MOQUI_PATH = "/api/solr-query", "/rest/s1/admin/runSolrQuery"
LOGIN, MOQUI_LOGIN = "/api/login", "/rest/s1/admin/login"
CORE, ORDER_CORE = "logInsights", "enterpriseSearch"
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
        user: tuple[str, str] | None = None,
        token_seconds: float = 3600,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.history, self.token, self.clock = history, token, clock
        self.user, self.token_seconds = user, token_seconds
        #: Tokens that logins brought, and when they end by the clock.
        self.sessions: dict[str, datetime] = {}
        self.logins = 0

    @property
    def ends_after(self) -> timedelta:
        """How long a token of a login is good for."""
        return timedelta(seconds=self.token_seconds)

    @property
    def url(self) -> str:
        """Address to give as HOTWAX_URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """GET with a JSON body, POST with the same, GET with ?json=…&coreName=…."""

    server: Demo
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer either kind of GET, or show the import screen."""
        if urlsplit(self.path).path == import_screen.PATH:
            self._send(200, import_screen.page())
            return
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
        """Answer a POST: a question, a login, or names to import."""
        if urlsplit(self.path).path == import_screen.PATH:
            self._import()
            return
        body = self._body()
        if urlsplit(self.path).path == LOGIN:
            self._log_in(body, "USERNAME", "PASSWORD")
        elif urlsplit(self.path).path == MOQUI_LOGIN:
            self._log_in(body, "username", "password")
        else:
            self._answer(body)

    def _import(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        names = import_screen.names_in(form.get("names", [""])[0])
        history, now = self.server.history, self.server.clock()
        fixed = "fixed" in form
        outcome = [(name, history.import_now(name, now, fixed=fixed)) for name in names]
        left = "\n".join(name for name, became in outcome if became == "failed")
        self._send(200, import_screen.page(outcome, left))

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the header Date by the demo's clock."""
        return format_datetime(self.server.clock(), usegmt=True)

    def _log_in(self, body: Any, name: str, password: str) -> None:
        server = self.server
        if not isinstance(body, dict) or (body.get(name), body.get(password)) != server.user:
            if name == "USERNAME":  # OFBiz says it with HTTP 200
                self._send(200, {"_ERROR_MESSAGE_": "The user name or password is wrong."})
            else:
                self._send(401, {"errors": "The user name or password is wrong."})
            return
        token, ends = secrets.token_urlsafe(16), server.clock() + server.ends_after
        server.sessions[token] = ends
        server.logins += 1
        self._send(200, {"token": token, "expirationTime": round(ends.timestamp() * 1000)})

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        try:
            return json.loads(self.rfile.read(length) or b"null")
        except ValueError:
            return None

    def _answer(self, request: Any) -> None:
        if len(self.path) > LONGEST_ADDRESS:
            self._send(414, "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
        elif self._path_is_unknown():
            self._send(404, "<html><body><h1>Not Found</h1></body></html>")
        elif not self._is_allowed():
            self._send(401, {"errorMessage": "Unauthorized"})
        elif not isinstance(request, dict) or not isinstance(request.get("json"), dict):
            self._send(200, {"_ERROR_MESSAGE_": "The parameter json is missing."})
        elif request.get("coreName", ORDER_CORE) not in (CORE, ORDER_CORE):
            self._send(404, "<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>")
        else:
            history, now = self.server.history, self.server.clock()
            if request.get("coreName") == CORE:
                status, reply = solr.answer(history.documents(now), request["json"])
            else:
                orders = history.order_index.documents(now)
                status, reply = solr.answer(orders, request["json"], solr.ORDERS)
            self._send(status, {"response": reply} if self._is_moqui() else reply)

    def _is_moqui(self) -> bool:
        return urlsplit(self.path).path == MOQUI_PATH

    def _path_is_unknown(self) -> bool:
        return urlsplit(self.path).path != PATH and not (
            self._is_moqui() and self.command == "POST"
        )

    def _is_allowed(self) -> bool:
        server = self.server
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if server.user is not None:
            ends = server.sessions.get(sent)
            return ends is not None and ends > server.clock()
        return not server.token or sent == server.token

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
