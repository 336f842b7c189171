"""Generates documents, and counts from them what pages and API say. Imports nothing of ours."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Raw = dict[str, Any]
#: Beginning of a text -> its whole, what it is called, its category.
KINDS = {
    "Product not found for SKU": ("Product not found for SKU MUG-{n}-BLU", "mapping"),
    "Odd thing": ("Odd thing {n} in batch {n}", "unexpected"),
    "Transaction is empty": ("Transaction is empty", "payment"),
    "Deadlock found": (
        "Deadlock found when trying to get lock; try restarting transaction",
        "database",
    ),
    "Incorrect string value": (
        r"Incorrect string value: '\xF0\x9F\x98\x{h:02X}' for column 'note' at row {n}",
        "data",
    ),
    "Shopify GraphQL": (
        "Shopify GraphQL request failed for orders search; status: 502",
        "connection",
    ),
}
HOSTS = [("a.myshopify.com", "11"), ("b.myshopify.com", "22"), ("www.c.example", "33")]
KEEPS = timedelta(days=60)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def generate(now: datetime, seed: int, numbers: range, *, steady: bool = False) -> list[Raw]:
    """Orders of the 75 days before: some tried again, under another error, or indexed anew.

    Unless ``steady``, one kind begins late and one pauses: they are new, and back.
    """
    rng = random.Random(seed)
    raws: list[Raw] = []
    for i in numbers:
        store = HOSTS[min(int(rng.expovariate(1.2)), 2)]
        created = now - timedelta(seconds=rng.randrange(3600, 75 * 86400), milliseconds=1 + i % 999)
        first = (created + timedelta(seconds=rng.randrange(1, 9000))).replace(microsecond=0)
        first = min(first, now.replace(microsecond=0))
        logged = first
        identity = f"doc-{i}"
        for attempt in range(rng.choice((1, 1, 1, 2, 3))):
            raws.append(
                _document(
                    rng,
                    i,
                    store,
                    identity,
                    created,
                    first,
                    logged,
                    (now - logged) / timedelta(days=1),
                    steady,
                )
            )
            logged += timedelta(minutes=rng.randrange(20, 4000), milliseconds=7)
            if logged > now:
                break
            # The same document indexed anew with another timestamp, or a document of its own.
            identity = identity if rng.random() < 0.4 else f"doc-{i}-{attempt}"
    return raws


def _document(
    rng: random.Random,
    i: int,
    store: tuple[str, str],
    identity: str,
    created: datetime,
    first: datetime,
    logged: datetime,
    age: float,
    steady: bool,
) -> Raw:
    host, shop = store
    kinds = list(KINDS)
    kind = kinds[min(int(rng.expovariate(0.6)), len(kinds) - 1)]
    late = kind == "Odd thing" and (steady or age > 5)
    if late or (kind == "Shopify GraphQL" and (steady or 6 < age < 16)):
        kind = kinds[0]
    text = KINDS[kind][0].format(n=rng.randrange(1000, 9999), h=rng.randrange(128, 255))
    return {
        "site": f"https://{host}/{shop}/orders/{i:032x}/authenticate?key=s3cret",
        "shopifyOrderName": f"#{5000 + i}" if i % 17 else "",
        "orderCreatedDate": str(int(created.timestamp() * 1000)),
        "firstAttemptedImport": f"{first:%B} {first.day}, {first:%Y %I:%M:%S %p}",
        "docType": "SHOPIFY_ORDER",
        "errorMessage": text,
        "timestamp": _solr(logged),
        "expire_at": _solr(logged + KEEPS),
        "document-id": identity,
    }


def _solr(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@dataclass
class Order:
    """An order, from its documents alone."""

    shop: str
    kind: str
    attempts: int
    created: datetime
    first: datetime
    failed: datetime
    expires: datetime

    @property
    def category(self) -> str:
        return KINDS[self.kind][1]


@dataclass
class Attempt:
    shop: str
    kind: str
    logged: datetime

    @property
    def category(self) -> str:
        return KINDS[self.kind][1]


def kind_of(text: str) -> str:
    return next(kind for kind in KINDS if text.startswith(kind))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def attempts_of(raws: Iterable[Raw]) -> list[Attempt]:
    distinct = {(raw["document-id"], raw["timestamp"]): raw for raw in raws}
    return [
        Attempt(_host(raw), kind_of(raw["errorMessage"]), _moment(raw["timestamp"]))
        for raw in distinct.values()
    ]


def _host(raw: Raw) -> str:
    return str(raw["site"].split("/")[2])


def orders_of(raws: Iterable[Raw]) -> list[Order]:
    groups: dict[tuple[str, str], list[Raw]] = defaultdict(list)
    for raw in {(r["document-id"], r["timestamp"]): r for r in raws}.values():
        key = raw["shopifyOrderName"] or f"document {raw['document-id']}"
        groups[_host(raw), key].append(raw)
    found = []
    for (host, _), mine in groups.items():
        latest = max(mine, key=lambda raw: (raw["timestamp"], raw["document-id"]))
        written = f"{latest['firstAttemptedImport']} +0000"
        first = datetime.strptime(written, "%B %d, %Y %I:%M:%S %p %z")
        found.append(
            Order(
                shop=host,
                kind=kind_of(latest["errorMessage"]),
                attempts=len(mine),
                created=datetime.fromtimestamp(int(latest["orderCreatedDate"]) / 1000, UTC),
                first=first,
                failed=_moment(latest["timestamp"]),
                expires=_moment(latest["expire_at"]),
            )
        )
    return found


# ------------------------------------------------------------------------------- periods


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass
class Period:
    """Days, both included, of a zone."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of(cls, query: dict[str, str], now: datetime, zone: ZoneInfo) -> "Period":
        today = now.astimezone(zone).date()
        if "from" in query:
            return cls(date.fromisoformat(query["from"]), date.fromisoformat(query["to"]), zone)
        days = int(query["period"].removesuffix("d"))
        return cls(today - timedelta(days=days - 1), today, zone)

    @property
    def before(self) -> "Period":
        length = timedelta(days=(self.last - self.first).days + 1)
        return Period(self.first - length, self.last - length, self.zone)

    def holds(self, moment: datetime) -> bool:
        return self.first <= moment.astimezone(self.zone).date() <= self.last

    def day(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).date().isoformat()


