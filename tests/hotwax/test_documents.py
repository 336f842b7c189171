"""Reading HotWax's documents: every rule a row."""

import json
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.dates import read_date
from reconciler.hotwax.documents import (
    FailureDocument,
    ForeignDocument,
    Reading,
    UnreadableDocument,
    bounded,
    clean,
    from_text,
    read_document,
    shop_of,
)
from reconciler.hotwax.links import admin_link, host_of, link_of, mask_keys
from tests.makers import SAMPLE, document

NEW_YORK = Reading(ZoneInfo("America/New_York"))
UTC_READING = Reading()


def read(raw: object, reading: Reading = UTC_READING) -> FailureDocument:
    result = read_document(raw, "SHOPIFY_ORDER", reading)
    assert isinstance(result, FailureDocument), result
    return result


# ------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("text", "reading", "expected"),
    [
        ("1704335862000", UTC_READING, "2024-01-04T02:37:42+00:00"),
        ("1704335862000.0", UTC_READING, "2024-01-04T02:37:42+00:00"),
        ("2024-01-10T11:29:31.127Z", UTC_READING, "2024-01-10T11:29:31.127000+00:00"),
        ("2024-01-10T11:29:31Z", UTC_READING, "2024-01-10T11:29:31+00:00"),
        ("2024-01-10T11:29:31.5Z", UTC_READING, "2024-01-10T11:29:31.500000+00:00"),
        ("2024-01-10T11:29:31.127456789Z", UTC_READING, "2024-01-10T11:29:31.127000+00:00"),
        ("2024-01-10T11:29:31+02:00", UTC_READING, "2024-01-10T09:29:31+00:00"),
        ("2024-01-10T11:29:31-0530", UTC_READING, "2024-01-10T16:59:31+00:00"),
        ("2024-01-10 11:29:31", NEW_YORK, "2024-01-10T16:29:31+00:00"),
        ("January 3, 2024 10:15:12 PM", UTC_READING, "2024-01-03T22:15:12+00:00"),
        ("January 3, 2024 10:15:12 PM", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 10:15:12 pm", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 10:15:12\u202fPM", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024 22:15:12", NEW_YORK, "2024-01-04T03:15:12+00:00"),
        ("January 3, 2024, 12:00:00 AM", UTC_READING, "2024-01-03T00:00:00+00:00"),
        ("January 3, 2024 12:00:00 PM", UTC_READING, "2024-01-03T12:00:00+00:00"),
        ("Jan 3, 2024 1:05 AM", UTC_READING, "2024-01-03T01:05:00+00:00"),
        ("Sept 3, 2024 01:05:00", UTC_READING, "2024-09-03T01:05:00+00:00"),
        ("  1704335862000  ", UTC_READING, "2024-01-04T02:37:42+00:00"),
    ],
)
def test_a_date_is_read(text: str, reading: Reading, expected: str) -> None:
    moment = read_date(text, reading.zone)
    assert moment is not None
    assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0",
        "-1704335862000",
        "17043358",  # seconds or nonsense: not milliseconds of a time when there was a Shopify
        "99999999999999999999999",
        "2024-02-30T00:00:00Z",
        "2024-01-10T25:00:00Z",
        "January 32, 2024 10:15:12 PM",
        "January 3, 2024 13:15:12 PM",
        "Janua 3, 2024 10:15:12",
        "Foo 3, 2024 10:15:12",
        "2024-01-10T11:29:31+99:00",
        "2024-01-10T112931.5Z",  # as long as a date of Solr's
        "2024-01-10T112931.12345Z",
        "１７０４３３５８６２０００",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text, UTC_READING.zone) is None


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [
        # 01:30 occurs at 05:30 and at 06:30 UTC on that night.
        (None, "05:30"),
        ("2026-11-01T05:00:00+00:00", "05:30"),
        ("2026-11-01T05:30:00+00:00", "05:30"),
        ("2026-11-01T05:45:00+00:00", "06:30"),
        ("2026-11-01T06:30:00+00:00", "06:30"),
        ("2026-11-01T07:00:00+00:00", "05:30"),  # before the order either way: say the earliest
    ],
)
def test_a_time_that_occurs_twice_is_the_earliest_not_before_the_order(
    not_before: str | None, expected: str
) -> None:
    created = datetime.fromisoformat(not_before) if not_before else None
    moment = read_date("November 1, 2026 1:30:00 AM", NEW_YORK.zone, created)
    assert moment is not None
    assert f"{moment:%H:%M}" == expected


