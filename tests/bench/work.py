"""Single things that people and the watcher do, over a large ledger: `… work 1000000`.

Milliseconds of the processor; of the export also rows per second against one join and csv.writer,
and how much memory it takes.
"""

import csv
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import django

from tests.bench.ledgers import begin_of_today
from tests.bench.pages import cpu, prepare
from tests.bench.tools import Memory
from tests.makers import document

ROUNDS = 5
#: Milliseconds at most.
PAGE, STEP = 60, 20
RATIO, MEMORY = 0.4, 100
JOIN = """SELECT o.order_name, s.name, a.error_text, g.template, g.category, g.retry,
 o.attempt_count, o.order_created_at, o.first_at, o.last_failed_at, o.expires_at, o.state,
 o.site_url FROM ledger_failedorder o JOIN ledger_shop s ON s.id = o.shop_id
 JOIN ledger_errorsignature g ON g.id = o.signature_id
 JOIN ledger_attempt a ON a.order_id = o.id AND a.logged_at = o.last_failed_at
 ORDER BY o.last_failed_at DESC, o.id DESC"""


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)


def median(work: Callable[[], Any]) -> float:
    return statistics.median(cpu(work) for _ in range(ROUNDS))


def main() -> int:
    django.setup()
    from django.conf import settings
    from django.core.cache import cache
    from django.db import transaction

    from reconciler.hotwax.documents import Reading, read_document
    from reconciler.ledger.intake import upsert
    from reconciler.ledger.models import ErrorSignature, FailedOrder
    from reconciler.ledger.sync.range_mode import _past_expiry
    from reconciler.ledger.sync.syncer import documents_kept

    orders = int(sys.argv[1])
    get, now = prepare(orders), begin_of_today()
    slug = ErrorSignature.objects.order_by("pk").values_list("slug", flat=True)[0]
    middle = FailedOrder.objects.order_by("-pk").values_list("pk", flat=True)[orders // 2]
    missed: list[str] = []

    def told(name: str, value: float, most: float, unit: str = "ms") -> None:
        if value > most:
            missed.append(name)
        print(f"{name:44} {value:8.1f} {unit} (at most {most})", flush=True)

    def cold(url: str) -> Callable[[], Any]:
        def work() -> None:
            cache.clear()
            get(url)

        work()
        return work

    print(f"{orders:,} orders")
    for url in (f"/orders/{middle}/?view=all", "/status/"):
        told(url, median(cold(url)), PAGE)
    for url in (f"/errors/{slug}/", f"/orders/?view=all&error={slug}&period=30d"):
        print(f"{url:44} {median(cold(url)):8.1f} ms cold", flush=True)

    numbers: Iterator[int] = iter(range(10**6))

    def tick() -> None:
        raws = [
            document(f"#new{n}", document_id=f"new{n}", logged=now - timedelta(seconds=n % 60))
            for n in islice(numbers, 5)
        ]
        read = [read_document(raw, "SHOPIFY_ORDER", Reading()) for raw in raws]
        try:
            with transaction.atomic():
                upsert(read, now)  # type: ignore[arg-type]
                raise InterruptedError  # the ledger is kept for the next run
        except InterruptedError:
            pass

    told("five new documents", median(tick), STEP)
    told("past their expiry", median(lambda: _past_expiry(now)), STEP)
    told("documents kept", median(documents_kept), STEP)

    database = sqlite3.connect(settings.DATABASES["default"]["NAME"])

    def plainly() -> None:
        writer = csv.writer(_Nowhere())
        for row in database.execute(JOIN):
            writer.writerow(row)

    began = time.process_time()
    rows = _streamed()
    ours = time.process_time() - began
    began = time.process_time()
    plainly()
    other = time.process_time() - began
    print(f"export: {rows:,} rows in {ours:.1f} s of the processor, plainly {other:.1f} s")
    if other / ours < RATIO:
        missed.append("export")
    print(f"export: ratio {other / ours:.2f} (at least {RATIO})")
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else 0


def _streamed() -> int:
    """Take the export as a browser does, piece by piece; count its rows."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    user = User.objects.get(username="bench")
    client.force_login(user, backend="dashboard.accounts.AccountBackend")
    answer: Any = client.get("/orders/export.csv?view=all")
    rows = 0
    with Memory() as memory:
        before = None
        for piece in answer.streaming_content:
            rows += piece.count(b"\r\n")
            before = before or (memory.found[-1] if memory.found else None)
        most = max(memory.found, default=0) - (before or 0)
    print(f"export: {most} MB more than at its first piece (at most {MEMORY})")
    return rows


if __name__ == "__main__":
    sys.exit(main())