def percentile(values: list[int], per_cent: int) -> int | None:
    """Nearest rank."""
    ordered = sorted(values)
    rank = -(-len(ordered) * per_cent // 100)
    return ordered[rank - 1] if ordered else None


def minutes(order: Order) -> int:
    return (order.first - order.created) // timedelta(minutes=1)


def per_day(things: Iterable[Any], period: Period, which: str, by: str) -> dict[str, Counter[str]]:
    days: dict[str, Counter[str]] = {
        day.isoformat(): Counter() for day in days_between(period.first, period.last)
    }
    for thing in things:
        days[period.day(getattr(thing, which))][getattr(thing, by)] += 1
    return days


def heat(things: Iterable[Any], period: Period, which: str) -> list[list[int]]:
    grid = [[0] * 24 for _ in WEEK]
    for thing in things:
        local = getattr(thing, which).astimezone(period.zone)
        grid[local.weekday()][local.hour] += 1
    return grid


def label_of(kind: str, attempts: Iterable[Attempt], period: Period) -> str:
    """New: first seen in the period. Back: seen before, not in the week before, and in it."""
    mine = sorted(a.logged for a in attempts if a.kind == kind)
    start = midnight(period.first, period.zone)
    if mine[0] >= start:
        return "New" if period.holds(mine[0]) else ""
    before = [moment for moment in mine if moment < start]
    quiet = before[-1] < start - timedelta(days=7)
    return "Back" if quiet and any(period.holds(moment) for moment in mine) else ""


def change_of(now: list[Order], before: list[Order], ever: list[Order], at: datetime) -> str:
    """Worse: ten more and twice as many. Quiet: three days and seven usual pauses without one.

    All are open orders of one error: of a period, of the one before, and of all time.
    """
    if len(now) - len(before) >= 10 and len(now) >= 2 * len(before):
        return "Worse"
    firsts = sorted(o.first for o in ever if at - timedelta(days=60) <= o.first <= at)
    if len(firsts) < 2 or at - firsts[-1] < timedelta(days=3):
        return ""
    pauses = sorted(later - earlier for earlier, later in pairwise(firsts))
    middle = (pauses[(len(pauses) - 1) // 2] + pauses[len(pauses) // 2]) / 2
    return "Quiet" if at - firsts[-1] >= 7 * middle else ""


def ages(orders: Iterable[Order], today: date, zone: ZoneInfo) -> list[int]:
    """Open orders by calendar days since the first attempt."""
    bounds = [(0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 30), (31, 60), (61, 10**6)]
    days = [(today - order.first.astimezone(zone).date()).days for order in orders]
    return [sum(low <= n <= high for n in days) for low, high in bounds]


def digits(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text) or 0)
