"""How an endpoint is asked: by which methods, how often, and what a broken connection tells."""

import time

import httpx
import pytest

from reconciler.hotwax import exceptions, requests
from reconciler.hotwax.client import Client, Endpoint
from tests.makers import SAMPLE, envelope

ASKED = requests.documented(requests.Log())
URL = "https://x.hotwax.io"


def raising(error: Exception) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(handle)


BROKEN: list[tuple[Exception, type[exceptions.HotWaxError], str, bool, bool]] = [
    # what the network raises, what is told, whether asking again or otherwise may help
    (httpx.ReadTimeout(""), exceptions.Unreachable, "within 20 s", True, True),
    (httpx.ConnectError("refused"), exceptions.Unreachable, "refuses the connection", True, False),
    (httpx.ConnectError("[SSL: X]"), exceptions.Unreachable, "TLS certificate", False, False),
    (httpx.ConnectError("CERTIFICATE"), exceptions.Unreachable, "TLS certificate", False, False),
    (httpx.ConnectError("Name or service"), exceptions.Unreachable, "no host named", True, False),
    (httpx.ConnectError("getaddrinfo: x"), exceptions.Unreachable, "no host named", True, False),
    (httpx.ConnectError("name resolution"), exceptions.Unreachable, "no host named", True, False),
    (httpx.DecodingError("x"), exceptions.MalformedReply, "cannot be decoded", False, False),
    (httpx.ReadError("x"), exceptions.Unreachable, r"broke off \(ReadError\)", True, False),
    (httpx.RemoteProtocolError("x"), exceptions.Unreachable, "broke off", True, True),
]


@pytest.mark.parametrize(("raised", "told", "words", "may_retry", "not_solr"), BROKEN)
def test_what_the_network_raises_is_told_plainly(
    raised: Exception,
    told: type[exceptions.HotWaxError],
    words: str,
    may_retry: bool,
    not_solr: bool,
) -> None:
    with Client(Endpoint(URL), raising(raised)) as client, pytest.raises(told) as caught:
        client.ask(ASKED, "GET")
    assert caught.match(rf"x\.hotwax\.io.*{words}|{words}.*x\.hotwax\.io")
    assert (caught.value.may_retry, caught.value.not_solr) == (may_retry, not_solr)


ORDER: list[tuple[str, str, str, list[str]]] = [
    # api, method of the settings, method that is known to work -> methods asked
    ("ofbiz", "auto", "", ["GET", "POST", "GET-QUERY"]),
    ("ofbiz", "auto", "POST", ["POST", "POST", "POST", "GET", "GET-QUERY"]),
    ("ofbiz", "auto", "GET-QUERY", ["GET-QUERY", "GET-QUERY", "GET-QUERY", "GET", "POST"]),
    ("ofbiz", "GET-QUERY", "", ["GET-QUERY"] * 3),
    ("ofbiz", "POST", "GET", ["POST"] * 3),
    ("moqui", "auto", "", ["POST"] * 3),
    ("moqui", "GET", "", ["GET"] * 3),
]


@pytest.mark.parametrize(("api", "method", "known", "asked"), ORDER)
def test_only_a_method_that_is_sure_is_asked_patiently(
    api: str, method: str, known: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append("GET-QUERY" if request.url.query else request.method)
        return httpx.Response(503)

    where = Endpoint(URL, api=api, method=method)
    with Client(where, httpx.MockTransport(handle)) as client:
        with pytest.raises(exceptions.Unavailable):
            client.ask_any(ASKED, known)
        assert seen == asked
        seen.clear()
        with pytest.raises(exceptions.Unavailable):
            client.ask_any(ASKED, known, patiently=False)
    assert seen == list(dict.fromkeys(asked))


@pytest.mark.parametrize(("asked", "waits"), [("7", 7.0), ("30", 30.0), ("31", 30.0), ("99", 30.0)])
def test_a_wait_that_hotwax_asks_for_is_kept_up_to_a_limit(
    asked: str, waits: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    answers = iter([httpx.Response(429, headers={"Retry-After": asked})])
    last = httpx.Response(200, json=envelope([SAMPLE]))
    transport = httpx.MockTransport(lambda request: next(answers, last))
    with Client(Endpoint(URL), transport) as client:
        client.ask_patiently(ASKED, "GET")
    assert slept == [waits]


def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(307, headers={"Location": "https://elsewhere.example/"})

    with (
        Client(Endpoint(URL, token="t"), httpx.MockTransport(handle)) as client,
        pytest.raises(exceptions.MalformedReply, match="redirects"),
    ):
        client.ask(ASKED, "POST")
    assert seen == ["x.hotwax.io"]
