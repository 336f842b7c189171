"""What a server echoes, in whatever form, is hidden before it is cut."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax import requests
from reconciler.hotwax.auth import Tokens
from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.hotwax.secrets import Secrets

SECRET = 'p4"ss/w\\ö+rd 7'
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda s: json.dumps(s)[1:-1],
    "in JSON, not escaped to ASCII": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "in JSON in JSON, not escaped to ASCII": lambda s: json.dumps(
        json.dumps(s, ensure_ascii=False)[1:-1], ensure_ascii=False
    )[1:-1],
    "in JSON in JSON": lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    "in a URL": lambda s: quote(s, safe=""),
    "in base64": lambda s: base64.b64encode(s.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_hidden(form: Callable[[str], str]) -> None:
    hidden = Secrets([SECRET]).hide(f"login with {form(SECRET)} failed")
    # Of base64 the padding may stay.
    assert hidden.replace("=", "") == "login with ••• failed"


@pytest.mark.parametrize("text", [f"Bearer {JWT}", "Authorization: bearer abc.def", JWT, JWT[:40]])
def test_what_is_shaped_like_a_token_is_hidden_without_being_known(text: str) -> None:
    hidden = Secrets([]).hide(f"got {text}, refused")
    assert "•••" in hidden
    assert hidden.endswith("refused")
    assert JWT[:20] not in hidden and "abc.def" not in hidden


@given(st.text(min_size=3, max_size=40), st.text(), st.text())
def test_a_secret_is_never_left(secret: str, before: str, after: str) -> None:
    assert secret in "•••" or secret not in Secrets([secret]).hide(before + secret + after)


def answer(body: Any, status: int = 200) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, json=body))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "reply",
    [
        lambda text: {"_ERROR_MESSAGE_": text},
        lambda text: {"errors": [text, {"deep": text}]},
        lambda text: {"error": {"msg": text, "code": 400}},
        lambda text: {"error": {"msg": text, "code": 503}},
        lambda text: {"responseHeader": {"status": text}},
        lambda text: {"response": {"numFound": text, "docs": []}},
    ],
)
def test_no_error_shows_it_not_even_cut_in_half(
    reply: Callable[[str], Any], form: Callable[[str], str]
) -> None:
    token = SECRET * 3
    for padding in range(250, 300, 7):  # where a message is cut
        body = reply("x" * padding + " " + form(token) + " tail")
        with (
            Client(Endpoint("https://x.hotwax.io", token=token), answer(body)) as client,
            pytest.raises(HotWaxError) as caught,
        ):
            client.ask(requests.documented(requests.Log()), "GET")
        assert form(token)[:6] not in str(caught.value)


def test_a_token_that_a_login_brought_is_hidden_too() -> None:
    brought = "brought-by-the-login-7"

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/login"):
            return httpx.Response(200, json={"token": brought})
        return httpx.Response(200, json={"_ERROR_MESSAGE_": f"{brought} is bad, {SECRET} too"})

    endpoint = Endpoint("https://y.hotwax.io", username="me", password=SECRET)
    with (
        Client(endpoint, httpx.MockTransport(handle)) as client,
        pytest.raises(HotWaxError) as caught,
    ):
        client.ask(requests.documented(requests.Log()), "GET")
    assert str(caught.value).endswith("••• is bad, ••• too")


def test_held_tokens_can_be_listed() -> None:
    tokens = Tokens()
    tokens.put(("a", "b"), "t", None)
    assert tokens.all() == ["t"]
