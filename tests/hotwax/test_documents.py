"""Reading HotWax's documents: every rule a row."""

import json
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax.documents import (
    FailureDocument,
    ForeignDocument,
    Reading,
    UnreadableDocument,
    clean,
    from_text,
    read_document,
)
from tests.makers import SAMPLE, document

NEW_YORK = Reading(ZoneInfo("America/New_York"))
UTC_READING = Reading()


def read(raw: object, reading: Reading = UTC_READING) -> FailureDocument:
    result = read_document(raw, "SHOPIFY_ORDER", reading)
    assert isinstance(result, FailureDocument), result
    return result


# ------------------------------------------------------------------------------------- dates


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
