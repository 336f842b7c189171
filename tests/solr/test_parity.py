"""The demo may not lie: each request that the client can make, to it and to a real Solr."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from reconciler.demo import solr as miniature
from reconciler.demo.data import History
from reconciler.hotwax import exceptions, requests
from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.oms_orders import FIELDS, OmsOrder, read_oms_orders
from reconciler.hotwax.replies import read_reply
from tests.clock import LAST_NOON as NOW
from tests.makers import document, oms_order
from tests.solr.rig import Gateway, Solr

LOG = requests.Log()
AGO = NOW - timedelta(days=20)
ODD_TYPE = 'SHOPIFY-ORDER: "a\\b" (x) OR *'


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    history = History(NOW, orders=700)
    return [
        *history.documents(NOW),
        *(document(f"#block{i}", document_id=f"block-{i}", logged=AGO) for i in range(30)),
        document("#undated", document_id="undated-1", timestamp=None),
        document("#other", document_id="other-1", docType="ORDER_TO_INVOICE_API"),
        document('#a "b" \\ (c) {!func} ${x} ü😘', document_id="hostile-1"),
        document("#odd", document_id="odd-1", docType=ODD_TYPE),
    ]


@pytest.fixture(scope="module")
def gateway(solr: Solr, documents: list[dict[str, Any]]) -> Iterator[Gateway]:
    solr.make("parity", "log")
    solr.index("parity", documents)
    yield Gateway(solr, {"logInsights": "parity"})
    solr.drop("parity")


NAMES = ["#block1", "#block2", '#a "b" \\ (c) {!func} ${x} ü😘', "#nobody", "#BLOCK3"]
REQUESTS = {
    "documented": requests.documented(LOG),
    "a page": requests.documented_page(LOG, 0, 5000),
    "the latest": requests.latest(LOG),
    "count": requests.count(LOG),
    "everything by time": requests.span(LOG, None, None, rows=5000),
    "newest first": requests.span(LOG, None, None, newest_first=True),
    "from a second on": requests.span(LOG, NOW - timedelta(days=3), None),
    "up to a second": requests.span(LOG, None, AGO, newest_first=True),
    "between": requests.span(LOG, AGO, AGO + timedelta(seconds=1)),
    "nothing": requests.span(LOG, NOW + timedelta(days=1), None),
    "ids": requests.span(LOG, None, NOW, ids_only=True),
    "a block": requests.span(LOG, AGO, AGO + timedelta(seconds=1), rows=requests.BLOCK_ROWS),
    "a part of a block": requests.block(LOG, AGO, AGO + timedelta(seconds=1), offset=7),
    "undated": requests.undated(LOG),
    "undated, second page": requests.undated(LOG, offset=1),
    "by name": requests.named(LOG, NAMES),
    "by name, as phrases": requests.named_as_phrases(LOG, NAMES),
    "anything": requests.anything(LOG, 5000),
    "an odd docType": requests.documented(replace(LOG, doc_type=ODD_TYPE)),
    "a docType that is a query": requests.documented(replace(LOG, doc_type="* OR *")),
    "a span of an odd docType": requests.span(replace(LOG, doc_type=ODD_TYPE), None, None),
    "by id": requests.identified(LOG, ["block-1", "undated-1", "nobody"]),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_solr_and_the_demo_answer_alike(
    name: str, gateway: Gateway, documents: list[dict[str, Any]]
) -> None:
    payload = REQUESTS[name]
    with Client(Endpoint(gateway.url)) as client:
        real = client.ask(payload, "GET")
    status, reply = miniature.answer(documents, json.loads(json.dumps(payload))["json"])
    assert status == 200
    mini = reply["response"]
    assert real.found == mini["numFound"]
    times = [d.get("timestamp") for d in real.documents]
    if payload["json"].get("sort"):
        assert times == [d.get("timestamp") for d in mini["docs"]]
    if len(real.documents) == real.found:  # else ties may be cut differently
        assert _by_id(real.documents) == _by_id(mini["docs"])


def _by_id(documents: list[Any]) -> dict[str, Any]:
    return {d["document-id"]: d for d in documents}


@pytest.mark.parametrize("method", ["GET", "POST", "GET-QUERY"])
def test_every_method_asks_real_solr_the_same(method: str, gateway: Gateway) -> None:
    with Client(Endpoint(gateway.url)) as client:
        reply = client.ask(requests.named(LOG, NAMES), method)
    found = {d["shopifyOrderName"] for d in reply.documents}
    assert found == set(NAMES[:3])


def test_hostile_names_are_only_names(gateway: Gateway) -> None:
    hostile = ["*:*", "#block*", "{!lucene}*:*", "${x}", "_query_:*", "' OR 1=1", "#block1~2"]
    with Client(Endpoint(gateway.url)) as client:
        assert client.ask(requests.named(LOG, hostile), "POST").found == 0


REFUSED = {
    "an unknown key": {"params": {"q": "docType:SHOPIFY_ORDER"}, "sorting": "x"},
    "a bad sort": {"params": {"q": "docType:SHOPIFY_ORDER"}, "sort": "timestamp sideways"},
    "an unknown sort field": {"params": {"q": "docType:SHOPIFY_ORDER"}, "sort": "when asc"},
    "a bad date": {"params": {"q": "docType:SHOPIFY_ORDER"}, "filter": ["timestamp:[x TO *]"]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_solr_refuses_the_demo_refuses_in_the_same_shape(name: str, gateway: Gateway) -> None:
    payload = {"json": REFUSED[name], "coreName": "logInsights"}
    with Client(Endpoint(gateway.url)) as client, pytest.raises(exceptions.RequestRefused):
        client.ask(payload, "POST")
    status, reply = miniature.answer([], REFUSED[name])
    assert status == reply["responseHeader"]["status"] == reply["error"]["code"] == 400


# --------------------------------------------------------------------------- the order index


@pytest.fixture(scope="module")
def orders() -> list[dict[str, Any]]:
    history = History(NOW, orders=700)
    return [
        *history.order_index.documents(NOW + timedelta(days=4)),
        *oms_order('#a "b" \\ (c) {!func} ${x} ü😘', NOW, order_id="M1", items=3),
        *oms_order("#draft", NOW, order_id="M2", orderTypeId="PURCHASE_ORDER"),
    ]


@pytest.fixture(scope="module")
def index(solr: Solr, orders: list[dict[str, Any]]) -> Iterator[Gateway]:
    solr.make("parity-orders", "orders")
    solr.index("parity-orders", orders)
    yield Gateway(solr, {"enterpriseSearch": "parity-orders"})
    solr.drop("parity-orders")


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("phrases", [True, False])
def test_solr_and_the_demo_say_alike_which_orders_arrived(
    grouped: bool, phrases: bool, index: Gateway, orders: list[dict[str, Any]]
) -> None:
    names = sorted({doc["orderName"] for doc in orders})[:80]
    names += ['#a "b" \\ (c) {!func} ${x} ü😘', "#draft", "#nobody"]
    payload = requests.oms_orders("", FIELDS, names, phrases=phrases, grouped=grouped)
    with Client(Endpoint(index.url)) as client:
        real = client.ask(payload, "POST")
    status, reply = miniature.answer(
        orders, json.loads(json.dumps(payload))["json"], miniature.ORDERS
    )
    assert status == 200
    mini, found = read_reply(200, httpx.Headers(), json.dumps(reply).encode())
    zone = ZoneInfo("UTC")
    assert real.found == found
    assert _by_order(read_oms_orders(real.documents, zone)) == _by_order(
        read_oms_orders(mini, zone)
    )


def _by_order(found: list[OmsOrder]) -> dict[str, OmsOrder]:
    return {order.order_id: order for order in found}


def test_what_the_order_index_refuses_the_demo_refuses(index: Gateway) -> None:
    query = {"params": {"q": "*:*"}, "filter": [{"terms": {"f": "nothing", "query": "a"}}]}
    with Client(Endpoint(index.url)) as client, pytest.raises(exceptions.RequestRefused):
        client.ask({"json": query}, "POST")
    assert miniature.answer([], query, miniature.ORDERS)[0] == 400
