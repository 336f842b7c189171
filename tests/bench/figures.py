"""Orders with facets and histogram, Errors, Trends: against the same figures by plain SQL.

And how the default Open view grows, from 10,000 to 1,000,000 orders kept.
"""

import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import django

from tests.bench.ledgers import fill
from tests.bench.tools import median

LARGE = int(os.environ.get("BENCH_KEPT", "1000000"))
SMALL, STILL_OPEN = 10_000, 5_000
ROUNDS = 3
U = "('open', 'in_progress', 'waiting')"
SINCE = "last_failed_at >= :since"
FIRST = "first_at >= :since"
BEFORE = "first_at >= :before AND first_at < :since"
#: Weeks begin on Monday.
WEEK = "date({0}, '-6 days', 'weekday 1')"
LAG = """(CAST(strftime('%s', first_at) AS INTEGER) - strftime('%s', order_created_at)) * 1000
  + substr(first_at || '.000', 21, 3) - substr(order_created_at || '.000', 21, 3)"""
TABS = f"""SELECT count(*) FILTER (WHERE state IN {U}),
 count(*) FILTER (WHERE state IN {U} AND left_log_at IS NULL AND expires_at BETWEEN :now AND :soon),
 count(*) FILTER (WHERE state IN {U} AND attempt_count >= 2 AND last_failed_at >= :day),
 count(*) FILTER (WHERE state IN {U} AND (attempt_count >= 2 OR signature_id NOT IN
   (SELECT id FROM ledger_errorsignature WHERE retry = 'yes'))), count(*)
 FROM ledger_failedorder WHERE {SINCE}"""
SEEN = """SELECT g.id, (SELECT min(logged_at) FROM ledger_attempt WHERE signature_id = g.id),
 (SELECT max(logged_at) FROM ledger_attempt WHERE signature_id = g.id) FROM ledger_errorsignature g"""
PLAIN = {
    "/orders/?view=all&period=12m": [
        f"SELECT count(*) FROM ledger_failedorder WHERE {SINCE}",
        TABS,
        f"SELECT signature_id, count(*) FROM ledger_failedorder WHERE {SINCE} GROUP BY 1",
        f"SELECT shop_id, count(*) FROM ledger_failedorder WHERE {SINCE} GROUP BY 1",
        f"""SELECT {WEEK.format("last_failed_at")}, signature_id, count(*)
 FROM ledger_failedorder WHERE {SINCE} GROUP BY 1, 2""",
        f"SELECT count(DISTINCT signature_id) FROM ledger_failedorder WHERE {SINCE}",
        SEEN,
        f"SELECT * FROM ledger_failedorder WHERE {SINCE} ORDER BY last_failed_at DESC, id DESC LIMIT 50",
    ],
    "/errors/?period=12m": [
        f"""SELECT sum(n) FROM (SELECT count(*) n FROM ledger_failedorder WHERE {SINCE})""",
        f"""SELECT signature_id, count(*), count(*) FILTER (WHERE state IN {U}),
 count(DISTINCT shop_id), sum(attempt_count) FROM ledger_failedorder WHERE {SINCE} GROUP BY 1""",
        SEEN,
        f"""SELECT strftime('%Y-%m', last_failed_at), signature_id, count(*)
 FROM ledger_failedorder WHERE {SINCE} GROUP BY 1, 2""",
        f"SELECT signature_id, count(*) FROM ledger_failedorder WHERE {SINCE} GROUP BY 1",
        f"SELECT shop_id, count(*) FROM ledger_failedorder WHERE {SINCE} GROUP BY 1",
    ],
    "/trends/?period=12m": [
        f"SELECT count(*) FROM ledger_failedorder WHERE {FIRST}",
        f"SELECT signature_id, shop_id, count(*) FROM ledger_failedorder WHERE {FIRST} GROUP BY 1, 2",
        f"SELECT signature_id, shop_id, count(*) FROM ledger_failedorder WHERE {BEFORE} GROUP BY 1, 2",
        f"""SELECT {WEEK.format("first_at")}, signature_id, count(*)
 FROM ledger_failedorder WHERE {FIRST} GROUP BY 1, 2""",
        f"""SELECT strftime('%w', first_at), substr(first_at, 12, 2), count(*)
 FROM ledger_failedorder WHERE {FIRST} GROUP BY 1, 2""",
        f"""SELECT shop_id, ms / 60000, count(*) FROM (SELECT shop_id, {LAG} ms
 FROM ledger_failedorder WHERE {FIRST}) GROUP BY 1, 2""",
        f"""SELECT shop_id, ms / 60000, count(*) FROM (SELECT shop_id, {LAG} ms
 FROM ledger_failedorder WHERE {BEFORE}) GROUP BY 1, 2""",
        f"SELECT date(first_at), count(*) FROM ledger_failedorder WHERE state IN {U} GROUP BY 1",
    ],
}


