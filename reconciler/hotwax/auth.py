"""How a request proves who sends it, as httpx authentication flows."""

from collections.abc import Generator

import httpx


class BearerToken(httpx.Auth):
    """``Authorization: Bearer <token>``, as HotWax's own clients send it.

    Its repr hides the token, so that no log or traceback shows it.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "BearerToken(•••)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header and send the request once."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
