"""Fills a ledger through the product's own intake, with documents as HotWax's are.

41 kinds of errors by the weights of the demo, most texts different from each other in their
numbers, 12 shops, 400 days, documents of some 600 bytes; the latest orders are open, all others resolved, and what is
older than 60 days has left the log. A ledger once made is kept in var/bench.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from reconciler.demo.data import messages
from tests.bench.tools import ROOT
from tests.makers import document

FOLDER = ROOT / "var" / "bench"
SHOPS, DAYS, STILL_OPEN = 12, 400, 5_000
KEEPS = timedelta(days=60)
BATCH = 500


def path_of(orders: int) -> Path:
    """Where a ledger of so many orders is kept."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"ledger-{orders}.sqlite3"


def documents(orders: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Make the log documents of so many orders, the oldest first."""
    rng = random.Random(1)
    texts, weights = zip(*messages(), strict=True)
    numbers = {text: _numbers_of(text) for text in texts}
    shops = [1 / (n + 1) for n in range(SHOPS)]
    step = timedelta(days=DAYS) / orders
    for i in range(orders):
        last = now - step * (orders - i)
        shop = rng.choices(range(SHOPS), shops)[0]
        text = rng.choices(texts, weights)[0]
        for start, end in numbers[text]:
            text = text[:start] + _digits(rng, end - start) + text[end:]
        created = last - timedelta(seconds=rng.randrange(600, 90_000))
        for attempt in range(rng.choice((1, 1, 1, 2, 3))):
            yield document(
                f"#{1000 + i}",
                document_id=f"d{i}",
                created=created,
                logged=last - attempt * timedelta(hours=7),
                error=text,
                host=f"shop-{shop}.myshopify.com",
                shop_id=str(1000 + shop),
            )


def _numbers_of(text: str) -> list[tuple[int, int]]:
    """Return where the numbers stand that differ from order to order: not in the error's kind."""
    from reconciler.ledger.signatures.rules import RULES

    found = []
    for number in re.finditer(r"\d+", text):
        start, end = number.span()
        others = {text[:start] + digit * (end - start) + text[end:] for digit in "27"}
        if {RULES.template_of(other) for other in others} == {RULES.template_of(text)}:
            found.append((start, end))
    return found


def _digits(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("123456789", k=length))


def build(orders: int, now: datetime) -> None:
    """Fill the database that the settings name, which must be migrated and empty."""
    from django.db import connection, transaction

    from reconciler.hotwax.documents import Reading, read_document
    from reconciler.ledger.database import refresh_statistics
    from reconciler.ledger.intake import upsert
    from reconciler.ledger.sync.schedule import current_state

    current_state()
    raws, reading = documents(orders, now), Reading()
    while batch := list(islice(raws, BATCH)):
        read = [read_document(raw, "SHOPIFY_ORDER", reading) for raw in batch]
        with transaction.atomic():
            upsert(read, now)  # type: ignore[arg-type]
    gone = f"{now - KEEPS:%Y-%m-%d %H:%M:%S}"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_failedorder SET state = 'resolved' WHERE id NOT IN"
            " (SELECT id FROM ledger_failedorder ORDER BY last_failed_at DESC, id DESC LIMIT %s)",
            [STILL_OPEN],
        )
        left = "SET left_log_at = expires_at, left_log_reason = 'expired'"
        cursor.execute(f"UPDATE ledger_failedorder {left} WHERE last_failed_at < %s", [gone])
        cursor.execute(f"UPDATE ledger_attempt {left} WHERE logged_at < %s", [gone])
        json_type = {"sqlite": "text", "postgresql": "jsonb"}[connection.vendor]
        for statement in WORKED_ON:
            cursor.execute(statement.replace("JSON_TYPE", json_type))
    refresh_statistics()


#: What is resolved arrived; of what is open most is missing, and a third has somebody.
WORKED_ON = (
    """UPDATE ledger_failedorder SET verdict = 'imported', verdict_at = last_failed_at,
 state_at = last_failed_at, state_by = 'system', was_resolved = (1 = 1), revision = 1,
 oms_orders = CAST('[{"id": "M' || id || '", "name": "' || order_name || '", "status": "Completed",
 "date": "2026-11-20T10:00:00+00:00", "store": "STORE", "shopify_id": ""}]' AS JSON_TYPE)
 WHERE state = 'resolved'""",
    """UPDATE ledger_failedorder SET verdict_at = last_failed_at, verdict = CASE id % 10
 WHEN 0 THEN 'unchecked' WHEN 1 THEN 'unconfirmed' ELSE 'missing' END,
 assignee = CASE WHEN id % 3 = 0 THEN 'person' || (id % 7) END WHERE state = 'open'""",
    """INSERT INTO ledger_event (order_id, actor, kind, at, before, after, revision,
 had_failed, was_by, was_resolved, was_reopened)
 SELECT id, 'system', 'state', state_at, 'open', 'resolved', 1, (1 = 0), '', (1 = 0), (1 = 0)
 FROM ledger_failedorder WHERE state = 'resolved'""",
)


def begin_of_today() -> datetime:
    """Take a moment to count from: the whole second."""
    return datetime.now(UTC).replace(microsecond=0)
