"""Pages against the least that could show the same, and against Django's admin. In one process.

`python -m tests.bench.pages 10000`. The limit is the same cells by SQL, with every index that we
have at its disposal, drawn by one plain template. Django's admin and Datasette show the same
orders with facets, and neither histogram nor figures. All contestants take turns, so that a busy
machine slows all of them. Milliseconds are of the processor, medians of ROUNDS. Over PostgreSQL,
which is a process of its own, they are of the clock, and ours and the admin's alone.

Of a large ledger ours must also take a quarter of what they took before they had indexes. The open
list, which holds as many orders in both, is told against the small ledger's of the same run.
"""

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django

from reconciler.stack import with_room
from tests.bench.datasette import datasette
from tests.bench.ledgers import DAYS, FOLDER, begin_of_today, build

ROUNDS = 7
U = "('open', 'in_progress', 'waiting')"
#: With the condition of our partial index, so that the limit has it at its disposal too.
OPEN = f"""NOT (state = 'resolved') AND (state IN {U} OR (state = 'ignored' AND (failed_since
 OR (state_detail > '' AND state_detail <= :today))))"""
ROWS = """SELECT o.id, o.order_name, s.name, o.site_url, g.slug, g.plain, g.template, g.category,
 o.error_excerpt, o.attempt_count, o.order_created_at, o.first_at, o.last_failed_at, o.expires_at,
 o.verdict, o.verdict_at, o.oms_orders, o.state, o.state_detail, o.state_at, o.assignee
 FROM (SELECT * FROM ledger_failedorder {where} ORDER BY last_failed_at DESC, id DESC LIMIT 50) o
 JOIN ledger_shop s ON s.id = o.shop_id JOIN ledger_errorsignature g ON g.id = o.signature_id
 ORDER BY o.last_failed_at DESC, o.id DESC"""
TABS = f"""SELECT count(*), count(*) FILTER (WHERE attempt_count >= 2 OR signature_id NOT IN
  (SELECT id FROM ledger_errorsignature WHERE retry = 'yes')),
 count(*) FILTER (WHERE expires_at BETWEEN :now AND :soon),
 count(*) FILTER (WHERE attempt_count >= 2 AND last_failed_at >= :day),
 count(*) FILTER (WHERE verdict = 'missing'), count(*) FILTER (WHERE assignee = 'bench'),
 count(*) FILTER (WHERE verdict = 'unchecked' AND length(order_name) BETWEEN 1 AND 200),
 count(*) FILTER (WHERE verdict = 'missing' AND assignee IS NULL),
 count(*) FILTER (WHERE expires_at BETWEEN :now AND :tomorrow)
 FROM ledger_failedorder WHERE {OPEN}"""
COUNT = "SELECT count(*) FROM ledger_failedorder {where}"
ERRORS = """SELECT g.slug, g.template, n FROM (SELECT signature_id, count(*) n
 FROM ledger_failedorder {where} GROUP BY 1) JOIN ledger_errorsignature g ON g.id = signature_id
 ORDER BY 3 DESC"""
KINDS = """SELECT g.category, g.retry, sum(n) FROM (SELECT signature_id, count(*) n
 FROM ledger_failedorder {where} GROUP BY 1) JOIN ledger_errorsignature g ON g.id = signature_id
 GROUP BY 1, 2 ORDER BY 3 DESC"""
SHOPS = """SELECT s.name, n FROM (SELECT shop_id, count(*) n FROM ledger_failedorder {where}
 GROUP BY 1) JOIN ledger_shop s ON s.id = shop_id ORDER BY 2 DESC"""
WORK = """SELECT verdict, state, assignee, count(*) FROM ledger_failedorder {where}
 GROUP BY 1, 2, 3"""
RESOLVED = "SELECT count(*) FROM ledger_failedorder WHERE state = 'resolved'"
MISSING = "SELECT count(*) FROM ledger_failedorder WHERE verdict = 'missing'"
BECAME = """SELECT verdict, CASE WHEN state = 'resolved' THEN state_by END, count(*),
 count(*) FILTER (WHERE was_resolved), count(*) FILTER (WHERE was_reopened)
 FROM ledger_failedorder {where} GROUP BY 1, 2"""
ARRIVALS = """SELECT (strftime('%s', arrived_at) - strftime('%s', first_failed_at)) / 60, count(*)
 FROM ledger_failedorder {where} AND arrived_at IS NOT NULL GROUP BY 1"""
