"""Shops, links and the keys hidden in them: every rule a row."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.documents import (
    Reading,
    bounded,
    shop_of,
)
from reconciler.hotwax.links import (
    admin_link,
    host_of,
    is_shopify_id,
    link_of,
    mask_keys,
    order_page,
    without_query,
)

NEW_YORK = Reading(ZoneInfo("America/New_York"))

UTC_READING = Reading()

SHOPS = [
    # site, SHOPIFY_STORES, key, handle
    ("https://hc-demo.myshopify.com/839/orders/x", {}, "839", "hc-demo"),
    ("https://HC-Demo.MyShopify.com:443/839/orders/x", {}, "839", "hc-demo"),
    ("https://hc-demo.myshopify.com/orders/x", {}, "hc-demo.myshopify.com", "hc-demo"),
    ("https://www.lune.com/839/orders/x", {}, "www.lune.com", ""),
    ("https://www.lune.com/839/orders/x", {"www.lune.com": "lune"}, "839", "lune"),
    ("https://www.lune.com/839/x", {"www.lune.com": "lune.myshopify.com"}, "839", "lune"),
    ("https://.myshopify.com/839/x", {}, ".myshopify.com", ""),
    ("https://evilmyshopify.com/839/x", {}, "evilmyshopify.com", ""),
    ("https://hc-demo.myshopify.com.evil.com/839/x", {}, "hc-demo.myshopify.com.evil.com", ""),
    ("https://hc-demo.myshopify.com@evil.com/839/x", {}, "evil.com", ""),
    ("https://evil.com\\@hc-demo.myshopify.com/839/x", {}, "none", ""),
    ("https://hc-demo.myshopify.com/٣/x", {}, "hc-demo.myshopify.com", "hc-demo"),
    ("https://839/1/x", {}, "//839", ""),
    ("https://none/1/x", {}, "//none", ""),
    ("ftp://hc-demo.myshopify.com/839/x", {}, "none", ""),
    ("javascript:alert(1)", {}, "none", ""),
    ("hc-demo.myshopify.com/839", {}, "none", ""),
    ("", {}, "none", ""),
]


@pytest.mark.parametrize(("site", "stores", "key", "handle"), SHOPS)
def test_a_shop_is_known_by_its_id_only_from_hosts_that_may_speak_for_it(
    site: str, stores: dict[str, str], key: str, handle: str
) -> None:
    shop = shop_of(site, stores)
    assert (shop.key, shop.handle) == (key, handle)


@pytest.mark.parametrize(
    "site",
    [
        "javascript:alert(1)//https://a.b",
        "data:text/html,<script>",
        " https://a.b/c",
        "https:///a",
        "https://",
        "//a.b/c",
        "https://a.b\\@c.d/",
        "https://a.b/\x00",
        "java\nscript:alert(1)",
        "https://a b/c",
        "https://[::1/x",
        "https://a.b:99999999/x",
        "https://a.b:port/x",
        "https://a.b/\ud800",
    ],
)
def test_what_is_no_web_address_is_no_link(site: str) -> None:
    assert link_of(site) == ""


@pytest.mark.parametrize(
    "site",
    [
        "https://a.b/c?key=1&x=<y>\"'",
        "HTTP://a.b",
        "https://a.b/ü/😘",
        "https://a.b/c d",
        "https://user@a.b/c",
        "https://[::1]/x",
    ],
)
def test_a_web_address_is_linked_byte_for_byte(site: str) -> None:
    assert link_of(site) == site
    assert host_of(site)


def test_the_admin_link_carries_the_name_and_nothing_that_it_could_break() -> None:
    assert admin_link("hc", "#1 &x=/") == (
        "https://admin.shopify.com/store/hc/orders?query=%231%20%26x%3D%2F"
    )
    assert admin_link("", "#1") == ""
    assert admin_link("hc", "") == ""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.b/c?key=s3cret", "https://a.b/c?key=•••"),
        ("https://a.b/c?key=s3cret&x=1#f", "https://a.b/c?key=•••&x=1#f"),
        ("https://a.b/c?KEY=s3cret", "https://a.b/c?KEY=•••"),
        # Only a parameter of a URL's query is one.
        ("api_key=s3cret failed", "api_key=s3cret failed"),
        ("primaryKey=10001 is taken", "primaryKey=10001 is taken"),
        ("https://a.b/c?monkey=1", "https://a.b/c?monkey=1"),
        ("https://a.b/c?x=1;key=s", "https://a.b/c?x=1;key=•••"),
        ("https://a.b/c?x=1&amp;key=s", "https://a.b/c?x=1&amp;key=•••"),
        ("https://a.b/c?k%65y=s3cret", "https://a.b/c?k%65y=•••"),
        ("https://a.b/c?%6B%65%79=s3cret", "https://a.b/c?%6B%65%79=•••"),
        ("https://a.b/c?k\tey=s3cret", "https://a.b/c?k\tey=•••"),
        ("/1/orders/2/authenticate?key=s3cret", "/1/orders/2/authenticate?key=•••"),
        ("https://me:pass@a.b/c", "https://•••@a.b/c"),
        ("HTTPS://me@a.b/c?key=s", "HTTPS://•••@a.b/c?key=•••"),
        ("mail to me@a.b", "mail to me@a.b"),
        ("https%3A%2F%2Fa.b%3Fkey%3Ds3cret", "https%3A%2F%2Fa.b%3Fkey%3D•••"),
        ("https://a.b/c?key=", "https://a.b/c?key="),
        ("Duplicate entry for key 'PRIMARY'", "Duplicate entry for key 'PRIMARY'"),
    ],
)
def test_the_value_of_a_key_is_hidden(text: str, masked: str) -> None:
    assert mask_keys(text) == masked
    assert mask_keys(masked) == masked


@given(st.text(min_size=201, max_size=400), st.text(min_size=201, max_size=400))
def test_long_keys_are_bounded_and_stay_apart(one: str, other: str) -> None:
    assert len(bounded(one)) <= 200
    assert (bounded(one) == bounded(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "host", "token"),
    [
        ("https://a.b/1/orders/0123456789abcdef/authenticate?key=x", "a.b", "0123456789abcdef"),
        ("https://a.b/1/orders/0123456789abcdef", "a.b", "0123456789abcdef"),
        ("A.B/1/orders/0123456789abcdef", "a.b", "0123456789abcdef"),
        ("see <https://a.b:8/1/orders/0123456789abcdef>.", "a.b", "0123456789abcdef"),
        ("https://a.b/orders/0123456789abcdef", "a.b", "0123456789abcdef"),
        ("https://a.b/1?next=/orders/0123456789abcdef", "", ""),
        ("https://a.b/1/orders/77", "", ""),
        ("https://a.b/1/orders/", "", ""),
        ("/1/orders/0123456789abcdef", "", ""),
        (f"https://a.b/1/orders/{'a' * 65}", "", ""),
        ("https://a.b/1/orders/%25012345678", "", ""),
    ],
)
def test_an_orders_page_is_told_by_its_token(text: str, host: str, token: str) -> None:
    assert order_page(text) == (host, token)


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("450789469", True),
        ("6123456789012", True),
        ("1" * 20, True),
        ("1" * 21, False),
        ("12345678", False),
        ("#6123456789012", False),
        ("61234567890 2", False),
        ("٦١٢٣٤٥٦٧٨٩٠١٢", False),
        ("61234567890x2", False),
        ("", False),
    ],
)
def test_a_number_of_nine_digits_or_more_may_be_shopifys(text: str, may_be: bool) -> None:
    assert is_shopify_id(text) == may_be


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a.b/c?key=s#x and #1001", "https://a.b/c and #1001"),
        ("HTTPS://localhost?key=s", "HTTPS://localhost"),
        ("#1001/#1002 or 5/6 #7", "#1001/#1002 or 5/6 #7"),
        ("a.b/c#key=s", "a.b/c"),
        ("#1001, LUNE#5", "#1001, LUNE#5"),
    ],
)
def test_what_stands_behind_a_path_is_left_out(text: str, shown: str) -> None:
    assert without_query(text) == shown
