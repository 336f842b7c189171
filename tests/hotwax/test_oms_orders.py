"""OMS orders: what is asked of the index, and how its documents are read."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hotwax import requests
from reconciler.hotwax.exceptions import IncompleteReply, MalformedReply
from reconciler.hotwax.oms_orders import FIELDS, OmsOrder, read_oms_orders
from reconciler.hotwax.replies import read_reply

UTC_ZONE = ZoneInfo("UTC")
RAW = {
    "orderId": "M10231",
    "orderName": "HCDEV#2511",
    "orderStatusDesc": "Approved",
    "orderDate": "2026-11-20T10:00:00Z",
    "productStoreId": "STORE_US",
    "orderIdentifications": [
        "SHOPIFY_ORD_ID/6178678210724",
        "SHOPIFY_ORD_NAME/HCDEV#2511",
        "SHOPIFY_ORD_NO/2511",
    ],
}


def read(*raws: Any, zone: str = "UTC") -> list[OmsOrder]:
    return read_oms_orders(raws, ZoneInfo(zone))


def test_a_document_is_read() -> None:
    when = datetime(2026, 11, 20, 10, tzinfo=UTC)
    order = OmsOrder("M10231", "HCDEV#2511", "Approved", when, "STORE_US", "6178678210724")
    assert read(RAW) == [order]
    assert OmsOrder.of_json(json.loads(json.dumps(order.as_json()))) == order


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"orderName": ["HCDEV#2511"]}, "name", "HCDEV#2511"),
        ({"orderId": ["a", "b"]}, "order_id", ""),
        ({"orderId": None}, "order_id", ""),
        ({"orderId": 10231}, "order_id", "10231"),
        ({"orderId": True}, "order_id", ""),
        ({"productStoreId": ["A", "B"]}, "product_store", ""),
        ({"productStoreId": "x" * 201}, "product_store", ""),
        ({"orderDate": "no date"}, "ordered_at", None),
        ({"orderIdentifications": "SHOPIFY_ORD_ID/7"}, "shopify_id", "7"),
        ({"orderIdentifications": ["SHOPIFY_ORD_ID/7", "SHOPIFY_ORD_ID/8"]}, "shopify_id", ""),
        ({"orderIdentifications": ["SHOPIFY_ORD_ID/../x"]}, "shopify_id", ""),
        ({"orderIdentifications": {"a": 1}}, "shopify_id", ""),
    ],
)
def test_what_cannot_be_read_is_not_known(change: Any, field: str, value: Any) -> None:
    (order,) = read(RAW | change)
    assert getattr(order, field) == value


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"orderName": ["a", "b"]}, {"orderId": "M1"}])
def test_without_a_name_it_is_no_order(raw: Any) -> None:
    assert read(raw) == []


def test_a_date_without_a_zone_is_of_the_servers_zone() -> None:
    (order,) = read(RAW | {"orderDate": "2026-11-20T10:00:00"}, zone="America/New_York")
    assert order.ordered_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
    (order,) = read(RAW, zone="America/New_York")
    assert order.ordered_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_items_of_an_order_are_one_order_and_what_they_differ_in_is_not_known() -> None:
    other = {"productStoreId": "STORE_EU", "orderStatusDesc": "Cancelled"}
    (order,) = read(RAW, RAW | other, RAW)
    assert order.product_store == ""
    assert order.is_cancelled
    assert len(read(RAW, RAW | {"orderId": "M2"})) == 2


@pytest.mark.parametrize(
    ("field", "change", "unknown"),
    [
        ("product_store", {"productStoreId": "STORE_EU"}, ""),
        ("shopify_id", {"orderIdentifications": ["SHOPIFY_ORD_ID/77"]}, ""),
        ("ordered_at", {"orderDate": "2026-11-21T10:00:00Z"}, None),
    ],
)
def test_items_agree_field_by_field(field: str, change: dict[str, Any], unknown: Any) -> None:
    (alone,), (agreed,), (apart,) = read(RAW), read(RAW, RAW), read(RAW, RAW | change)
    assert agreed == alone
    assert getattr(apart, field) == unknown
    others = {"product_store", "shopify_id", "ordered_at", "status"} - {field}
    assert all(getattr(apart, name) == getattr(alone, name) for name in others)


@pytest.mark.parametrize("status", ["Cancelled", "CANCELED", " cancelled by customer"])
def test_cancelled_is_any_word_that_begins_so(status: str) -> None:
    assert OmsOrder("M1", "#1", status).is_cancelled
    assert not OmsOrder("M1", "#1", "Not cancelled").is_cancelled


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)) | JSON))
def test_nothing_that_is_json_raises(raws: list[Any]) -> None:
    for order in read_oms_orders(raws, UTC_ZONE):
        assert OmsOrder.of_json(order.as_json()) == order


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.booleans())
def test_names_stand_in_leaves_of_the_query_only(names: list[str], phrases: bool) -> None:
    payload = requests.oms_orders("", FIELDS, names, phrases=phrases, grouped=True)
    assert "coreName" not in payload
    last = payload["json"]["filter"].pop()
    leaves = (
        [one["field"]["query"] for one in last["bool"]["should"]]
        if phrases
        else last["terms"]["query"].split("\u0001")
    )
    assert leaves == [
        part for name in names for part in ([name] if phrases else name.split("\u0001"))
    ]
    assert payload["json"]["params"]["expandMacros"] == "false"
    assert payload["json"]["filter"] == ["docType:ORDER", "orderTypeId:SALES_ORDER"]


def test_nothing_personal_is_asked_for_and_another_core_is_named() -> None:
    payload = requests.oms_orders("orders2", FIELDS, ["#1"], phrases=False, grouped=False)
    assert payload["coreName"] == "orders2"
    assert payload["json"]["fields"] == [
        "orderId",
        "orderName",
        "orderStatusDesc",
        "orderDate",
        "productStoreId",
        "orderIdentifications",
    ]


def grouped(*groups: Any, matches: int) -> Any:
    return {
        "responseHeader": {"status": 0},
        "grouped": {"orderId": {"matches": matches, "groups": list(groups)}},
    }


def group(value: str, size: int, *docs: Any) -> Any:
    return {"groupValue": value, "doclist": {"numFound": size, "start": 0, "docs": list(docs)}}


def body_of(reply: Any) -> tuple[list[Any], int]:
    return read_reply(200, httpx.Headers(), json.dumps(reply).encode())


def test_a_grouped_reply_is_its_documents() -> None:
    one, two = {"orderId": "A"}, {"orderId": "B"}
    assert body_of(grouped(group("A", 2, one), group("B", 1, two), matches=3)) == ([one, two], 2)
    assert body_of(grouped(matches=0)) == ([], 0)


def test_a_grouped_reply_without_all_its_groups_is_incomplete() -> None:
    with pytest.raises(IncompleteReply):
        body_of(grouped(group("A", 2, {"orderId": "A"}), matches=3))
    with pytest.raises(IncompleteReply):
        body_of(grouped(group("A", 2), matches=2))


@pytest.mark.parametrize(
    "broken",
    [{}, {"a": 1}, {"a": {"groups": 7, "matches": 0}}, {"a": {"groups": [1], "matches": 0}}],
)
def test_groups_that_cannot_be_read_are_no_answer(broken: Any) -> None:
    with pytest.raises(MalformedReply):
        body_of({"responseHeader": {"status": 0}, "grouped": broken})