RESOLVERS = """SELECT state_by, (strftime('%s', state_at) - strftime('%s', first_failed_at)) / 60,
 count(*) FROM ledger_failedorder {where} AND state = 'resolved' AND state_by <> 'system'
 GROUP BY 1, 2"""
STILL_OPEN = f"SELECT count(*) FROM ledger_failedorder {{where}} AND {OPEN}"
LACKING = """SELECT shop_id, count(*) FROM ledger_failedorder {where} AND verdict = 'missing'
 GROUP BY 1"""
LAST = "SELECT max(logged_at) FROM ledger_attempt"
#: High hours; a second grouping turns them to numbers, which a window can reach over.
INCIDENTS = """WITH hours AS (SELECT signature_id s, substr(first_at, 1, 13) hour, count(*) n
  FROM ledger_failedorder INDEXED BY orders_by_first WHERE first_at >= :{since} GROUP BY 1, 2),
 numbered AS (SELECT s, CAST(strftime('%s', hour || ':00') AS INTEGER) / 3600 h, n FROM hours),
 usual AS (SELECT s, h, n, sum(n) OVER
  (PARTITION BY s ORDER BY h RANGE BETWEEN 672 PRECEDING AND 1 PRECEDING) m FROM numbered)
 SELECT s, h, n FROM usual WHERE n >= 5 AND n * 672 >= 5 * coalesce(m, 0)"""
QUIET = f"""SELECT signature_id FROM ledger_failedorder WHERE {OPEN} GROUP BY 1 EXCEPT
 SELECT signature_id FROM ledger_failedorder INDEXED BY orders_by_first WHERE first_at > :quiet"""
CHANGES = """SELECT signature_id, count(*) FILTER (WHERE last_failed_at >= :week), count(*)
 FROM ledger_failedorder WHERE last_failed_at >= :fortnight GROUP BY 1"""
CLOSED = """SELECT date(at), after, before, count(*) FROM ledger_event
 WHERE at >= :month AND kind IN ('state', 'reopened', 'undo') GROUP BY 1, 2, 3"""
#: Weeks begin on Monday.
BARS = """SELECT date({date}, '-6 days', 'weekday 1'), g.category, count(*)
 FROM ledger_failedorder o JOIN ledger_errorsignature g ON g.id = o.signature_id {where}
 GROUP BY 1, 2"""
#: Of the orders' own days, which are kept.
DAY_BARS = """SELECT day, g.category, sum(orders) FROM ledger_dailycount d
 JOIN ledger_errorsignature g ON g.id = d.signature_id
 WHERE dated_by = 'first_at' AND day >= date(:month) GROUP BY 1, 2"""
DAYS_BEFORE = """SELECT day, sum(orders) FROM ledger_dailycount
 WHERE dated_by = 'first_at' AND day >= date(:months) AND day < date(:month) GROUP BY 1"""
NOT_RESOLVED = """SELECT count(*) FROM ledger_failedorder
 WHERE first_at IS NOT NULL AND NOT (state = 'resolved')"""
#: The latest gap that is longer than the silence since the last attempt; by leaps of its length.
GAP = """WITH RECURSIVE silence(last, length) AS (
  SELECT max(logged_at), julianday('now') - julianday(max(logged_at)) FROM ledger_attempt),
 leap(moment, back) AS (
  SELECT last, (SELECT min(logged_at) FROM ledger_attempt
   WHERE logged_at >= datetime(last, -length || ' days')) FROM silence
  UNION ALL
  SELECT back, (SELECT min(logged_at) FROM ledger_attempt
   WHERE logged_at >= datetime(back, -length || ' days'))
  FROM leap, silence WHERE back < moment AND back > :months)
 SELECT moment FROM leap WHERE back = moment"""
SEEN = """SELECT g.id, (SELECT min(logged_at) FROM ledger_attempt WHERE signature_id = g.id),
 (SELECT max(logged_at) FROM ledger_attempt WHERE signature_id = g.id) FROM ledger_errorsignature g"""
