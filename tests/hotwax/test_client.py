"""Asking HotWax over real sockets and over a mock transport: dialects, deadlines, faults."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from reconciler.hotwax import exceptions, requests
from reconciler.hotwax.client import Client, Endpoint
from tests.conftest import Serving
from tests.makers import SAMPLE, envelope

LOG = requests.Log()
SECRET = "s3cr3t-t0ken"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    history = History(datetime.now(UTC), orders=40)
    with Serving(Demo(history, token=SECRET)) as server:
        yield server


def endpoint(url: str, **others: Any) -> Endpoint:
    return Endpoint(url, **{"token": SECRET, "timeout": 5.0, **others})


@contextmanager
def speaking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection what ``talk`` says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    def guarded(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answering(data: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return talk


# ---------------------------------------------------------------------------------- dialects


@pytest.mark.parametrize("method", ["GET", "POST", "GET-QUERY"])
def test_each_method_brings_the_same_documents(demo: Demo, method: str) -> None:
    with Client(endpoint(demo.url)) as client:
        reply = client.ask(requests.documented_page(LOG), method)
    assert reply.found == len(reply.documents) > 40
    assert reply.method == method


def test_the_documented_request_is_sent_to_the_letter() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=envelope([SAMPLE]))

    with Client(endpoint("https://x.hotwax.io"), httpx.MockTransport(handle)) as client:
        client.ask(requests.documented(LOG), "GET")
    (request,) = seen
    assert (request.method, str(request.url)) == ("GET", "https://x.hotwax.io/api/solr-query")
    assert json.loads(request.content) == {
        "json": {"params": {"q": "docType:SHOPIFY_ORDER"}},
        "coreName": "logInsights",
    }
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


def test_on_moqui_auto_means_post_to_its_own_path() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"response": envelope([SAMPLE])})

    moqui = endpoint("https://x.hotwax.io", api="moqui")
    with Client(moqui, httpx.MockTransport(handle)) as client:
        assert client.ask_any(requests.documented(LOG)).documents == [SAMPLE]
    assert (seen[0].method, seen[0].url.path) == ("POST", "/rest/s1/admin/runSolrQuery")


AUTO = [
    # what GET, POST and GET-QUERY answer -> the methods tried, what comes of it
    ({"GET": 200}, ["GET"], "GET"),
    ({"GET": 405, "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": 404, "POST": 500, "GET-QUERY": 200}, ["GET", "POST", "GET-QUERY"], "GET-QUERY"),
    ({"GET": "html", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": "ofbiz", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": "timeout", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": "[1]", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": "{}", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": "no JSON", "POST": 200}, ["GET", "POST"], "POST"),
    ({"GET": 401}, ["GET"], exceptions.CredentialsRefused),
    ({"GET": 403}, ["GET"], exceptions.CredentialsRefused),
    ({"GET": "solr400"}, ["GET"], exceptions.RequestRefused),
    ({"GET": 405, "POST": "solr400"}, ["GET", "POST"], exceptions.RequestRefused),
    ({"GET": 404, "POST": 500, "GET-QUERY": 405}, ["GET", "POST", "GET-QUERY"], "404"),
]


@pytest.mark.parametrize(("answers", "tried", "outcome"), AUTO)
def test_auto_tries_the_next_method_only_when_the_answer_is_no_solr_reply(
    answers: dict[str, Any], tried: list[str], outcome: Any
) -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        method = "GET-QUERY" if request.url.query else request.method
        seen.append(method)
        answer = answers[method]
        if answer == "timeout":
            raise httpx.ReadTimeout("slow", request=request)
        if answer == "html":
            return httpx.Response(200, html="<html>hello</html>")
        if answer == "ofbiz":
            return httpx.Response(200, json={"_ERROR_MESSAGE_": "json is missing"})
        if answer == "solr400":
            header = {"responseHeader": {"status": 400}, "error": {"msg": "no", "code": 400}}
            return httpx.Response(400, json=header)
        if isinstance(answer, str):
            return httpx.Response(200, text=answer)
        body = envelope([SAMPLE]) if answer == 200 else {"oops": 1}
        return httpx.Response(answer, json=body)

    with Client(endpoint("https://x.hotwax.io"), httpx.MockTransport(handle)) as client:
        if isinstance(outcome, str) and outcome in ("GET", "POST", "GET-QUERY"):
            assert client.ask_any(requests.documented(LOG)).method == outcome
        elif isinstance(outcome, str):
            with pytest.raises(exceptions.HotWaxError, match=outcome):
                client.ask_any(requests.documented(LOG))
        else:
            with pytest.raises(outcome):
                client.ask_any(requests.documented(LOG))
    assert seen == tried


# ------------------------------------------------------------------------- errors and shapes

OK = envelope([SAMPLE])
REPLIES = [
    # status, body, error (None = fine), a word of what the person reads
    (200, json.dumps(OK), None, ""),
    (200, "//" + json.dumps(OK), None, ""),
    (200, "\ufeff" + json.dumps(OK), None, ""),
    (401, "{}", exceptions.CredentialsRefused, "401"),
    (403, "<html>", exceptions.CredentialsRefused, "403"),
    (302, "", exceptions.MalformedReply, "redirects"),
    (404, "<html>not here</html>", exceptions.RequestRefused, "no such address"),
    (404, "{}", exceptions.RequestRefused, "404"),
    (429, "slow down", exceptions.Unavailable, "429"),
    (500, "{}", exceptions.Unavailable, "500"),
    (502, "<html>Bad Gateway</html>", exceptions.Unavailable, "502"),
    (200, "<html><input type=password></html>", exceptions.CredentialsRefused, "login page"),
    (200, "<html>hello</html>", exceptions.MalformedReply, "HTML"),
    (200, '{"_ERROR_MESSAGE_": "no permission"}', exceptions.RequestRefused, "no permission"),
    (200, '{"_ERROR_MESSAGE_LIST_": ["a", "b"]}', exceptions.RequestRefused, "a"),
    (200, '{"errors": "bad"}', exceptions.RequestRefused, "bad"),
    (200, '{"error": {"msg": "undefined field"}}', exceptions.RequestRefused, "undefined field"),
    (400, '{"error": {"msg": "undefined field"}}', exceptions.RequestRefused, "undefined field"),
    (200, '{"responseHeader": {"status": 400}}', exceptions.RequestRefused, "400"),
    (200, json.dumps(OK)[:-9], exceptions.MalformedReply, "JSON"),
    (200, "", exceptions.MalformedReply, "JSON"),
    (200, "[1]", exceptions.MalformedReply, "object"),
    (200, "{}", exceptions.MalformedReply, "no list of documents"),
    (200, '{"response": {"docs": {}}}', exceptions.MalformedReply, "no list of documents"),
    (200, '{"response": {"docs": [{}], "numFound": 0}}', exceptions.MalformedReply, "found 0"),
    (200, '{"response": {"docs": [], "numFound": "3"}}', exceptions.MalformedReply, "found"),
    (200, "[" * 100_000, exceptions.MalformedReply, "JSON"),
    (
        200,
        json.dumps({**OK, "responseHeader": {"status": 0, "partialResults": True}}),
        exceptions.IncompleteReply,
        "only a part",
    ),
    (
        200,
        json.dumps({**OK, "responseHeader": {"status": 0, "partialResults": "omitted"}}),
        exceptions.IncompleteReply,
        "only a part",
    ),
]


@pytest.mark.parametrize(("status", "body", "error", "words"), REPLIES)
def test_a_reply_is_checked_before_it_is_believed(
    status: int, body: str, error: type[exceptions.HotWaxError] | None, words: str
) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, text=body))
    with Client(endpoint("https://x.hotwax.io"), transport) as client:
        if error is None:
            assert client.ask(requests.documented(LOG), "GET").documents == [SAMPLE]
            return
        with pytest.raises(error, match=words) as caught:
            client.ask(requests.documented(LOG), "GET")
    assert type(caught.value) is error
    assert caught.value.remedy


def test_a_long_message_of_solr_is_cut() -> None:
    body = json.dumps({"error": {"msg": "x" * 301}})
    transport = httpx.MockTransport(lambda request: httpx.Response(400, text=body))
    with (
        Client(endpoint("https://x.hotwax.io"), transport) as client,
        pytest.raises(exceptions.RequestRefused, match=r": x{299}…$"),
    ):
        client.ask(requests.documented(LOG), "GET")


def test_a_redirect_to_a_login_page_is_about_credentials() -> None:
    answer = httpx.Response(302, headers={"Location": "https://x.hotwax.io/commerce/control/login"})
    with (
        Client(endpoint("https://x.hotwax.io"), httpx.MockTransport(lambda r: answer)) as client,
        pytest.raises(exceptions.CredentialsRefused, match="login"),
    ):
        client.ask(requests.documented(LOG), "GET")


def test_an_integer_longer_than_python_reads_is_kept_as_text() -> None:
    body = '{"response": {"numFound": 1, "docs": [{"id": "1", "version": ' + "9" * 5000 + "}]}}"
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=body))
    with Client(endpoint("https://x.hotwax.io"), transport) as client:
        (document,) = client.ask(requests.documented(LOG), "GET").documents
    assert document["version"] == "9" * 5000


def test_neither_token_nor_key_is_in_an_error_a_repr_or_a_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps({"_ERROR_MESSAGE_": f"no {SAMPLE['site']}s3cret"})
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=body))
    where = endpoint("https://x.hotwax.io")
    with Client(where, transport) as client:
        for method in ("GET", "POST", "GET-QUERY"):
            with pytest.raises(exceptions.RequestRefused) as caught:
                client.ask(requests.documented(LOG), method)
            told = f"{caught.value} {caught.value!r} {where!r} {client._http.auth!r}"
            assert SECRET not in told
            assert "s3cret" not in told
            assert "key=•••" in told
    assert SECRET not in caplog.text


# ------------------------------------------------------------------------------ real sockets


def test_a_refused_connection_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Client(endpoint(f"http://127.0.0.1:{port}")) as client,
        pytest.raises(exceptions.Unreachable, match="refuses"),
    ):
        client.ask(requests.documented(LOG), "GET")


def test_a_server_that_never_answers_is_left_after_the_deadline() -> None:
    with (
        speaking(lambda connection: time.sleep(20)) as url,
        Client(endpoint(url)) as client,
        pytest.raises(exceptions.Unreachable, match=r"within 0\.3 s"),
    ):
        began = time.monotonic()
        try:
            client.ask(requests.documented(LOG), "GET", timeout=0.3)
        finally:
            assert time.monotonic() - began < 2


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_left_after_the_deadline(part: str) -> None:
    whole = http(json.dumps(OK).encode())
    begin = whole.index(b"\r\n\r\n") + 4 if part == "body" else 0

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(whole[:begin])
        for byte in whole[begin:]:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with (
        speaking(drip) as url,
        Client(endpoint(url)) as client,
        pytest.raises(exceptions.Unreachable, match="did not answer"),
    ):
        began = time.monotonic()
        try:
            client.ask(requests.documented(LOG), "GET", timeout=0.4)
        finally:
            assert time.monotonic() - began < 3


def test_a_connection_that_breaks_off_says_so() -> None:
    with (
        speaking(lambda connection: connection.recv(10) and None) as url,
        Client(endpoint(url)) as client,
        pytest.raises(exceptions.Unreachable, match="broke off"),
    ):
        client.ask(requests.documented(LOG), "GET")


def test_a_reply_cut_short_is_no_reply() -> None:
    whole = http(json.dumps(OK).encode())
    with (
        speaking(answering(whole[:-20])) as url,
        Client(endpoint(url)) as client,
        pytest.raises(exceptions.Unreachable, match="broke off"),
    ):
        client.ask(requests.documented(LOG), "GET")


@pytest.mark.parametrize(
    ("statuses", "tries"),
    [([503, 200], 2), ([429, 502, 200], 3), ([504, 504, 504], 3), ([500], 1), ([400], 1)],
)
def test_the_watcher_asks_again_only_where_that_can_help(
    statuses: list[int], tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    seen: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(statuses[len(seen)])
        headers = {"Retry-After": "1"} if seen[-1] == 429 else {}
        return httpx.Response(seen[-1], json=OK if seen[-1] == 200 else {}, headers=headers)

    with Client(endpoint("https://x.hotwax.io"), httpx.MockTransport(handle)) as client:
        if statuses[-1] == 200:
            assert client.ask_patiently(requests.documented(LOG), "GET").found == 1
        else:
            with pytest.raises(exceptions.HotWaxError):
                client.ask_patiently(requests.documented(LOG), "GET")
    assert len(seen) == tries