def test_a_time_that_the_clocks_skip_is_read_by_the_offset_before() -> None:
    moment = read_date("March 8, 2026 2:30:00 AM", NEW_YORK.zone)
    assert moment == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_every_form_of_one_moment_reads_alike(naive: datetime) -> None:
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    forms = [
        str(int(moment.timestamp() * 1000)),
        f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        f"{moment:%B} {moment.day}, {moment:%Y %I:%M:%S %p}",
        f"{moment:%B} {moment.day}, {moment:%Y %H:%M:%S}",
    ]
    assert [read_date(form, UTC_READING.zone) for form in forms] == [moment] * 4


# -------------------------------------------------------------------------------- documents


def test_the_documented_sample_is_read() -> None:
    sample = read(SAMPLE, NEW_YORK)
    assert sample.order_name == "#10101011010"
    assert sample.document_key == SAMPLE["document-id"]
    assert sample.logged_key == "2024-01-10T11:29:31.127Z"
    assert sample.shop.key == "83950764316"
    assert sample.created_at == datetime(2024, 1, 4, 2, 37, 42, tzinfo=UTC)
    assert sample.first_attempted_at == datetime(2024, 1, 4, 3, 15, 12, tzinfo=UTC)
    assert json.loads(sample.raw) == SAMPLE
    assert sample.problems == ()


ALIASES = [
    ("document-id", "id"),
    ("document-id", "document_id"),
    ("document-id", "id_s"),
    ("shopifyOrderName", "shopifyOrderName_s"),
    ("shopifyOrderName", "shopifyOrderName_txt_en"),
    ("orderCreatedDate", "createdDate"),
    ("orderCreatedDate", "orderCreatedDate_l"),
    ("firstAttemptedImport", "firstAttemptedImport_txt"),
    ("errorMessage", "errorMessage_txt_en"),
    ("errorMessage", "errorMessage_str"),
    ("timestamp", "timestamp_dt"),
    ("expire_at", "_expire_at_"),
    ("expire_at", "_expire_at__dt"),
    ("site", "site_s"),
]


@pytest.mark.parametrize(("name", "alias"), ALIASES)
def test_a_field_is_found_under_its_other_name(name: str, alias: str) -> None:
    raw = document(document_id="d1")
    renamed = dict(raw)
    renamed[alias] = renamed.pop(name)
    assert _without_raw(read(renamed)) == _without_raw(read(raw))


def _without_raw(parsed: FailureDocument) -> dict[str, object]:
    return {k: v for k, v in vars(parsed).items() if k != "raw"}


def test_one_element_lists_and_numbers_are_read_as_what_they_hold() -> None:
    raw = document(document_id="d1")
    odd = {key: [value] for key, value in raw.items()}
    odd["orderCreatedDate"] = int(raw["orderCreatedDate"])
    odd["shopifyOrderName"] = 1001
    assert read(odd).created_at == read(raw).created_at
    assert read(odd).order_name == "1001"
    assert read(odd).logged_at == read(raw).logged_at


@pytest.mark.parametrize(
    ("value", "text", "problem"),
    [
        (["a", "b"], "a\nb", ""),
        ([], "", ""),
        ([1], "1", ""),
        ([1, 2], "", "is a list that cannot be read"),
        (["a", 2], "", "is a list that cannot be read"),
        (True, "", "is true or false, not text"),
        ({"a": 1}, "", "is an object, not text"),
        (1.0, "1", ""),
        (1.5, "1.5", ""),
        (-3, "-3", ""),
        (None, "", ""),
    ],
)
def test_a_text_may_be_of_another_kind(value: object, text: str, problem: str) -> None:
    parsed = read({**document(document_id="d1"), "errorMessage": value})
    assert parsed.error_text == text
    assert [p for p in parsed.problems if problem and problem in p] == list(parsed.problems)
    assert len(parsed.problems) == bool(problem)


