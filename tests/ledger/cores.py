"""A log and an OMS order index that may change, and what tests ask of the ledger about them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from reconciler.hotwax.client import Client
from reconciler.ledger.models import Event, FailedOrder
from reconciler.ledger.sync import order_index
from reconciler.ledger.sync.order_index import OrderIndex, take_round
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document, oms_order, two_cores

Make = Callable[..., HotWax]
CREATED = NOW - timedelta(hours=3)
LOGGED = NOW - timedelta(hours=2)
CONTROL = oms_order("#control", NOW - timedelta(days=30), order_id="M1")
HALF = {
    "responseHeader": {"status": 0},
    "grouped": {"orderId": {"matches": 9, "groups": []}},
}


def failed(name: str, **others: Any) -> dict[str, Any]:
    return document(name, created=CREATED, logged=LOGGED, document_id=f"d{name}", **others)


class Cores:
    """A log and an order index, that may change."""

    def __init__(self, make: Make, *documents: Any) -> None:
        self.documents, self.orders = list(documents), list(CONTROL)
        self.refuse: httpx.Response | None = None
        inner = two_cores(self.documents, self.orders)

        def answer(body: dict[str, Any]) -> httpx.Response:
            if "coreName" not in body and self.refuse is not None:
                return self.refuse
            return inner(body)

        self.hotwax = make(answer=answer)
        self.hotwax.sync()

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Requests to the order index."""
        return [body["json"] for body in self.hotwax.requests if "coreName" not in body]

    def round(self, budget: Any = None) -> tuple[int, int]:
        with self.client() as client:
            return take_round(OrderIndex(client, self.hotwax.source, budget=budget))

    def client(self, *_: Any) -> Client:
        return self.hotwax.client()

    def tick(self) -> None:
        """What the watcher does in an interval."""
        with self.client() as client:
            order_index.watch(client, self.hotwax.source, lambda: True)


def order(name: str) -> FailedOrder:
    return FailedOrder.objects.get(order_name=name)


def told(name: str) -> list[tuple[str, str, str, str]]:
    events = Event.objects.filter(order__order_name=name).order_by("pk")
    return list(events.values_list("kind", "actor", "before", "after"))