NEW = "SELECT count(*) FROM ledger_errorsignature"
PER_ERROR = f"""SELECT g.slug, g.plain, g.template, g.category, g.retry, n, u, shops, tries, asked,
 there, missing FROM
 (SELECT signature_id, count(*) n, count(*) FILTER (WHERE state IN {U}) u,
  count(DISTINCT shop_id) shops, sum(attempt_count) tries,
  count(*) FILTER (WHERE verdict <> 'unchecked') asked,
  count(*) FILTER (WHERE verdict IN ('imported', 'duplicate')) there,
  count(*) FILTER (WHERE verdict = 'missing') missing FROM ledger_failedorder GROUP BY 1)
 JOIN ledger_errorsignature g ON g.id = signature_id ORDER BY n DESC"""
SPARKS = """SELECT strftime('%Y-%m', last_failed_at), signature_id, count(*)
 FROM ledger_failedorder GROUP BY 1, 2"""
MONTH = "WHERE first_at >= :month"
#: Without being told, SQLite reads every order by an index that serves the grouping.
BY_FIRST = "INDEXED BY orders_by_first"
SINCE = f"{BY_FIRST} {MONTH}"
BEFORE = f"{BY_FIRST} WHERE first_at >= :months AND first_at < :month"
LAGS = """SELECT shop_id, (strftime('%s', first_at) - strftime('%s', order_created_at)) / 60,
 count(*) FROM ledger_failedorder {where} GROUP BY 1, 2"""
HOURS = """SELECT strftime('%w', first_at), substr(first_at, 12, 2), count(*)
 FROM ledger_failedorder {where} GROUP BY 1, 2"""
BOTH = "SELECT signature_id, shop_id, count(*) FROM ledger_failedorder {where} GROUP BY 1, 2"
AGES = f"SELECT date(first_at), count(*) FROM ledger_failedorder WHERE {OPEN} GROUP BY 1"


def _list(where: str) -> list[str]:
    statements = [COUNT, ROWS, ERRORS, KINDS, SHOPS, WORK]
    rest = [TABS, RESOLVED, MISSING, COUNT.format(where="")]
    rest += [BARS.format(date="last_failed_at", where=""), NEW]
    return [*(statement.format(where=where) for statement in statements), *rest]


#: Page -> the statements that bring what stands on it, and how much dearer it may be: cold, warm.
PAGES: dict[str, tuple[list[str], float, float]] = {
    "/orders/": (_list(f"WHERE {OPEN}"), 1.8, 1.2),
    "/orders/?view=all": (_list(""), 1.8, 1.2),
    "/errors/": (
        [
            PER_ERROR,
            SEEN,
            SPARKS,
            CHANGES,
            QUIET,
            INCIDENTS.format(since="weeks"),
            *(s.format(where="") for s in (ERRORS, KINDS, SHOPS, WORK)),
        ],
        1.8,
        1.8,
    ),
    "/trends/": (
        [
            *(s.format(where=w) for s in (BOTH, LAGS) for w in (SINCE, BEFORE)),
            DAY_BARS,
            DAYS_BEFORE,
            NOT_RESOLVED,
            GAP,
            HOURS.format(where=SINCE),
            AGES,
            *(s.format(where=w) for s in (BECAME, ARRIVALS) for w in (SINCE, BEFORE)),
            *(s.format(where=SINCE) for s in (RESOLVERS, STILL_OPEN, LACKING)),
            CLOSED,
            SEEN,
            LAST,
            INCIDENTS.format(since="reach"),
            *(s.format(where=SINCE) for s in (ERRORS, KINDS, SHOPS, WORK)),
        ],
        1.8,
        1.8,
    ),
}
#: In a ledger of LARGE orders: milliseconds at most, cold; a quarter of what they once were.
LARGE = 500_000
AT_MOST = {"/orders/?view=all": 636, "/errors/": 1062}
#: What the limit asks of a large ledger instead: the orders per day that ours keeps.
PER_DAY = {
    BARS.format(date="last_failed_at", where=""): """SELECT date(day, '-6 days', 'weekday 1'),
 g.category, sum(orders) FROM ledger_dailycount d JOIN ledger_errorsignature g
 ON g.id = d.signature_id WHERE dated_by = 'last_failed_at' GROUP BY 1, 2""",
    SPARKS: """SELECT strftime('%Y-%m', day), signature_id, sum(orders) FROM ledger_dailycount
 WHERE dated_by = 'last_failed_at' GROUP BY 1, 2""",
}
#: Cold pages of a large ledger against the limit.
OF_LIMIT = 1.5
#: The open list of a large ledger against that of a small one, which leaves its time here.
GROWTH, OPEN_COLD = 1.5, FOLDER / "open-cold.txt"
#: All orders, cold, against Django's admin.
OF_ADMIN = 0.7
PLAIN = """<!doctype html><html><body>{% for rows in results %}<table>{% for row in rows %}<tr>
{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}</body></html>"""
#: Django's admin: the same columns, filters and facets.
COLUMNS = ("order_name", "shop", "error_excerpt", "signature", "attempt_count", "order_created_at")
MORE_COLUMNS = ("first_at", "last_failed_at", "expires_at", "verdict", "state", "assignee")
FILTERS = (
    "signature",
    "signature__category",
    "signature__retry",
    "shop",
    "verdict",
    "state",
    "assignee",
)


