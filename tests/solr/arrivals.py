"""Failures of which a known set arrives in the OMS, and beside them the verdicts that are right.

Imports nothing of ours.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.clock import LAST_NOON
from tests.makers import document, oms_order

#: Host, shop id, product store.
SHOPS = (("north.myshopify.com", "1001", "NORTH"), ("south.myshopify.com", "1002", "SOUTH"))
STORES = ",".join(f"{host}={store}" for host, _, store in SHOPS)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class World:
    """Documents of both cores, and the right verdicts by document id: without and with stores."""

    log: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    by_date: dict[str, str] = field(default_factory=dict)
    by_store: dict[str, str] = field(default_factory=dict)

    def fail(self, name: str, shop: int, created: datetime, by_date: str, by_store: str) -> None:
        """Add a failure, and the verdicts that are right."""
        host, shop_id, _ = SHOPS[shop]
        key = f"d{len(self.log)}"
        logged = created + timedelta(hours=1)
        self.log.append(
            document(
                name,
                document_id=key,
                created=created,
                logged=logged,
                host=host,
                shop_id=shop_id,
            )
        )
        self.by_date[key], self.by_store[key] = by_date, by_store

    def arrive(self, name: str, when: datetime, shop: int = 0, **others: Any) -> None:
        """Add an order of the OMS, with one to three items."""
        number = len(self.orders)
        self.orders += oms_order(
            name,
            when,
            order_id=f"M{number}",
            store=SHOPS[shop][2],
            items=1 + number % 3,
            **others,
        )


def world(count: int, now: datetime = LAST_NOON) -> World:
    """Make ``count`` failures and a few more; every tenth has the same fate."""
    made = World()
    for n in range(count):
        name, created = f"#{n}", now - timedelta(minutes=30 + 7 * n)
        fate = n % 10
        verdicts = ("missing", "missing")
        if fate in (1, 2, 3):
            made.arrive(name, created + fate * MINUTE)
            verdicts = ("imported", "imported")
        elif fate == 4:
            made.arrive(name, created)
            made.arrive(name, created + MINUTE)
            verdicts = ("duplicate", "duplicate")
        elif fate == 5:
            made.arrive(name, created, status="Cancelled")
            verdicts = ("unconfirmed", "unconfirmed")
        elif fate == 6:
            made.arrive(f"EXC-{name}-1", created + DAY)
        elif fate == 7:
            made.arrive(name, created - 300 * DAY)  # the name was used before
        elif fate == 8:
            made.arrive(name, created + 2 * DAY)
            verdicts = ("unconfirmed", "imported")
        elif fate == 9:
            # Two shops use the name on one morning; the order of the first arrived.
            made.arrive(name, created + MINUTE)
            verdicts = ("unconfirmed", "imported")
            made.fail(name, 1, created + 2 * MINUTE, "unconfirmed", "unconfirmed")
        made.fail(name, 0, created, *verdicts)
    return made
