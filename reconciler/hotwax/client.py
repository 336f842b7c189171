"""The only network I/O: one HTTP client that asks HotWax and checks the shape of the answer.

Each reply has a total deadline over headers and body: httpx's own time-outs count from byte to
byte, so a server that drips would hold a page for as long as it likes. The deadline is therefore
kept where bytes are read, in the network stream itself.
"""

import contextlib
import json
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import stamina

from reconciler.hotwax import errors
from reconciler.hotwax.auth import BearerToken, Login
from reconciler.hotwax.documents import mask_keys
from reconciler.hotwax.requests import Payload

METHODS = ("GET", "POST", "GET-QUERY")
PATHS = {"ofbiz": "/api/solr-query", "moqui": "/rest/s1/admin/runSolrQuery"}
#: A reply larger than this is refused (LEDGER.md §2).
SIZE_CAP = 64 * 1024 * 1024
#: The watcher gives one request this many tries, over at most as many seconds.
TRIES, RETRY_SECONDS = 3, 30.0

#: No log holds more; a database column could not either.
MOST_DOCUMENTS = 2**31

_deadline: ContextVar[float] = ContextVar("deadline")


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


@dataclass(frozen=True)
class Reply:
    """A checked answer of Solr: ``documents`` as JSON gave them, ``found`` = ``numFound``."""

    documents: list[Any]
    found: int
    #: Which of METHODS brought it.
    method: str
    #: When the request was sent, by our clock, in UTC.
    asked_at: datetime


class Client:
    """Asks one HotWax instance. Not for use by several threads at once.

    ``transport`` replaces the network in tests.
    """

    def __init__(self, endpoint: Endpoint, transport: httpx.BaseTransport | None = None) -> None:
        self.endpoint = endpoint
        self._http = httpx.Client(
            transport=transport or _DeadlineTransport(),
            auth=endpoint.auth,
            headers={"Accept": "application/json", "User-Agent": "reconciler"},
            follow_redirects=False,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, payload: Payload, method: str, *, timeout: float | None = None) -> Reply:
        """Ask once, by one of METHODS, within ``timeout`` seconds (default: the endpoint's).

        Raises a HotWaxError of reconciler.hotwax.errors.
        """
        asked_at = datetime.now(UTC)
        try:
            response, body = self._send(payload, method, timeout or self.endpoint.timeout)
            documents, found = read_reply(response.status_code, response.headers, body)
        except errors.HotWaxError as error:
            # A server may echo what it was sent.
            error.hide(self.endpoint.token, self.endpoint.password)
            raise
        return Reply(documents, found, method, asked_at)

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
        refusals: list[errors.HotWaxError] = []
        for method in methods:
            try:
                if patiently and sure and not refusals:
                    return self.ask_patiently(payload, method)
                return self.ask(payload, method)
            except errors.HotWaxError as error:
                if not error.not_solr:
                    raise
                refusals.append(error)
        raise refusals[0]

    def _send(self, payload: Payload, method: str, timeout: float) -> tuple[httpx.Response, bytes]:
        url = self.endpoint.url.rstrip("/") + PATHS[self.endpoint.api]
        request = self._request(url, payload, method)
        limit = time.monotonic() + timeout
        token = _deadline.set(limit)
        try:
            with _told_plainly(urlsplit(url).hostname or url, timeout):
                response = self._http.send(request, stream=True)
                with contextlib.closing(response):
                    return response, _read(response, limit)
        finally:
            _deadline.reset(token)

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


def read_reply(status: int, headers: httpx.Headers, body: bytes) -> tuple[list[Any], int]:
    """Check an HTTP answer and take Solr's documents and ``numFound`` out of it.

    Raises the HotWaxError that says what is wrong. A reply without ``response.docs`` raises:
    failure is never turned into emptiness.
    """
    if status in (401, 403):
        raise errors.CredentialsRefused(f"HotWax refused the credentials ({status}).")
    if status == 429 or status >= 500:
        raise errors.Unavailable(
            f"HotWax answers “not now” ({status}).",
            may_retry=status in (429, 502, 503, 504),
            not_solr=status != 429,
            retry_after=_retry_after(headers),
        )
    if status in (301, 302, 303, 307, 308):
        if "login" in headers.get("Location", "").lower():
            raise errors.CredentialsRefused("HotWax sends us to its login page.", not_solr=True)
        raise errors.MalformedReply(f"HotWax redirects ({status}) elsewhere.", not_solr=True)
    reply = _json(status, headers, body)
    _raise_errors_inside(status, reply)
    return _documents(status, reply)