def cpu(work: Callable[[], Any]) -> float:
    """Milliseconds of the processor that a call takes."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def wall(work: Callable[[], Any]) -> float:
    """Milliseconds of the clock that a call takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def in_turns(
    contestants: dict[str, Callable[[], Any]],
    timed: Callable[[Callable[[], Any]], float] = cpu,
    **themselves: Callable[[], float],
) -> dict[str, float]:
    """Median milliseconds of each, all taking turns after a first round that does not count.

    ``themselves`` tell their own time.
    """
    found: dict[str, list[float]] = {name: [] for name in [*contestants, *themselves]}
    each = {name: partial(timed, work) for name, work in contestants.items()} | themselves
    for number in range(ROUNDS + 1):
        for name, told in each.items():
            spent = told()
            if number:
                found[name].append(spent)
    return {name: statistics.median(times) for name, times in found.items()}


def limit(statements: Iterable[str], moments: dict[str, str]) -> Callable[[], str]:
    """Ask and draw as plainly as can be."""
    import sqlite3

    from django.conf import settings
    from django.template import Context, engines

    database = sqlite3.connect(settings.DATABASES["default"]["NAME"])
    template = engines["django"].from_string(PLAIN).template

    def draw() -> str:
        results = [database.execute(text, moments).fetchall() for text in statements]
        return str(template.render(Context({"results": results})))

    return draw


def admin() -> Callable[[], Any]:
    """Make Django's own list of the orders, with its facets."""
    from django.contrib.admin import ModelAdmin, ShowFacets, site
    from django.contrib.auth.models import User
    from django.test import RequestFactory

    from reconciler.ledger.models import FailedOrder

    class Orders(ModelAdmin):  # type: ignore[type-arg]
        list_display = (*COLUMNS, *MORE_COLUMNS)
        list_filter = FILTERS
        list_per_page = 50
        list_select_related = ("shop", "signature")
        show_facets = ShowFacets.ALWAYS
        ordering = ("-last_failed_at",)

    orders = Orders(FailedOrder, site)
    request = RequestFactory().get("/admin/")
    request.user = User(username="root", is_superuser=True, is_active=True, is_staff=True)
    return lambda: orders.changelist_view(request).render()  # type: ignore[attr-defined]


