"""The demo's OMS: orders arrive as they would, and the import screen imports what can be."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.demo.data import History
from reconciler.demo.order_index import ARRIVE, OrderIndex
from reconciler.demo.server import Demo
from tests.clock import NOW
from tests.conftest import Serving

SCREEN = "/commerce/control/ShopifyImportData?configId=CRT_SHOPIFY_ORDER"


def index_of(category: str, number: int) -> OrderIndex:
    index = OrderIndex(1, ("A", "B"))
    for n in range(number):
        index.failed(f"#{n}", "A", NOW - timedelta(minutes=10), category, NOW)
    return index


@pytest.mark.parametrize("category", ARRIVE)
def test_orders_arrive_by_their_category(category: str) -> None:
    index, (share, earliest, latest) = index_of(category, 400), ARRIVE[category]

    def arrived(after: timedelta) -> int:
        return sum(index.has(f"#{n}", NOW + after) for n in range(400))

    assert arrived(earliest - timedelta(seconds=1)) == 0
    assert share - 0.1 < arrived(latest) / 400 < share + 0.1
    assert arrived(timedelta(days=900)) == arrived(latest)


def test_some_come_twice_some_are_cancelled_and_names_are_used_elsewhere() -> None:
    documents = index_of("connection", 2000).documents(NOW + timedelta(days=9))
    orders = {doc["orderId"]: doc for doc in documents}
    twice = Counter((doc["orderName"], doc["orderDate"]) for doc in orders.values())
    assert 20 < sum(number == 2 for number in twice.values()) < 70
    assert 30 < sum(doc["orderStatusDesc"] == "Cancelled" for doc in orders.values()) < 100
    assert 30 < sum(doc["orderName"].startswith("EXC-") for doc in orders.values()) < 100
    assert 30 < sum(doc["productStoreId"] == "B" for doc in orders.values()) < 100
    assert len(documents) > len(orders) * 1.2  # a document per item


def test_nothing_fails_after_it_arrived() -> None:
    history = History(NOW, orders=600)
    history.documents(NOW + timedelta(hours=6))
    shown = history.documents(NOW + timedelta(hours=6))
    index = history.order_index
    for doc in shown:
        name = doc.get("shopifyOrderName", "")
        failed = doc["timestamp"][:19]
        for minutes in range(0, 360, 30):
            moment = NOW + timedelta(minutes=minutes)
            if f"{moment:%Y-%m-%dT%H:%M:%S}" < failed:
                assert not index.has(name, moment)


@pytest.fixture
def screen() -> Iterator[tuple[Demo, httpx.Client]]:
    demo = Demo(History(NOW, orders=300), clock=lambda: NOW)
    with Serving(demo), httpx.Client(base_url=demo.url, trust_env=False) as client:
        yield demo, client


def names_of(demo: Demo, *categories: str) -> list[str]:
    index = demo.history.order_index
    return [
        name
        for name, order in index._failed.items()
        if order.category in categories and not index.has(name, NOW)
    ]


def test_the_screen_imports_what_can_be_imported(screen: Any) -> None:
    demo, client = screen
    assert "Import Shopify orders" in client.get(SCREEN).text
    easy = names_of(demo, "connection", "database", "downstream", "payment", "duplicate")[0]
    hard = names_of(demo, "mapping", "data", "configuration", "unexpected")[0]
    before = len(demo.history.documents(NOW))
    text = client.post(SCREEN, data={"names": f"{easy}\n{hard}\n<b>x</b>\n"}).text
    assert f"<b>{easy}</b> imported" in text
    assert f"<b>{hard}</b> failed again" in text
    assert "<b>&lt;b&gt;x&lt;/b&gt;</b> is no order that failed" in text
    assert demo.history.order_index.has(easy, NOW)
    assert len(demo.history.documents(NOW)) == before + 1
    text = client.post(SCREEN, data={"names": f"{hard}\n{easy}", "fixed": "1"}).text
    assert f"<b>{hard}</b> imported" in text
    assert f"<b>{easy}</b> is in the OMS already" in text
