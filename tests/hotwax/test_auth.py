"""Logging in at OFBiz and at Moqui: once, again before an end that is known, once more on 401."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from reconciler.hotwax import auth, exceptions, requests
from reconciler.hotwax.client import Client, Endpoint
from tests.conftest import Serving
from tests.makers import SAMPLE, envelope

LOG = requests.Log()
PASSWORD = "p4ssw0rd!"
APIS = ["ofbiz", "moqui"]


@pytest.fixture
def demo() -> Iterator[Demo]:
    now = datetime.now(UTC)
    server = Demo(History(now, orders=20), user=("reader", PASSWORD), clock=lambda: clock[0])
    clock = [now]
    server.moments = clock  # type: ignore[attr-defined]
    with Serving(server):
        yield server


def endpoint(url: str, api: str, password: str = PASSWORD) -> Endpoint:
    return Endpoint(url, api=api, username="reader", password=password, timeout=5)


@pytest.mark.parametrize("api", APIS)
def test_one_login_serves_many_requests_and_several_clients(api: str, demo: Demo) -> None:
    for _ in range(2):
        with Client(endpoint(demo.url, api)) as client:
            for _ in range(2):
                assert client.ask_any(requests.documented_page(LOG)).documents
    assert demo.logins == 1


@pytest.mark.parametrize("api", APIS)
def test_a_token_that_is_refused_midway_is_renewed_once(api: str, demo: Demo) -> None:
    with Client(endpoint(demo.url, api)) as client:
        client.ask_any(requests.documented(LOG))
        demo.sessions.clear()
        assert client.ask_any(requests.documented(LOG)).documents
    assert demo.logins == 2


@pytest.mark.parametrize("api", APIS)
def test_a_token_is_renewed_before_the_end_that_hotwax_named(api: str, demo: Demo) -> None:
    demo.token_seconds = 30  # closer than the minute in which we renew
    with Client(endpoint(demo.url, api)) as client:
        client.ask_any(requests.documented(LOG))
        client.ask_any(requests.documented(LOG))
    assert demo.logins == 2


@pytest.mark.parametrize("api", APIS)
def test_a_wrong_password_is_told_and_shown_nowhere(api: str, demo: Demo) -> None:
    where = endpoint(demo.url, api, "wr0ng-secret")
    with Client(where) as client, pytest.raises(exceptions.CredentialsRefused) as caught:
        client.ask_any(requests.documented(LOG))
    assert "refused the login of reader" in str(caught.value)
    assert "wr0ng-secret" not in f"{caught.value!r} {where!r} {where.auth!r}"


def test_a_login_that_does_not_help_ends_after_one_more_try() -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        if request.url.path == "/api/login":
            return httpx.Response(200, json={"token": f"t{len(seen)}"})
        return httpx.Response(401)

    auth._tokens.put(("https://y.hotwax.io", "reader"), "old", None)
    where = endpoint("https://y.hotwax.io", "ofbiz")
    with (
        Client(where, httpx.MockTransport(handle)) as client,
        pytest.raises(exceptions.CredentialsRefused),
    ):
        client.ask_any(requests.documented(LOG))
    assert seen == ["/api/solr-query", "/api/login", "/api/solr-query"]


LOGINS: list[tuple[int, Any, type[exceptions.HotWaxError] | None]] = [
    (200, {"token": "t"}, None),
    (200, "//" + json.dumps({"token": "t"}), None),
    (200, {"_ERROR_MESSAGE_": "no"}, exceptions.CredentialsRefused),
    (200, {"token": ""}, exceptions.CredentialsRefused),
    (200, {"token": None}, exceptions.CredentialsRefused),
    (401, {"errors": "no"}, exceptions.CredentialsRefused),
    (403, {}, exceptions.CredentialsRefused),
    (400, {"token": "t"}, exceptions.CredentialsRefused),
    (404, "<html>", exceptions.RequestRefused),
    (503, "", exceptions.Unavailable),
    (500, "", exceptions.Unavailable),
    (429, "", exceptions.Unavailable),
    (200, "<html>login</html>", exceptions.MalformedReply),
    (200, "[]", exceptions.MalformedReply),
]


@pytest.mark.parametrize(("status", "body", "error"), LOGINS)
def test_an_answer_to_a_login_is_checked(
    status: int, body: Any, error: type[exceptions.HotWaxError] | None
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    if error is None:
        assert auth.read_login(status, text.encode(), "me") == ("t", None)
    else:
        with pytest.raises(error):
            auth.read_login(status, text.encode(), "me")


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, {"_ERROR_MESSAGE_": "User not found.", "errors": "other"}, "User not found."),
        (401, {"errors": "Password incorrect."}, "Password incorrect."),
        (403, {}, "status 403"),
        (401, {"errors": "x" * 201}, "x" * 200),
        (401, {"errors": "at https://a.b/?key=s3cret"}, "at https://a.b/?key=•••"),
    ],
)
def test_a_refused_login_says_why(status: int, answer: Any, reason: str) -> None:
    with pytest.raises(exceptions.CredentialsRefused) as caught:
        auth.read_login(status, json.dumps(answer).encode(), "me")
    assert str(caught.value) == f"HotWax refused the login of me: {reason}"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_login_that_is_told_not_now_may_be_tried_again(status: int) -> None:
    with pytest.raises(exceptions.Unavailable, match=f"login.*{status}") as caught:
        auth.read_login(status, b"", "me")
    assert caught.value.may_retry


def jwt(claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS512'})}.{part(claims)}.c2ln"


ENDS: list[tuple[Any, Callable[[datetime], datetime | None]]] = [
    (1_795_525_334_000, lambda now: datetime(2026, 11, 24, 13, 2, 14, tzinfo=UTC)),
    ("1795525334000", lambda now: datetime(2026, 11, 24, 13, 2, 14, tzinfo=UTC)),
    (3_600_000, lambda now: now + timedelta(hours=1)),
    (10**11 - 1, lambda now: now + timedelta(milliseconds=10**11 - 1)),
    (10**11, lambda now: datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    (None, lambda now: None),
    ("soon", lambda now: None),
    (10**30, lambda now: None),
]


@pytest.mark.parametrize(("value", "expected"), ENDS)
def test_the_end_of_a_token_is_a_date_or_a_duration(value: Any, expected: Any) -> None:
    body = json.dumps({"token": "t", "expirationTime": value}).encode()
    _, ends = auth.read_login(200, body, "me")
    wanted = expected(datetime.now(UTC))
    assert (ends is None) == (wanted is None)
    if ends is not None:
        assert abs(ends - wanted) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        (jwt({"exp": 1795525334}), datetime(2026, 11, 24, 13, 2, 14, tzinfo=UTC)),
        (jwt({}), None),
        (jwt([1]), None),
        (jwt({"exp": "x"}), None),
        (jwt({"exp": 1e300}), None),
        ("a.b.c", None),
        ("opaque", None),
        ("", None),
    ],
)
def test_the_end_of_a_jwt_is_read_from_its_claims(token: str, ends: datetime | None) -> None:
    assert auth.expiry_of(token) == ends


def test_a_token_wins_over_a_login() -> None:
    where = Endpoint("https://x.hotwax.io", token="t", username="u", password="p")
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json=envelope([SAMPLE]))

    with Client(where, httpx.MockTransport(handle)) as client:
        client.ask_any(requests.documented(LOG))
    assert seen == ["Bearer t"]


def test_a_trailing_slash_of_the_address_changes_no_login() -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        login = request.url.path == "/api/login"
        return httpx.Response(200, json={"token": "t"} if login else envelope([SAMPLE]))

    for url in ("https://slash.hotwax.io/", "https://slash.hotwax.io"):
        with Client(endpoint(url, "ofbiz"), httpx.MockTransport(handle)) as client:
            client.ask_any(requests.documented(LOG))
    assert seen == ["/api/login", "/api/solr-query", "/api/solr-query"]


def test_a_refused_token_is_forgotten_even_where_no_new_one_comes() -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(401, json={})

    auth._tokens.put(("https://z.hotwax.io", "reader"), "old", None)
    where = endpoint("https://z.hotwax.io", "ofbiz")
    with Client(where, httpx.MockTransport(handle)) as client:
        for _ in range(2):
            with pytest.raises(exceptions.CredentialsRefused):
                client.ask_any(requests.documented(LOG))
    assert seen == ["/api/solr-query", "/api/login", "/api/login"]


@pytest.mark.parametrize(("seconds", "good"), [(58, False), (60, False), (62, True)])
def test_a_held_token_is_good_until_a_minute_before_its_end(seconds: int, good: bool) -> None:
    tokens = auth.Tokens()
    tokens.put(("a", "b"), "t", datetime.now(UTC) + timedelta(seconds=seconds))
    assert bool(tokens.get(("a", "b"))) == good
