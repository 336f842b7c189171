"""Documents and, beside them, the truth about them. Imports nothing of ours."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.clock import LAST_NOON

HOSTS = {
    "north.myshopify.com": "1001",
    "south.myshopify.com": "1002",
    "east.myshopify.com": "1003",
    "west.myshopify.com": "1004",
}
ERRORS = [f"Error of kind {letter} happened" for letter in "abcdefghijklmnop"]


@dataclass
class Truth:
    """What is to be found in the ledger."""

    orders: int = 0
    per_shop: Counter[str] = field(default_factory=Counter)
    per_error: Counter[str] = field(default_factory=Counter)
    per_day: Counter[str] = field(default_factory=Counter)
    attempts: int = 0


def generate(
    count: int, now: datetime = LAST_NOON, seed: int = 7
) -> tuple[list[dict[str, Any]], Truth]:
    """Make ``count`` documents; orders are counted under their latest attempt."""
    rng = random.Random(seed)
    truth = Truth()
    latest: dict[tuple[str, str], tuple[datetime, str, str]] = {}
    documents = []
    for number in range(count):
        host = rng.choice(list(HOSTS))
        name = f"#{rng.randint(1, count * 3 // 4)}"
        away = timedelta(seconds=rng.randint(600, 58 * 86_400), milliseconds=rng.randint(0, 999))
        logged, error = now - away, rng.choice(ERRORS)
        created = logged - timedelta(minutes=rng.randint(5, 300))
        key = f"doc-{number:06d}"
        documents.append(
            {
                "site": f"https://{host}/{HOSTS[host]}/orders/{number:032x}/authenticate?key=k{number}",
                "shopifyOrderName": name,
                "orderCreatedDate": str(int(created.timestamp() * 1000)),
                "firstAttemptedImport": f"{created:%B} {created.day}, {created:%Y %I:%M:%S %p}",
                "docType": "SHOPIFY_ORDER",
                "ttl": "+60DAYS",
                "errorMessage": error,
                "timestamp": _date(logged),
                "expire_at": _date(logged + timedelta(days=60)),
                "document-id": key,
                "version": 17234167832143 + number,
            }
        )
        candidate = (logged, key, error)
        latest[host, name] = max(latest.get((host, name), candidate), candidate)
    truth.attempts = count
    truth.orders = len(latest)
    for (host, _), (logged, _, error) in latest.items():
        truth.per_shop[host] += 1
        truth.per_error[error] += 1
        truth.per_day[f"{logged:%Y-%m-%d}"] += 1
    return documents, truth


def _date(moment: datetime) -> str:
    # As Solr writes it: without milliseconds where they are nought.
    fraction = moment.microsecond // 1000
    return f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{fraction:03d}Z" if fraction else "Z")
