"""A believable log: which orders failed, when, why and how often. Deterministic from its seed.

``History`` holds what was logged in the 60 days before it starts and goes on while time does:
the same seed, start and clock always give the same documents.
"""

import csv
import heapq
import math
import random
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.demo.order_index import OrderIndex

KEEPS = timedelta(days=60)
#: Solr removes what expired at intervals, so a document outlives its date a little.
REMOVAL_SECONDS = 30
ERRORS = Path(__file__).resolve().parent.parent / "errors.tsv"
#: Beginnings of the most frequent errors, the first most often; the others come as they are.
FREQUENT = (
    "Product not found for SKU",
    "Service [createShopifyOrder] target threw",
    "Could not complete the createOrderContactMech",
    "Connection timeout",
    "Transaction is empty",
    "E-mail address not formatted",
    "Incorrect string value",
    "Exceeded 2 calls per second",
    "The following required parameter is missing: [createOrderItem",
    "Deadlock found",
    "Error while inserting",
)
#: Mean pause between two failures that arrive while one watches, in seconds: at first, so that
#: something happens, and later, when a day is to have about as many as a day of the history.
LIVE_PAUSE, LATER_PAUSE, LATER = 25.0, 1200.0, timedelta(hours=2)
BURST_DAYS_AGO, BURST_ORDERS = 6, 140
BURST_MESSAGE = "Shopify GraphQL request failed for orders search; status: 502"
SKUS = tuple(
    f"{kind}-{number}-{colour}"
    for number in (2119, 4417, 3108, 1031, 7702)
    for kind in ("TEE", "MUG", "CAP", "SCF")
    for colour in ("RED", "BLU")
)
EMOJI = (r"\xF0\x9F\x98\x98", r"\xF0\x9F\x8E\x81", r"\xF0\x9F\x99\x8F", r"\xF0\x9F\x92\x9B")


@dataclass(frozen=True)
class Store:
    """A Shopify store: how its orders are named, when people buy, how many fail."""

    host: str
    shop_id: int
    prefix: str
    first_number: int
    share: float
    peak_hour: int
    remote: str
    product_store: str


STORES = (
    Store("north-trail.myshopify.com", 83950764316, "#", 18400, 0.46, 19, "SHOP_10010", "STORE_US"),
    Store("www.atelier-lune.com", 61520084, "LUNE#", 2400, 0.24, 14, "SHOP_10020", "STORE_EU"),
    Store("harbor-hill.myshopify.com", 70411230, "#HH", 86900, 0.19, 17, "SHOP_10030", "STORE_UK"),
    Store("juniper-salt.myshopify.com", 55180917, "#", 7100, 0.11, 10, "SHOP_10040", "STORE_CA"),
)


@dataclass
class Entry:
    """One version of a document: shown from ``logged`` until a newer one or its removal."""

    logged: datetime
    document: dict[str, Any]

    @property
    def document_id(self) -> str:
        """Id, shared by the versions of one document."""
        return str(self.document["document-id"])


@dataclass
class _Order:
    store: Store
    name: str
    created: datetime
    first: datetime
    site: str
    message: str
    category: str
    ids: list[str] = field(default_factory=list)


@cache
def messages() -> tuple[tuple[str, float], ...]:
    """Error texts with their weights: few are frequent, many are rare."""
    with ERRORS.open(newline="", encoding="utf-8") as file:
        texts = [row["message"] for row in csv.DictReader(file, delimiter="\t", quoting=3)]
    random.Random("weights").shuffle(texts)
    first = {start: rank for rank, start in enumerate(FREQUENT)}
    texts.sort(key=lambda text: next((r for s, r in first.items() if text.startswith(s)), 99))
    return tuple((text, 1 / (rank + 2) ** 1.1) for rank, text in enumerate(texts))


@cache
def categories() -> dict[str, str]:
    """Return the category of each error text."""
    with ERRORS.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=3)
        return {row["message"]: row["category"] for row in rows}


