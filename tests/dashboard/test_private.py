"""What lies behind the sign-in is compressed, and kept by nobody."""

import gzip
from collections.abc import Callable

import pytest
from django.test import Client as Browser

from tests.makers import document


@pytest.mark.parametrize(
    "path",
    ["/orders/", "/errors/", "/trends/", "/status/", "/api/orders", "/nothing/", "/orders/9/"],
)
def test_nobody_keeps_a_copy(path: str, browser: Browser, quiet: None) -> None:
    control = browser.get(path)["Cache-Control"]
    assert "no-store" in control and "private" in control
    assert "no-store" in Browser().get(path)["Cache-Control"]


def test_what_anybody_may_see_may_be_kept(browser: Browser) -> None:
    assert "Cache-Control" not in browser.get("/livez").headers


def test_pages_are_compressed_for_whoever_accepts_it(
    browser: Browser, keep: Callable[..., None]
) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(60)))
    plain = browser.get("/orders/")
    packed = browser.get("/orders/", headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert b"data-order-id" in gzip.decompress(packed.content)
    assert len(packed.content) * 5 < len(plain.content)
    assert "Accept-Encoding" in packed["Vary"] and "Content-Encoding" not in plain.headers


def test_the_length_of_a_page_tells_nothing(browser: Browser, keep: Callable[..., None]) -> None:
    keep(*(document(f"#{n}", document_id=f"d{n}") for n in range(10)))
    accepting = {"Accept-Encoding": "gzip"}
    lengths = {len(browser.get("/orders/", headers=accepting).content) for _ in range(12)}
    assert len(lengths) > 3