def _json(status: int, headers: httpx.Headers, body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n")
    text = text.removeprefix("//")  # OFBiz guards its JSON so
    if text[:1] == "<":
        if status == 200 and "password" in text.lower():
            raise errors.CredentialsRefused("HotWax answers with a login page.", not_solr=True)
        if status == 404:
            raise errors.RequestRefused(
                "HotWax knows no such address (404).", not_solr=True, may_retry=False
            )
        raise errors.MalformedReply(f"HotWax answers with an HTML page ({status}).", not_solr=True)
    try:
        reply = json.loads(text, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        kind = headers.get("Content-Type", "no content type").split(";")[0][:40]
        raise errors.MalformedReply(
            f"HotWax's answer cannot be read as JSON ({status}, {kind}).", not_solr=True
        ) from error
    if not isinstance(reply, dict):
        raise errors.MalformedReply("HotWax's answer is no JSON object.", not_solr=True)
    inner = reply.get("response")
    if isinstance(inner, dict) and "responseHeader" in inner and "response" in inner:
        return inner  # some Moqui hosts wrap Solr's reply once more
    return reply


def _raise_errors_inside(status: int, reply: dict[str, Any]) -> None:
    header = reply.get("responseHeader")
    header = header if isinstance(header, dict) else {}
    solr_error = reply.get("error")
    code = solr_error.get("code") if isinstance(solr_error, dict) else header.get("status")
    if isinstance(code, int) and 500 <= code < 600:
        told = solr_error.get("msg", "") if isinstance(solr_error, dict) else ""
        raise errors.Unavailable(
            f"HotWax's Solr answers “not now” ({code}). {_short(told)}".strip(), may_retry=True
        )
    if isinstance(solr_error, dict) and "msg" in solr_error:
        raise errors.RequestRefused(
            f"HotWax's Solr refused the request: {_short(solr_error['msg'])}"
        )
    for name in ("_ERROR_MESSAGE_", "_ERROR_MESSAGE_LIST_", "error", "errors"):
        if reply.get(name):
            raise errors.RequestRefused(
                f"HotWax refused the request: {_short(reply[name])}", not_solr=not header
            )
    if header.get("status") not in (None, 0):
        raise errors.RequestRefused(
            f"HotWax's Solr answers with status {_short(header['status'])}."
        )
    if status >= 400:
        raise errors.RequestRefused(f"HotWax refused the request ({status}).", not_solr=True)
    if header.get("partialResults", False) is not False:
        raise errors.IncompleteReply("HotWax's Solr sent only a part of the result.")


def _documents(status: int, reply: dict[str, Any]) -> tuple[list[Any], int]:
    response = reply.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("docs"), list):
        raise errors.MalformedReply(
            f"HotWax's answer holds no list of documents ({status}).", not_solr=True
        )
    documents, found = response["docs"], response.get("numFound")
    if not isinstance(found, int) or not len(documents) <= found < MOST_DOCUMENTS:
        raise errors.MalformedReply(
            f"HotWax says it found {_short(found)} documents and sent {len(documents)}."
        )
    return documents, found


def _whole_number(digits: str) -> int | str:
    # Python refuses integers of more than 4,300 digits; as text nothing is lost.
    return int(digits) if len(digits) < 4000 else digits


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = mask_keys(" ".join(text.split()))
    return text if len(text) <= 300 else text[:299] + "…"


def _wait_before_retry(error: Exception) -> bool | float:
    if not isinstance(error, errors.HotWaxError) or not error.may_retry:
        return False
    return True if error.retry_after is None else min(error.retry_after, RETRY_SECONDS)


def _retry_after(headers: httpx.Headers) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:6])
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None


def _read(response: httpx.Response, limit: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > SIZE_CAP:
            raise errors.MalformedReply(
                f"HotWax's answer is larger than {SIZE_CAP // 1024 // 1024} MB."
            )
        if time.monotonic() > limit:
            raise httpx.ReadTimeout("deadline")
    return bytes(body)


@contextlib.contextmanager
def _told_plainly(host: str, timeout: float) -> Iterator[None]:
    """Turn the network's exceptions into ours; none of theirs may carry a URL's query."""
    try:
        yield
    except (httpx.TimeoutException, httpcore.TimeoutException):
        raise errors.Unreachable(
            f"{host} did not answer within {round(timeout, 1):g} s.", may_retry=True, not_solr=True
        ) from None
    except (httpx.ConnectError, httpcore.ConnectError) as error:
        text = str(error)
        if isinstance(error.__cause__, ssl.SSLError) or "SSL" in text or "CERTIFICATE" in text:
            raise errors.Unreachable(f"The TLS certificate of {host} is not accepted.") from None
        if "Name or service" in text or "getaddrinfo" in text or "name resolution" in text:
            raise errors.Unreachable(f"There is no host named {host}.", may_retry=True) from None
        raise errors.Unreachable(f"{host} refuses the connection.", may_retry=True) from None
    except (httpx.DecodingError, httpx.InvalidURL) as error:
        raise errors.MalformedReply(
            f"{host} sent an answer that cannot be decoded ({type(error).__name__})."
        ) from None
    except (httpx.TransportError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise errors.Unreachable(
            f"The connection to {host} broke off ({type(error).__name__}).",
            may_retry=True,
            not_solr=isinstance(error, httpx.ProtocolError | httpcore.ProtocolError),
        ) from None


class _DeadlineStream(httpcore.NetworkStream):
    """A network stream on which no single read or write outlives the request's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(
            self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )


def _remaining(timeout: float | None, expired: type[Exception]) -> float | None:
    left = _deadline.get(float("inf")) - time.monotonic()
    if left <= 0:
        raise expired("deadline")
    if timeout is None:
        return None if left == float("inf") else left
    return min(timeout, left)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _DeadlineTransport(httpx.BaseTransport):
    """httpx over an httpcore pool whose streams keep the deadline."""

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            network_backend=_DeadlineBackend(),
            max_connections=4,
            keepalive_expiry=60,
            retries=0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), request=request
        )

    def close(self) -> None:
        self._pool.close()