def prepare(orders: int) -> Callable[[str], str]:
    """Build the ledger where it is missing; return what gets a page as somebody signed in."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from dashboard.server import settle
    from reconciler.ledger.models import FailedOrder, SyncState

    call_command("migrate", verbosity=0)
    if not FailedOrder.objects.exists():
        began = time.perf_counter()
        build(orders, begin_of_today())
        print(f"built in {time.perf_counter() - began:.0f} s", flush=True)
    settings.ALLOWED_HOSTS.append("testserver")
    now = timezone.now()
    asked = dict.fromkeys(("heartbeat_at", "answered_at", "caught_up_at", "found_at"), now)
    instance = f"{settings.HOTWAX_URL} {settings.HOTWAX_CORE} {settings.HOTWAX_DOC_TYPE}"
    loaded = {"loaded_at": now - timedelta(days=DAYS), "kept": orders, "found": orders}
    SyncState.objects.update(**asked, **loaded, instance=instance, mode="range", step="done")
    user, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    client = Client()
    client.force_login(user, backend="dashboard.accounts.AccountBackend")

    def get(url: str) -> str:
        SyncState.objects.update(heartbeat_at=timezone.now())
        answer = client.get(url)
        assert answer.status_code == 200, url
        return answer.content.decode()

    for url in PAGES:
        get(url)
    settle()  # as the web server does it; otherwise one contestant pays for what all have loaded
    return get


def main() -> int:
    orders = int(sys.argv[1])
    django.setup()
    from django.conf import settings
    from django.core.cache import cache
    from django.db import connection

    get = prepare(orders)
    now = begin_of_today()
    days = {"now": 0, "tomorrow": 1, "soon": 7, "day": -1, "month": -29, "months": -59}
    # What incidents are compared with begins five weeks before what is shown.
    days |= {"week": -6, "fortnight": -13, "quiet": -3, "reach": -29 - 35, "weeks": -60 - 35}
    moments = {name: f"{now + timedelta(days=n):%Y-%m-%d %H:%M:%S}" for name, n in days.items()}
    moments["today"] = f"{now:%Y-%m-%d}"
    missed = 0
    print(f"{orders:,} orders; ms of the processor")
    for url, (statements, most_cold, most_warm) in PAGES.items():

        def cold(url: str = url) -> str:
            cache.clear()
            return get(url)

        if orders >= LARGE:
            plain = limit([PER_DAY.get(text, text) for text in statements], moments)
            spent = in_turns({"cold": cold, "warm": partial(get, url), "limit": plain})
            most = AT_MOST.get(url)
            if url == "/orders/":
                most = GROWTH * float(OPEN_COLD.read_text())
            ratio = spent["cold"] / spent["limit"]
            missed += (most is not None and spent["cold"] > most) or ratio > OF_LIMIT
            print(
                f"{url:20} {spent['cold']:7.1f} cold (at most {most and round(most)})"
                f" {spent['warm']:7.1f} warm; limit {spent['limit']:7.1f}; ratio {ratio:.2f}"
                f" (at most {OF_LIMIT})",
                flush=True,
            )
            continue
        if connection.vendor == "postgresql":
            _over_postgresql(url, {"cold": cold, "warm": partial(get, url), "admin": admin()})
            continue
        plain = limit(statements, moments)
        _compare(url, cold(), plain())
        contestants = {"cold": cold, "warm": lambda url=url: get(url), "limit": plain}
        if url == "/orders/?view=all":
            contestants["admin"] = admin()
        if url == "/orders/?view=all":
            with datasette(Path(settings.DATABASES["default"]["NAME"])) as other:
                spent = in_turns(contestants, datasette=other)
        else:
            spent = in_turns(contestants)
        if url == "/orders/":
            OPEN_COLD.write_text(f"{spent['cold']:.1f}")
        ratios = {name: spent[name] / spent["limit"] for name in ("cold", "warm")}
        missed += ratios["cold"] > most_cold or ratios["warm"] > most_warm
        others = [name for name in ("admin", "datasette") if name in spent]
        against = "".join(f"; {name} {spent[name]:.1f}" for name in others)
        if "admin" in spent:
            missed += spent["cold"] > OF_ADMIN * spent["admin"]
            against += f"; / admin {spent['cold'] / spent['admin']:.2f} (at most {OF_ADMIN})"
        print(
            f"{url:20} {spent['cold']:7.1f} cold {spent['warm']:7.1f} warm; limit"
            f" {spent['limit']:7.1f}; ratio {ratios['cold']:.2f} (at most {most_cold}),"
            f" {ratios['warm']:.2f} (at most {most_warm}){against}",
            flush=True,
        )
    return 1 if missed else 0


def _over_postgresql(url: str, contestants: dict[str, Callable[[], Any]]) -> None:
    """Tell the milliseconds of the clock."""
    spent = in_turns(contestants, wall)
    told = ", ".join(f"{name} {ms:.1f}" for name, ms in spent.items())
    print(f"{url:20} {told} ms of the clock, PostgreSQL", flush=True)


def _compare(url: str, page: str, plain: str) -> None:
    """Compare what both show, before anything is timed."""
    if url.startswith("/orders/"):
        ours = re.findall(r'data-order-id="(\d+)"', page)
        rows = plain.split("<table>")[2]
        assert ours == [re.findall(r"<td>([^<]*)</td>", row)[0] for row in rows.split("<tr>")[1:]]
        total = re.search(r'data-total="(\d+)"', page)
        assert total and total[1] == re.findall(r"<td>(\d+)</td>", plain)[0]


if __name__ == "__main__":
    # No contestant pays for the place of its frames (reconciler/stack.py).
    sys.exit(with_room(main))
