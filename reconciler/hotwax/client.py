"""The only network I/O: one HTTP client that asks HotWax and checks the shape of the answer."""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpcore
import httpx
import stamina

from reconciler.hotwax import deadline
from reconciler.hotwax.auth import BearerToken, Login
from reconciler.hotwax.bounds import BoundedTransport
from reconciler.hotwax.exceptions import HotWaxError, MalformedReply, Unreachable
from reconciler.hotwax.replies import Reply, clock_ahead_seconds, read_reply
from reconciler.hotwax.requests import Payload
from reconciler.hotwax.secrets import Secrets

METHODS = ("GET", "POST", "GET-QUERY")
PATHS = {"ofbiz": "/api/solr-query", "moqui": "/rest/s1/admin/runSolrQuery"}
#: The watcher gives one request this many tries, over at most as many seconds.
TRIES, RETRY_SECONDS = 3, 30.0


@dataclass(frozen=True)
class Endpoint:
    """Where HotWax is and how it is asked. ``timeout`` is in seconds, for a whole reply."""

    url: str
    api: str = "ofbiz"
    method: str = "auto"
    token: str = ""
    timeout: float = 20.0
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r}, {self.api!r}, {self.method!r})"

    @property
    def auth(self) -> httpx.Auth | None:
        """How requests prove who sends them: a token, a login, or not at all."""
        if self.token:
            return BearerToken(self.token)
        if self.username:
            return Login(self.url, self.api, self.username, self.password)
        return None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that may be tried, in this order."""
        if self.method != "auto":
            return (self.method,)
        return ("POST",) if self.api == "moqui" else METHODS


class Client:
    """Asks one HotWax instance. Not for use by several threads at once.

    ``transport`` replaces the network in tests.
    """

    def __init__(self, endpoint: Endpoint, transport: httpx.BaseTransport | None = None) -> None:
        self.endpoint = endpoint
        self._auth = endpoint.auth
        self._http = httpx.Client(
            transport=BoundedTransport(transport or deadline.DeadlineTransport()),
            auth=self._auth,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "reconciler",
            },
            follow_redirects=False,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, payload: Payload, method: str, *, timeout: float | None = None) -> Reply:
        """Ask once, by one of METHODS, within ``timeout`` seconds (default: the endpoint's).

        Raises a HotWaxError of reconciler.hotwax.exceptions.
        """
        asked_at, status = datetime.now(UTC), None
        try:
            response, body = self._send(payload, method, timeout or self.endpoint.timeout)
            status = response.status_code
            secrets = self._secrets()
            documents, found = read_reply(status, response.headers, body, secrets)
        except HotWaxError as error:
            error.status = status
            # A server may echo what it was sent.
            error.hide(self._secrets())
            raise
        ahead = clock_ahead_seconds(response.headers, datetime.now(UTC))
        return Reply(documents, found, method, asked_at, ahead)

    def _secrets(self) -> Secrets:
        held = self._auth.secrets if isinstance(self._auth, Login) else []
        return Secrets((self.endpoint.token, self.endpoint.password, *held))

    def ask_patiently(self, payload: Payload, method: str) -> Reply:
        """Ask, and ask again where that can help: connection, time-out, 429, 502 to 504."""
        for attempt in stamina.retry_context(
            on=_wait_before_retry, attempts=TRIES, timeout=RETRY_SECONDS, wait_initial=0.5
        ):
            with attempt:
                return self.ask(payload, method)
        raise AssertionError("stamina raises the last error")

    def ask_any(self, payload: Payload, known: str = "", *, patiently: bool = True) -> Reply:
        """Ask by the method that is known to work, then by each other (HOTWAX_METHOD=auto).

        An answer that is no Solr reply makes the next method be tried; if none works, the first
        one's error is raised. Only a method that is known, or the only one, is asked patiently.
        """
        methods = sorted(self.endpoint.methods, key=lambda method: method != known)
        sure = known in methods or len(methods) == 1
        refusals: list[HotWaxError] = []
        for method in methods:
            try:
                if patiently and sure and not refusals:
                    return self.ask_patiently(payload, method)
                return self.ask(payload, method)
            except HotWaxError as error:
                if not error.not_solr:
                    raise
                refusals.append(error)
        raise refusals[0]

    def _send(self, payload: Payload, method: str, timeout: float) -> tuple[httpx.Response, bytes]:
        url = self.endpoint.url.rstrip("/") + PATHS[self.endpoint.api]
        request = self._request(url, payload, method)
        host = urlsplit(url).hostname or url
        with deadline.within(timeout), _told_plainly(host, timeout):
            response = self._http.send(request, stream=True)
            with contextlib.closing(response):
                return response, response.read()

    def _request(self, url: str, payload: Payload, method: str) -> httpx.Request:
        if method == "GET-QUERY":
            query = {"json": json.dumps(payload["json"])}
            if "coreName" in payload:
                query["coreName"] = payload["coreName"]
            return self._http.build_request("GET", url, params=query)
        return self._http.build_request(
            "GET" if method == "GET" else "POST",
            url,
            content=json.dumps(payload).encode(),
            headers={"Content-Type": "application/json"},
        )


def _wait_before_retry(error: Exception) -> bool | float:
    if not isinstance(error, HotWaxError) or not error.may_retry:
        return False
    return True if error.retry_after is None else min(error.retry_after, RETRY_SECONDS)


@contextlib.contextmanager
def _told_plainly(host: str, timeout: float) -> Iterator[None]:
    """Turn the network's exceptions into ours; none of theirs may carry a URL's query."""
    try:
        yield
    except (httpx.TimeoutException, httpcore.TimeoutException):
        raise Unreachable(
            f"{host} did not answer within {round(timeout, 1):g} s.", may_retry=True, not_solr=True
        ) from None
    except (httpx.ConnectError, httpcore.ConnectError) as error:
        text = str(error)
        if isinstance(error.__cause__, ssl.SSLError) or "SSL" in text or "CERTIFICATE" in text:
            raise Unreachable(f"The TLS certificate of {host} is not accepted.") from None
        if "Name or service" in text or "getaddrinfo" in text or "name resolution" in text:
            raise Unreachable(f"There is no host named {host}.", may_retry=True) from None
        raise Unreachable(f"{host} refuses the connection.", may_retry=True) from None
    except (httpx.DecodingError, httpx.InvalidURL) as error:
        raise MalformedReply(
            f"{host} sent an answer that cannot be decoded ({type(error).__name__})."
        ) from None
    except (httpx.TransportError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Unreachable(
            f"The connection to {host} broke off ({type(error).__name__}).",
            may_retry=True,
            not_solr=isinstance(error, httpx.ProtocolError | httpcore.ProtocolError),
        ) from None


def wait_until_listening(url: str, seconds: float) -> None:
    """Wait until something listens at an address, for so many seconds at most."""
    address, end = urlsplit(url), time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((address.hostname, address.port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
