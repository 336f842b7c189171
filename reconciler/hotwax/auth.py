"""How a request proves who sends it, as httpx authentication flows.

Source of the facts: HOTWAX's own clients ("Login" in their documentation). OFBiz answers
``POST /api/login`` with a token, or with HTTP 200 and ``_ERROR_MESSAGE_``; Moqui answers
``POST /rest/s1/admin/login``, or with a status that is no success and ``errors``.
"""

import base64
import json
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from reconciler.hotwax.exceptions import (
    CredentialsRefused,
    MalformedReply,
    RequestRefused,
    Unavailable,
)
from reconciler.hotwax.links import mask_keys
from reconciler.hotwax.secrets import NO_SECRETS, Secrets

Flow = Generator[httpx.Request, httpx.Response, None]

LOGIN_PATHS = {"ofbiz": "/api/login", "moqui": "/rest/s1/admin/login"}
#: A token is renewed this long before the end that HotWax named.
RENEW_BEFORE = timedelta(seconds=60)
#: An ``expirationTime`` below this is a duration in milliseconds, else epoch milliseconds.
LONGEST_DURATION_MS = 10**11


class BearerToken(httpx.Auth):
    """``Authorization: Bearer <token>``, as HotWax's own clients send it.

    Its repr hides the token, so that no log or traceback shows it.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "BearerToken(•••)"

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Add the header and send the request once."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Tokens:
    """Tokens that logins brought, shared by the clients of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], tuple[str, datetime | None]] = {}

    def get(self, key: tuple[str, str]) -> str:
        """Return a token that is still good for a while; "" for none."""
        with self._lock:
            token, ends = self._held.get(key, ("", None))
        return token if ends is None or ends - datetime.now(UTC) > RENEW_BEFORE else ""

    def put(self, key: tuple[str, str], token: str, ends: datetime | None) -> None:
        """Keep a token."""
        with self._lock:
            self._held[key] = (token, ends)

    def all(self) -> list[str]:
        """Return every token that is held, for what must be hidden."""
        with self._lock:
            return [token for token, _ in self._held.values()]

    def drop(self, key: tuple[str, str]) -> None:
        """Forget a token that was refused."""
        with self._lock:
            self._held.pop(key, None)


_tokens = Tokens()


class Login(httpx.Auth):
    """User name and password: logs in, and once more when a token is refused or about to end."""

    def __init__(
        self, url: str, api: str, username: str, password: str, tokens: Tokens = _tokens
    ) -> None:
        self._url, self._api = url.rstrip("/"), api
        self._username, self._password = username, password
        self._tokens, self._key = tokens, (self._url, username)

    def __repr__(self) -> str:
        return f"Login({self._username!r}, •••)"

    @property
    def secrets(self) -> list[str]:
        """Return what must not be shown: the password, and tokens that logins brought."""
        return [self._password, *self._tokens.all()]

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send the request with a token; after a 401 log in anew and send it once more."""
        token = self._tokens.get(self._key)
        fresh = not token
        if not token:
            token = yield from self._log_in()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401 and not fresh:
            self._tokens.drop(self._key)
            token = yield from self._log_in()
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, str]:
        names = ("USERNAME", "PASSWORD") if self._api == "ofbiz" else ("username", "password")
        body = dict(zip(names, (self._username, self._password), strict=True))
        response = yield httpx.Request("POST", self._url + LOGIN_PATHS[self._api], json=body)
        secrets = Secrets(self.secrets)
        token, ends = read_login(response.status_code, response.read(), self._username, secrets)
        self._tokens.put(self._key, token, ends)
        return token


def read_login(
    status: int, body: bytes, username: str, secrets: Secrets = NO_SECRETS
) -> tuple[str, datetime | None]:
    """Take token and end out of the answer to a login; raise CredentialsRefused without one."""
    if status >= 500 or status == 429:
        raise Unavailable(f"HotWax's login answers “not now” ({status}).", may_retry=True)
    if status == 404:
        raise RequestRefused("HotWax knows no such login address (404).")
    try:
        answer = json.loads(body.decode("utf-8", "replace").lstrip().removeprefix("//"))
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise MalformedReply(f"HotWax's answer to the login is no JSON object ({status}).")
    token = answer.get("token")
    if status >= 400 or not isinstance(token, str) or not token:
        reason = answer.get("_ERROR_MESSAGE_") or answer.get("errors") or f"status {status}"
        text = mask_keys(secrets.hide(str(reason)))[:200]
        raise CredentialsRefused(f"HotWax refused the login of {username}: {text}")
    return token, _end_of(answer.get("expirationTime")) or expiry_of(token)


def _end_of(value: Any) -> datetime | None:
    try:
        milliseconds = int(value)
        span = timedelta(milliseconds=milliseconds)
        if milliseconds < LONGEST_DURATION_MS:
            return datetime.now(UTC) + span
        return datetime(1970, 1, 1, tzinfo=UTC) + span
    except (TypeError, ValueError, OverflowError):
        return None


def expiry_of(token: str) -> datetime | None:
    """Read the ``exp`` claim of a JWT, in UTC; None where it is no JWT or has none.

    Nothing is verified: that is HotWax's business. It only tells when a new one is due.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