def test_the_full_text_wins_over_the_copy_that_is_cut() -> None:
    raw = document(errorMessage=None, errorMessage_str="cut", errorMessage_txt="the whole text")
    assert read(raw).error_text == "the whole text"


def test_a_date_that_is_none_leaves_its_column_empty_and_keeps_the_document() -> None:
    parsed = read(document(orderCreatedDate="yesterday", timestamp="later"))
    assert parsed.created_at is None
    assert parsed.logged_at is None
    assert parsed.logged_key == ""
    assert [p.split(" ")[0] for p in parsed.problems] == ["orderCreatedDate", "timestamp"]


@pytest.mark.parametrize("raw", [None, 7, "text", [1], True])
def test_what_is_no_object_is_unreadable(raw: object) -> None:
    assert isinstance(read_document(raw, "SHOPIFY_ORDER", UTC_READING), UnreadableDocument)


def test_a_document_with_neither_id_nor_name_is_unreadable() -> None:
    raw = document(shopifyOrderName="  ", **{"document-id": ""})
    result = read_document(raw, "SHOPIFY_ORDER", UTC_READING)
    assert isinstance(result, UnreadableDocument)
    assert "neither" in result.reason


@pytest.mark.parametrize("name", ["", " ", None])
def test_without_a_name_the_document_names_the_order(name: str | None) -> None:
    parsed = read(document(document_id="d1", shopifyOrderName=name))
    assert parsed.order_name == ""
    assert parsed.order_key == "document:d1"


def test_without_an_id_the_content_is_the_key_and_the_version_is_no_part_of_it() -> None:
    raw = document(**{"document-id": None})
    again = {**raw, "version": 5}
    other = {**raw, "errorMessage": "another"}
    assert read(raw).document_key == read(again).document_key
    assert read(raw).document_key != read(other).document_key
    assert read(raw).document_key.startswith("sha256:")


def test_another_doc_type_is_not_ours_and_an_absent_one_is() -> None:
    foreign = document(docType="ORDER_TO_INVOICE_API")
    assert isinstance(read_document(foreign, "SHOPIFY_ORDER", UTC_READING), ForeignDocument)
    assert read(document(docType=None)).order_name
    assert read(document(docType="")).order_name


def test_nul_and_lone_surrogates_are_replaced_in_columns_and_kept_in_raw() -> None:
    raw = document(name="#1\x00\ud800", error="a\x00b")
    parsed = read(raw)
    assert parsed.order_name == "#1\ufffd\ufffd"
    assert parsed.error_text == "a\ufffdb"
    assert json.loads(parsed.raw) == raw
    assert parsed.raw.isascii()


def test_an_integer_too_large_for_any_column_is_kept() -> None:
    parsed = read(document(version=2**80))
    assert json.loads(parsed.raw)["version"] == 2**80


@given(
    st.dictionaries(
        st.sampled_from(sorted(SAMPLE)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
)
def test_no_document_raises(raw: dict[str, object]) -> None:
    result = read_document(raw, "SHOPIFY_ORDER", NEW_YORK)
    if isinstance(result, FailureDocument):
        assert result.document_key
        assert result.order_key
        assert len(result.order_key) <= 200
        clean(result.error_text).encode()


# ---------------------------------------------------------------------------- shops and links

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


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("levels", "readable"), [(1, True), (99, True), (100, False), (900, False)]
)
def test_a_document_nested_deeper_than_a_hundred_is_unreadable_and_kept_whole(
    levels: int, readable: bool
) -> None:
    raw = {**SAMPLE, "tags": nested(levels)}
    result = read_document(raw, "SHOPIFY_ORDER", UTC_READING)
    assert isinstance(result, FailureDocument) == readable
    assert from_text(result.raw) == raw  # type: ignore[union-attr]


def test_no_depth_changes_the_limit_of_the_process() -> None:
    limit = sys.getrecursionlimit()

    def at_depth(calls: int) -> Any:
        if calls:
            return at_depth(calls - 1)
        return read_document({**SAMPLE, "tags": nested(600)}, "SHOPIFY_ORDER", UTC_READING)

    assert isinstance(at_depth(500), UnreadableDocument)
    assert sys.getrecursionlimit() == limit
