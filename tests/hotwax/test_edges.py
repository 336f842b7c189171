"""Documents, addresses and secrets just within a limit and just beyond it."""

from typing import Any

import pytest

from reconciler.hotwax.documents import (
    FailureDocument,
    Reading,
    UnreadableDocument,
    bounded,
    read_document,
    shop_of,
)
from reconciler.hotwax.links import admin_link, host_of, import_screen, mask_keys
from reconciler.hotwax.secrets import Secrets
from tests.makers import document


def read(**fields: Any) -> FailureDocument:
    parsed = read_document(document(**fields), "SHOPIFY_ORDER", Reading())
    assert isinstance(parsed, FailureDocument)
    return parsed


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(("levels", "text"), [(1, "x"), (5, "x"), (6, "")])
def test_lists_in_lists_are_taken_apart_so_far(levels: int, text: str) -> None:
    parsed = read(errorMessage=nested(levels))
    assert parsed.error_text == text
    assert len(parsed.problems) == (not text)


@pytest.mark.parametrize(("levels", "kind"), [(99, FailureDocument), (100, UnreadableDocument)])
def test_a_document_may_be_a_hundred_levels_deep(levels: int, kind: type) -> None:
    raw = document(other=nested(levels))
    assert type(read_document(raw, "SHOPIFY_ORDER", Reading())) is kind


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("text", "a text"),
        (True, "true or false"),
        (None, "null"),
        (7, "a number"),
        (7.5, "a number"),
        ([1], "a list"),
    ],
)
def test_what_is_no_object_is_named(raw: object, words: str) -> None:
    parsed = read_document(raw, "SHOPIFY_ORDER", Reading())
    assert isinstance(parsed, UnreadableDocument)
    assert parsed.reason == f"It is no JSON object but {words}."


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0**62, str(2**62)), (2.0**63, "9.223372036854776e+18"), (-(2.0**62), str(-(2**62)))],
)
def test_a_whole_number_that_fits_is_written_without_a_point(value: float, text: str) -> None:
    assert read(errorMessage=value).error_text == text


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 60, "x" * 60), ("x" * 61, "x" * 59 + "…"), ("  ", None)]
)
def test_a_date_that_is_none_is_shown_and_cut(text: str, shown: str | None) -> None:
    problems = () if shown is None else (f"timestamp “{shown}” is no date",)
    assert read(timestamp=text).problems == problems


@pytest.mark.parametrize(("length", "kept"), [(199, True), (200, True), (201, False)])
def test_a_key_as_long_as_the_index_allows_is_kept(length: int, kept: bool) -> None:
    key = bounded("x" * length)
    assert (key == "x" * length) == kept
    assert len(key) == min(length, 200)


def test_the_order_of_names_in_a_document_changes_no_key() -> None:
    raw = document(**{"document-id": None})
    turned = dict(reversed(raw.items()))
    keys = {
        parsed.document_key
        for parsed in (read_document(r, "SHOPIFY_ORDER", Reading()) for r in (raw, turned))
        if isinstance(parsed, FailureDocument)
    }
    assert len(keys) == 1


def test_a_handle_of_the_settings_is_written_small() -> None:
    assert shop_of("https://www.lune.com/8/x", {"www.lune.com": "Lune.MyShopify.com"}).handle == (
        "lune"
    )


@pytest.mark.parametrize("site", ["https://a.b/\x7f", "https://a.b/\x1f", "https://a.b/\ud800"])
def test_a_control_character_is_in_no_address(site: str) -> None:
    assert host_of(site) == ""


def test_a_handle_breaks_out_of_no_link() -> None:
    assert admin_link("a/b", "#1") == "https://admin.shopify.com/store/a%2Fb/orders?query=%231"


def test_the_import_screen_is_found_with_or_without_a_slash() -> None:
    screen = "https://x.hotwax.io/commerce/control/ShopifyImportData?configId=CRT_SHOPIFY_ORDER"
    assert import_screen("https://x.hotwax.io") == import_screen("https://x.hotwax.io/") == screen


def test_a_key_written_without_an_equals_sign_is_hidden() -> None:
    assert mask_keys("a%3Fkey%3Ds3cret") == "a%3Fkey%3D•••"


@pytest.mark.parametrize(
    ("values", "text", "shown"),
    [
        (["ab"], "ab", "ab"),
        (["abc"], "abc", "•••"),
        (["abc", "zabcz"], "zabcz", "•••"),
        (["abc", "aabcd"], "aabcd", "•••"),
        (["a b/c"], "a%20b%2fc", "•••"),
        (["a b/c"], "a+b%2Fc", "•••"),
        (["abcd"], "YWJjZA", "•••"),
        (["??>??>"], "Pz8-Pz8-", "•••"),
        ([], "Bearer abc, gone", "Bearer •••, gone"),
    ],
)
def test_a_secret_of_three_characters_is_hidden_whole(
    values: list[str], text: str, shown: str
) -> None:
    assert Secrets(values).hide(text) == shown
