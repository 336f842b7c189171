"""Starts the real Solr of tests/solr, and a gateway before it that behaves as HotWax's."""

import io
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests import maven
from tests.shared import free_port, serve

HERE = Path(__file__).parent
JAR = HERE / "target" / "solr-for-tests-1.jar"
SHARDS = 2
#: A process of a few minutes is done before optimised code and collector threads pay for themselves.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class Solr:
    """A running SolrCloud of two shards a collection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(timeout=120, trust_env=False)

    def make(self, collection: str, configset: str) -> None:
        """Make an empty collection from tests/solr/configsets/<configset>."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for file in (HERE / "configsets" / configset).iterdir():
                archive.write(file, file.name)
        upload = f"{self.url}/admin/configs?action=UPLOAD&name={collection}"
        headers = {"Content-Type": "application/octet-stream"}
        self.http.post(upload, content=buffer.getvalue(), headers=headers).raise_for_status()
        query = f"name={collection}&numShards={SHARDS}&collection.configName={collection}"
        self.http.get(f"{self.url}/admin/collections?action=CREATE&{query}").raise_for_status()

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        self.http.get(f"{self.url}/admin/collections?action=DELETE&name={collection}")

    def index(self, collection: str, documents: list[dict[str, Any]]) -> None:
        """Add or replace documents, visible at once."""
        url = f"{self.url}/{collection}/update?commit=true"
        for i in range(0, len(documents), 2000):
            self.http.post(url, json=documents[i : i + 2000]).raise_for_status()

    def delete(self, collection: str, ids: list[str]) -> None:
        """Delete documents by id, visible at once."""
        url = f"{self.url}/{collection}/update?commit=true"
        self.http.post(url, json={"delete": ids}).raise_for_status()


@contextmanager
def running() -> Iterator[Solr]:
    """Start Solr, and end it afterwards."""
    maven.build(HERE, "a real Solr")
    port = free_port()
    directory = tempfile.mkdtemp(prefix="solr-")
    command = ["java", *SHORT_LIVED, "-Xmx1g", "-cp", f"{JAR}:{HERE}/target/lib/*", "SolrForTests"]
    process = subprocess.Popen(
        [*command, str(port), directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "READY":
            raise maven.NotAvailable("Solr did not start")
        yield Solr(f"http://127.0.0.1:{port}/solr")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


class Gateway(ThreadingHTTPServer):
    """`/api/solr-query` before Solr: checks the token, passes `json` on, hands Solr's reply back.

    ``collections`` maps HotWax's core names to collections; ``methods`` are those it knows.
    """

    daemon_threads = True

    def __init__(self, solr: Solr, collections: dict[str, str], *, token: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.solr, self.collections, self.token = solr, collections, token
        self.user: tuple[str, str] | None = None
        self.methods = {"GET", "POST", "GET-QUERY"}
        self.requests = 0
        #: Of these, pages of ids alone: a sweep's.
        self.of_sweeps = 0
        #: Of these, those to the OMS order index.
        self.to_orders = 0
        serve(self)

    @property
    def log(self) -> str:
        """Collection of the log."""
        return self.collections["logInsights"]

    @property
    def url(self) -> str:
        """Address to give as HOTWAX_URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        body = self._body()
        if "json" not in query:
            self._pass_on("GET", body)
            return
        request: dict[str, Any] = {"json": json.loads(query["json"][0])}
        if "coreName" in query:
            request["coreName"] = query["coreName"][0]
        self._pass_on("GET-QUERY", request)

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/api/login":
            good = (body["USERNAME"], body["PASSWORD"]) == self.server.user
            self.server.token = "of-the-login"
            answer = {"token": self.server.token} if good else {"_ERROR_MESSAGE_": "wrong"}
            self._send(200, json.dumps(answer).encode(), "application/json")
            return
        self._pass_on("POST", body)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")

    def _pass_on(self, method: str, request: Any) -> None:
        server = self.server
        server.requests += 1
        server.of_sweeps += "fields" in request.get("json", {}) and "coreName" in request
        server.to_orders += "coreName" not in request
        allowed = f"Bearer {server.token}"
        if method not in server.methods:
            self._send(405, b"<h1>Method Not Allowed</h1>", "text/html")
        elif (server.token or server.user) and self.headers.get("Authorization") != allowed:
            self._send(401, b'{"errorMessage": "Unauthorized"}', "application/json")
        else:
            collection = server.collections.get(request.get("coreName", "enterpriseSearch"), "")
            url = f"{server.solr.url}/{collection}/select"
            reply = server.solr.http.post(url, json=request["json"])
            kind = reply.headers.get("Content-Type", "application/json")
            self._send(reply.status_code, reply.content, kind)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