class History:
    """The log of one HotWax instance from 60 days before ``start``, for as long as it runs."""

    def __init__(self, start: datetime, seed: int = 1, orders: int = 3000) -> None:
        #: What of these orders is in the OMS.
        self.order_index = OrderIndex(seed, tuple(store.product_store for store in STORES))
        self.start = start.astimezone(UTC).replace(microsecond=0)
        self._random = random.Random(f"{seed} history")
        self._numbers = {store: store.first_number for store in STORES}
        self._recent: list[_Order] = []
        self._orders: dict[str, _Order] = {}
        self._lock = threading.Lock()
        entries = list(self._past(orders))
        entries.sort(key=lambda entry: (entry.logged, entry.document_id))
        self._entries = [entry for entry in entries if entry.logged <= self.start]
        later = [entry for entry in entries if entry.logged > self.start]
        self._ahead = [(e.logged, e.document_id, n, e) for n, e in enumerate(later)]
        heapq.heapify(self._ahead)
        self._live_random = random.Random(f"{seed} live")
        self._live_at = self.start
        self._live_number = len(later)
        self._shown: tuple[tuple[int, int], list[dict[str, Any]]] | None = None

    def documents(self, now: datetime) -> list[dict[str, Any]]:
        """List what the log holds at a moment, in the order in which it was indexed."""
        with self._lock:
            return self._documents(now)

    def import_now(self, name: str, now: datetime, *, fixed: bool) -> str:
        """Import an order on the import screen; a key of import_screen.WORDS says what became."""
        became = self.order_index.import_now(name, now, fixed=fixed)
        if became == "failed":
            with self._lock:
                order = self._orders[name]
                entry = self._entry(order, now, random.Random(f"{name} {now}"), same=False)
                self._live_number += 1
                heapq.heappush(self._ahead, (now, entry.document_id, self._live_number, entry))
        return became

    def _documents(self, now: datetime) -> list[dict[str, Any]]:
        self._go_on_until(now)
        tick = int(now.timestamp()) // REMOVAL_SECONDS
        stamp = (len(self._entries), tick)
        if self._shown is None or self._shown[0] != stamp:
            removed = datetime.fromtimestamp(tick * REMOVAL_SECONDS, UTC)
            latest = {e.document_id: e for e in self._entries if e.logged + KEEPS > removed}
            self._shown = (stamp, [e.document for e in latest.values()])
        return self._shown[1]

    # -------------------------------------------------------------------------- the past

    def _past(self, orders: int) -> Iterator[Entry]:
        moments = sorted(self._moments(orders), key=lambda moment: moment[1])
        for store, created in moments:
            order = self._order(store, created, self._random)
            yield from self._attempts(order, self._random)
        yield from self._burst()
        yield from self._nameless()

    def _moments(self, orders: int) -> Iterator[tuple[Store, datetime]]:
        rng, first = self._random, self.start - KEEPS
        days = [first + timedelta(days=n) for n in range(60)]
        # Weekends are quiet, and business grows a little.
        weights = [(0.55 if d.weekday() >= 5 else 1.0) * (1 + n / 150) for n, d in enumerate(days)]
        ordered = rng.choices(days, weights, k=max(0, orders - BURST_ORDERS))
        for day in ordered:
            store = rng.choices(STORES, [s.share for s in STORES])[0]
            hour = rng.gauss(store.peak_hour, 4.5) % 24
            begin = day.replace(hour=0, minute=0, second=0)
            created = begin + timedelta(hours=hour, milliseconds=rng.randrange(1000))
            if first <= created < self.start - timedelta(minutes=20):
                yield store, created
            else:
                away = rng.uniform(0.3, 47.0)
                yield store, self.start - timedelta(hours=away)

    def _order(self, store: Store, created: datetime, rng: random.Random, text: str = "") -> _Order:
        self._numbers[store] += rng.randint(1, 3)
        created = created.replace(microsecond=created.microsecond // 1000 * 1000)
        # The import job runs every 15 minutes; some orders are found by the next run only.
        wait = timedelta(minutes=rng.uniform(1, 16) + 15 * (rng.random() < 0.2))
        token, key = rng.getrandbits(128), rng.getrandbits(128)
        site = (
            f"https://{store.host}/{store.shop_id}/orders/{token:032x}/authenticate?key={key:032x}"
        )
        choices = messages()
        text = text or rng.choices([m for m, _ in choices], [w for _, w in choices])[0]
        name = f"{store.prefix}{self._numbers[store]}"
        message = _vary(text, store, created, rng)
        category = categories().get(text, "connection")
        order = _Order(store, name, created, created + wait, site, message, category)
        self._recent = [*self._recent[-40:], order]
        self._orders[name] = order
        return order

    def _attempts(self, order: _Order, rng: random.Random) -> Iterator[Entry]:
        logged = order.first + timedelta(milliseconds=rng.randint(900, 9000))
        indexed_anew = rng.random() < 0.35
        for number in range(_how_often(rng)):
            if number and rng.random() < 0.12:  # a retry may fail for another reason
                text = rng.choice([m for m, _ in messages()])
                order.message = _vary(text, order.store, order.created, rng)
                order.category = categories()[text]
            yield self._entry(order, logged, rng, same=indexed_anew)
            logged += timedelta(minutes=15) * (2 ** min(number, 7)) * rng.uniform(0.95, 1.05)

    def _entry(self, order: _Order, logged: datetime, rng: random.Random, *, same: bool) -> Entry:
        if not (same and order.ids):
            order.ids.append(str(uuid.UUID(int=rng.getrandbits(128), version=4)))
        logged = logged.replace(microsecond=logged.microsecond // 1000 * 1000)
        first = order.first
        document = {
            "site": order.site,
            "shopifyOrderName": order.name,
            "orderCreatedDate": str(round(order.created.timestamp() * 1000)),
            "firstAttemptedImport": f"{first:%B} {first.day}, {first:%Y} {first.hour % 12 or 12}"
            f":{first:%M:%S} {'AM' if first.hour < 12 else 'PM'}",
            "docType": "SHOPIFY_ORDER",
            "ttl": "+60DAYS",
            "errorMessage": order.message,
            "timestamp": _solr(logged),
            "expire_at": _solr(logged + KEEPS),
            "document-id": order.ids[-1],
            "version": 1_849_000_000_000_000_000 + math.floor(logged.timestamp() * 1000),
        }
        if not order.name:
            del document["shopifyOrderName"]
        store = order.store.product_store
        self.order_index.failed(order.name, store, order.created, order.category, logged)
        return Entry(logged, document)

    def _burst(self) -> Iterator[Entry]:
        """Shopify was away for two hours: one error for everybody."""
        rng = self._random
        begin = (self.start - timedelta(days=BURST_DAYS_AGO)).replace(hour=15, minute=5)
        for _ in range(BURST_ORDERS):
            store = rng.choices(STORES, [s.share for s in STORES])[0]
            created = begin + timedelta(minutes=rng.uniform(0, 110))
            order = self._order(store, created, rng, BURST_MESSAGE)
            yield self._entry(order, order.first + timedelta(seconds=4), rng, same=False)

    def _nameless(self) -> Iterator[Entry]:
        rng = self._random
        for _ in range(3):
            created = self.start - timedelta(days=rng.uniform(2, 50))
            order = self._order(rng.choice(STORES), created, rng)
            order.name = ""
            yield self._entry(order, order.first + timedelta(seconds=3), rng, same=False)

    # ------------------------------------------------------------------------ what goes on

    def _go_on_until(self, now: datetime) -> None:
        rng = self._live_random
        while self._live_at <= now:
            pause = LIVE_PAUSE if self._live_at - self.start < LATER else LATER_PAUSE
            self._live_at += timedelta(seconds=rng.expovariate(1 / pause))
            order = rng.choice(self._recent) if rng.random() < 0.25 and self._recent else None
            # What people import by hand must not change what happens to other orders.
            if order is not None and not self.order_index.arrives_alone(order.name, self._live_at):
                entry = self._entry(order, self._live_at, rng, same=rng.random() < 0.5)
            else:
                store = rng.choices(STORES, [s.share for s in STORES])[0]
                created = self._live_at - timedelta(minutes=rng.uniform(3, 30))
                order = self._order(store, created, rng)
                order.first = self._live_at - timedelta(seconds=rng.uniform(1, 6))
                entry = self._entry(order, self._live_at, rng, same=False)
            if self.order_index.has(order.name, self._live_at):
                continue
            self._live_number += 1
            heapq.heappush(self._ahead, (entry.logged, entry.document_id, self._live_number, entry))
        while self._ahead and self._ahead[0][0] <= now:
            self._entries.append(heapq.heappop(self._ahead)[3])


def _how_often(rng: random.Random) -> int:
    chance = rng.random()
    if chance < 0.66:
        return 1
    return rng.randint(2, 3) if chance < 0.9 else rng.randint(4, 11)


def _solr(moment: datetime) -> str:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}"
    # Solr leaves milliseconds out where they are nought.
    fraction = moment.microsecond // 1000
    return f"{text}.{fraction:03d}Z" if fraction else f"{text}Z"


def _vary(text: str, store: Store, created: datetime, rng: random.Random) -> str:
    """Put in the ids of this order, where the text carries those of another."""
    text = text.replace("SHOP_10010", store.remote).replace("STORE_EU", store.product_store)
    text = text.replace(r"\xF0\x9F\x98\x98", rng.choice(EMOJI))
    # Few products are missing in the OMS, and of these few are in most orders.
    text = re.sub(
        r"\b[A-Z]{3}-\d{4}-[A-Z]{3}\b", lambda _: SKUS[int(len(SKUS) * rng.random() ** 3)], text
    )
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", f"{created:%Y-%m-%d %H:%M:%S}.119", text)
    number = str(rng.randint(10_000, 99_999))
    text = re.sub(r"(?<![\d-])10231(?!\d)", number, text)
    return text.replace("5432109876", str(rng.randint(5 * 10**9, 6 * 10**9)))