def main() -> None:
    began = time.perf_counter()
    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from reconciler.ledger.models import SyncState

    kept = int(sys.argv[1])
    now = datetime.now(UTC).replace(microsecond=0)
    path = str(settings.DATABASES["default"]["NAME"])
    call_command("migrate", verbosity=0)
    fill(path, kept, STILL_OPEN, now)
    settings.ALLOWED_HOSTS.append("testserver")
    instance = f"{settings.HOTWAX_URL} {settings.HOTWAX_CORE} {settings.HOTWAX_DOC_TYPE}"
    asked = dict.fromkeys(("heartbeat_at", "answered_at", "caught_up_at", "found_at"), now)
    SyncState.objects.update_or_create(
        pk=1, defaults={**asked, "loaded_at": now, "kept": kept, "instance": instance}
    )
    client = Client()
    client.force_login(
        User.objects.create_user("bench"), backend="dashboard.accounts.AccountBackend"
    )
    print(f"{kept:,} orders filled in {time.perf_counter() - began:.0f} s", flush=True)

    def ours(url: str) -> str:
        SyncState.objects.update(heartbeat_at=timezone.now(), answered_at=timezone.now())
        response = client.get(url)
        assert response.status_code == 200, url
        return response.content.decode()

    def cold(url: str) -> str:
        cache.clear()
        return ours(url)

    def milliseconds(function: Callable[[], Any]) -> float:
        return median(function, ROUNDS) * 1000

    url = "/orders/"
    print(
        f"open view: {milliseconds(lambda: ours(url)):.1f} ms warm,"
        f" {milliseconds(lambda: cold(url)):.1f} ms cold, {kept:,} orders kept",
        flush=True,
    )
    if kept != LARGE:
        return
    plain = sqlite3.connect(path)
    midnight = now.replace(hour=0, minute=0, second=0)
    try:
        a_year = midnight.replace(year=now.year - 1) + timedelta(days=1)
        two_years = a_year - (midnight - a_year) - timedelta(days=1)
    except ValueError:  # 29 February
        a_year = midnight - timedelta(days=365)
        two_years = a_year - timedelta(days=366)
    moments = {
        "now": now,
        "soon": now + timedelta(days=7),
        "day": now - timedelta(hours=24),
        "since": a_year,
        "before": two_years,
    }
    values = {name: f"{moment:%Y-%m-%d %H:%M:%S}" for name, moment in moments.items()}

    def plainly(statements: list[str]) -> list[list[Any]]:
        return [plain.execute(statement, values).fetchall() for statement in statements]

    for url, statements in PLAIN.items():
        page, rows = cold(url), plainly(statements)
        total = rows[0][0][0]
        counted = re.search(r'data-figure="failed" data-value="(\d+)"', page) or re.search(
            r"behind ([\d,]+) failed", page
        )
        assert counted and int(counted[1].replace(",", "")) == total, (url, counted, total)
        _compare(url, page, rows)
        one, warm = milliseconds(partial(cold, url)), milliseconds(partial(ours, url))
        other = milliseconds(partial(plainly, statements))
        print(
            f"{url}: {one:.0f} ms cold, {warm:.0f} ms warm, plainly {other:.0f} ms;"
            f" ratio {one / other:.2f} cold, {warm / other:.2f} warm (at most 1.5)",
            flush=True,
        )


def _compare(url: str, page: str, rows: list[list[Any]]) -> None:
    """Compare the figures of the page with those counted plainly, before anything is timed."""
    if url.startswith("/errors/"):
        found = re.findall(r'data-column="orders"[^>]*><a[^>]*data-value="(\d+)"', page)
        assert (
            sorted(map(int, found), reverse=True)
            == sorted((row[1] for row in rows[1]), reverse=True)[: len(found)]
        )
        return
    table = page.split('data-chart="failed-per-week"')[1].split("</table>", maxsplit=1)[0]
    found = re.findall(r'data-value="(\d+)">[\d,]+</td></tr>', table)
    weeks: dict[str, int] = {}
    for week, _, n in rows[4 if url.startswith("/orders/") else 3]:
        weeks[week] = weeks.get(week, 0) + n
    assert [int(n) for n in found if int(n)] == [weeks[week] for week in sorted(weeks)], url


if __name__ == "__main__":
    main()
