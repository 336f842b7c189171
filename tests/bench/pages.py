"""Pages against the least that could show the same, and against Django's admin. In one process.

`python -m tests.bench.pages 10000`. The limit is the same cells by SQL, with every index that we
have at its disposal, drawn by one plain template. Django's admin and Datasette show the same
orders with facets, and neither histogram nor figures. All contestants take turns, so that a busy
machine slows all of them. Milliseconds are of the processor, the least of all rounds: what else
the machine does only ever adds to them. (A neighbour on the same core slows Python more than
SQLite, so that medians told of the neighbour.) Over PostgreSQL, which is a process of its own, they
are of the clock, and ours and the admin's alone.

Of a large ledger ours must also take a quarter of what they took before they had indexes. The open
list, which holds as many orders in both, is told against the small ledger's of the same run.
"""

import re
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
from tests.bench.statements import PAGES, PER_DAY

#: A page of a small ledger is done in a moment, and a neighbour may stay for seconds.
ROUNDS, ROUNDS_OF_LARGE = 60, 7
#: In a ledger of LARGE orders: milliseconds at most, cold; a quarter of what they once were.
LARGE = 500_000
AT_MOST = {"/orders/?view=all": 636, "/errors/": 1062}
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
    rounds: int = ROUNDS,
    **themselves: Callable[[], float],
) -> dict[str, float]:
    """Least milliseconds of each, all taking turns after a first round that does not count.

    ``themselves`` tell their own time.
    """
    found: dict[str, list[float]] = {name: [] for name in [*contestants, *themselves]}
    each = {name: partial(timed, work) for name, work in contestants.items()} | themselves
    for number in range(rounds + 1):
        for name, told in each.items():
            spent = told()
            if number:
                found[name].append(spent)
    return {name: min(times) for name, times in found.items()}


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
            three = {"cold": cold, "warm": partial(get, url), "limit": plain}
            spent = in_turns(three, rounds=ROUNDS_OF_LARGE)
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
