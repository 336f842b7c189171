"""The OMS order index of the miniature: which failed orders arrive after all, and when.

By category: most connection errors within the hour, what must be fixed first after days, some
never, some twice. The index also holds orders that never failed, exchange orders, cancelled ones,
and names that two stores use. Deterministic from the seed.
"""

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Category -> share of its orders that arrive by themselves, earliest and latest after the last
#: failure.
ARRIVE = {
    "connection": (0.93, 4 * MINUTE, 55 * MINUTE),
    "rate_limit": (0.97, 4 * MINUTE, 35 * MINUTE),
    "database": (0.9, 5 * MINUTE, 2 * HOUR),
    "downstream": (0.85, 10 * MINUTE, 6 * HOUR),
    "payment": (0.75, HOUR, 20 * HOUR),
    "mapping": (0.8, 3 * HOUR, 90 * HOUR),
    "configuration": (0.85, 2 * HOUR, 60 * HOUR),
    "authentication": (0.95, HOUR, 12 * HOUR),
    "data": (0.7, 2 * HOUR, 120 * HOUR),
    "source": (0.2, 5 * HOUR, 90 * HOUR),
    "duplicate": (0.9, 2 * MINUTE, 20 * MINUTE),
    "unexpected": (0.55, 3 * HOUR, 150 * HOUR),
}
#: Categories whose orders the import screen takes without anybody having fixed anything.
PASS = ("connection", "rate_limit", "database", "downstream", "payment", "duplicate")
TWICE, CANCELLED, EXCHANGED, USED_ELSEWHERE = 0.02, 0.03, 0.03, 0.03
FIRST_ID = 10231
STATUSES = ("Created", "Approved", "Approved", "Completed", "Completed", "Completed")

Document = dict[str, Any]


@dataclass
class Failed:
    """A failed order as the index needs it."""

    number: int
    name: str
    product_store: str
    created: datetime
    category: str
    #: When it failed last.
    last: datetime


class OrderIndex:
    """Holds the orders of a history. ``other_stores`` are product stores that may share a name."""

    def __init__(self, seed: int, other_stores: tuple[str, ...]) -> None:
        self._seed, self._stores = seed, other_stores
        self._failed: dict[str, Failed] = {}
        #: Orders that somebody imported on the import screen, and when.
        self._imported: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def failed(self, name: str, store: str, created: datetime, category: str, at: datetime) -> None:
        """Take note that an order failed."""
        if not name:
            return
        with self._lock:
            known = self._failed.get(name)
            number = known.number if known else len(self._failed)
            last = max(at, known.last) if known else at
            self._failed[name] = Failed(number, name, store, created, category, last)

    def has(self, name: str, now: datetime) -> bool:
        """Return True if an order that failed has arrived by then."""
        with self._lock:
            order = self._failed.get(name)
        return order is not None and (at := self._arrives(order)) is not None and at <= now

    def arrives_alone(self, name: str, now: datetime) -> bool:
        """Return True if an order has arrived by then, whatever anybody imported."""
        with self._lock:
            order = self._failed.get(name)
        return order is not None and (at := self._by_itself(order)) is not None and at <= now

    def import_now(self, name: str, now: datetime, *, fixed: bool) -> str:
        """Import an order that failed, as the import screen does; return what became of it.

        ``imported``, ``there`` (before), ``failed`` (its cause must be fixed first) or
        ``unknown``.
        """
        if self.has(name, now):
            return "there"
        with self._lock:
            order = self._failed.get(name)
            if order is None:
                return "unknown"
            if not fixed and order.category not in PASS:
                return "failed"
            self._imported[name] = now
        return "imported"

    def documents(self, now: datetime) -> list[Document]:
        """List what the index holds at a moment: a document per order item."""
        with self._lock:
            orders = list(self._failed.values())
        return [document for order in orders for document in self._of(order, now)]

    def _arrives(self, order: Failed) -> datetime | None:
        return self._imported.get(order.name) or self._by_itself(order)

    def _by_itself(self, order: Failed) -> datetime | None:
        rng = random.Random(f"{self._seed} {order.name} arrival")
        share, earliest, latest = ARRIVE[order.category]
        if rng.random() >= share:
            return None
        return order.last + earliest + (latest - earliest) * rng.random() ** 2

    def _of(self, order: Failed, now: datetime) -> Iterator[Document]:
        rng = random.Random(f"{self._seed} {order.name} orders")
        number = FIRST_ID + 4 * order.number
        status, items = rng.choice(STATUSES), rng.choice((1, 1, 1, 2, 2, 3))
        cancelled = rng.random() < CANCELLED
        twice, exchanged = rng.random() < TWICE, rng.random() < EXCHANGED
        elsewhere, shopify_id = rng.random() < USED_ELSEWHERE, rng.randrange(6 * 10**12, 7 * 10**12)
        arrives = self._arrives(order)
        if arrives is not None and arrives <= now:
            status = "Cancelled" if cancelled else status
            arrived = _Oms(number, order.name, order.product_store, order.created, shopify_id)
            yield from arrived.documents(status, items)
            if twice:
                yield from replace(arrived, number=number + 1).documents("Created", items)
            if exchanged:
                # Named after the order, but another one.
                when, name = order.created + timedelta(days=2), f"EXC-{order.name}-1"
                exchange = _Oms(number + 2, name, order.product_store, when)
                yield from exchange.documents("Created", 1)
        if elsewhere:
            # A name that another store used, on another day.
            others = [store for store in self._stores if store != order.product_store]
            when = order.created - timedelta(days=rng.randint(1, 40), minutes=rng.randint(11, 900))
            other = _Oms(number + 3, order.name, rng.choice(others), when)
            yield from other.documents("Completed", 1)


@dataclass(frozen=True)
class _Oms:
    """An order in the OMS; its number in Shopify is 0 where it has none."""

    number: int
    name: str
    product_store: str
    when: datetime
    shopify_id: int = 0

    def documents(self, status: str, items: int) -> Iterator[Document]:
        """Yield a document per item."""
        identifications = [f"SHOPIFY_ORD_NAME/{self.name}"]
        if self.shopify_id:
            identifications.insert(0, f"SHOPIFY_ORD_ID/{self.shopify_id}")
        for item in range(1, items + 1):
            yield {
                "id": f"M{self.number}_{item:05d}",
                "docType": "ORDER",
                "orderTypeId": "SALES_ORDER",
                "orderId": f"M{self.number}",
                "orderName": self.name,
                "orderItemSeqId": f"{item:05d}",
                "orderStatusDesc": status,
                "orderDate": f"{self.when:%Y-%m-%dT%H:%M:%SZ}",
                "productStoreId": self.product_store,
                "orderIdentifications": identifications,
            }
