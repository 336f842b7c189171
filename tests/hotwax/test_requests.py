"""Payloads: people's text in leaves only, dates from datetimes, three decimals always."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax import requests

LOG = requests.Log()


@pytest.mark.parametrize(
    ("moment", "bound"),
    [
        (datetime(2026, 11, 20, 0, 0, 1, tzinfo=UTC), "2026-11-20T00:00:01.000Z"),
        (datetime(2026, 11, 20, 0, 0, 1, 127_999, tzinfo=UTC), "2026-11-20T00:00:01.127Z"),
        (datetime(2026, 11, 20, 0, 0, 1, 999_000, tzinfo=UTC), "2026-11-20T00:00:01.999Z"),
        (
            datetime(2026, 11, 20, 1, 0, 1, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-20T00:00:01.000Z",
        ),
    ],
)
def test_bounds_are_utc_and_carry_three_decimals(moment: datetime, bound: str) -> None:
    payload = requests.span(LOG, moment, None)
    assert payload["json"]["filter"] == [f"timestamp:[{bound} TO *]"]


def test_the_upper_end_is_left_out() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    payload = requests.span(LOG, None, moment, newest_first=True)
    assert payload["json"]["filter"] == ["timestamp:[* TO 2026-11-20T00:00:00.000Z}"]
    assert payload["json"]["sort"] == "timestamp desc"


def test_fields_are_asked_under_the_names_seen() -> None:
    log = requests.Log(timestamp="timestamp_dt", document_id="id", order_name="name_s")
    assert requests.span(log, None, None)["json"]["filter"] == ["timestamp_dt:[* TO *]"]
    assert requests.undated(log)["json"]["sort"] == "id asc"
    assert requests.named(log, ["#1"])["json"]["filter"][0]["terms"]["f"] == "name_s"


@given(st.lists(st.text(st.characters(exclude_characters="\u0001"), min_size=1), min_size=1))
def test_names_stand_in_a_leaf_and_come_back_whole(names: list[str]) -> None:
    payload = json.loads(json.dumps(requests.named(LOG, names)))
    (condition,) = payload["json"]["filter"]
    assert condition["terms"]["query"].split(condition["terms"]["separator"]) == names
    assert payload["json"]["params"]["expandMacros"] == "false"
    rest = {**payload["json"], "filter": []}
    assert set(rest) == {"params", "filter", "limit"}


@pytest.mark.parametrize(
    ("doc_type", "query"),
    [
        ("SHOPIFY_ORDER", "docType:SHOPIFY_ORDER"),
        ("SHOPIFY-ORDER", 'docType:"SHOPIFY-ORDER"'),
        ("* OR *", 'docType:"* OR *"'),
        ('a "b" \\', r'docType:"a \"b\" \\"'),
        ("Größe", 'docType:"Größe"'),
    ],
)
def test_a_doc_type_is_a_word_or_a_phrase(doc_type: str, query: str) -> None:
    payload = requests.documented(requests.Log(doc_type=doc_type))
    assert payload["json"]["params"]["q"] == query


Q = "docType:SHOPIFY_ORDER"
CAREFUL = {"q": Q, "expandMacros": "false", "echoParams": "none"}
T = datetime(2026, 11, 20, tzinfo=UTC)
ONE_SECOND = "timestamp:[2026-11-20T00:00:00.000Z TO 2026-11-20T00:00:01.000Z}"
WHOLE: list[tuple[requests.Payload, requests.Payload]] = [
    (requests.anything(LOG), {"params": {"q": "*:*", "start": 0, "rows": 100}}),
    (requests.documented_page(LOG), {"params": {"q": Q, "start": 0, "rows": 500}}),
    (requests.documented_page(LOG, 7, 9), {"params": {"q": Q, "start": 7, "rows": 9}}),
    (
        requests.latest(LOG, 3),
        {"params": {"q": Q, "start": 0, "rows": 3}, "sort": "timestamp desc"},
    ),
    (requests.count(LOG), {"params": {"q": Q, "start": 0, "rows": 0}}),
    (
        requests.span(LOG, T, T + timedelta(seconds=1)),
        {"params": CAREFUL, "filter": [ONE_SECOND], "sort": "timestamp asc", "limit": 500},
    ),
    (
        requests.span(LOG, None, None, rows=2, ids_only=True),
        {
            "params": CAREFUL,
            "filter": ["timestamp:[* TO *]"],
            "sort": "timestamp asc",
            "limit": 2,
            "fields": ["document-id", "timestamp"],
        },
    ),
    (
        requests.block(LOG, T, T + timedelta(seconds=1), offset=10_000),
        {
            "params": CAREFUL,
            "filter": [ONE_SECOND],
            "sort": "timestamp asc, document-id asc",
            "limit": 10_000,
            "offset": 10_000,
        },
    ),
    (
        requests.undated(LOG),
        {
            "params": CAREFUL,
            "filter": ["(*:* -timestamp:[* TO *])"],
            "sort": "document-id asc",
            "limit": 500,
            "offset": 0,
        },
    ),
    (
        requests.named(LOG, ["#1", "#2"]),
        {
            "params": CAREFUL,
            "filter": [
                {"terms": {"f": "shopifyOrderName", "separator": "\u0001", "query": "#1\u0001#2"}}
            ],
            "limit": 10_000,
        },
    ),
    (
        requests.named_as_phrases(LOG, ["#1"]),
        {
            "params": CAREFUL,
            "filter": [{"bool": {"should": [{"field": {"f": "shopifyOrderName", "query": "#1"}}]}}],
            "limit": 10_000,
        },
    ),
    (
        requests.identified(LOG, ["a", "b"]),
        {
            "params": CAREFUL,
            "filter": [{"terms": {"f": "document-id", "separator": "\u0001", "query": "a\u0001b"}}],
            "limit": 2,
        },
    ),
]


@pytest.mark.parametrize(("payload", "expected"), WHOLE)
def test_each_request_is_written_to_the_letter(
    payload: requests.Payload, expected: requests.Payload
) -> None:
    assert payload == {"json": expected, "coreName": "logInsights"}


@pytest.mark.parametrize(
    ("names", "phrases", "grouped", "limit", "asked"),
    [
        (["#1", "#2"], False, False, 10_000, ["terms"]),
        (["#1"], True, True, 10_000, ["bool"]),
        # Without names: a few orders, to learn which fields there are.
        ([], False, True, 10, []),
    ],
)
def test_the_order_index_is_asked_for_names_or_for_a_few_orders(
    names: list[str], phrases: bool, grouped: bool, limit: int, asked: list[str]
) -> None:
    for core in ("", "orders"):
        payload = requests.oms_orders(core, ["orderId"], names, phrases=phrases, grouped=grouped)
        query = payload["json"]
        assert payload.get("coreName", "") == core
        assert query["limit"] == limit
        kinds = [next(iter(rule)) for rule in query["filter"] if isinstance(rule, dict)]
        assert kinds == asked
        assert ("group" in query["params"]) == grouped
