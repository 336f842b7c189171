"""The orders list, 50 rows: queries and server time, against raw SQL in a bare template."""

import re
from typing import Any

import django

from tests.bench.tools import ORDERS, median

UNFINISHED = "('open', 'in_progress', 'waiting')"
ROWS = f"""
SELECT o.id, o.order_name, s.name, o.site_url, g.slug, g.template, o.error_excerpt,
  o.attempt_count, o.order_created_at, o.first_at, o.last_failed_at, o.expires_at
FROM ledger_failedorder o JOIN ledger_shop s ON s.id = o.shop_id
JOIN ledger_errorsignature g ON g.id = o.signature_id
WHERE o.state IN {UNFINISHED} ORDER BY o.last_failed_at DESC, o.id DESC LIMIT 50
"""
TOTAL = f"SELECT count(*) FROM ledger_failedorder WHERE state IN {UNFINISHED}"
VIEWS = f"""
SELECT count(*) FILTER (WHERE state IN {UNFINISHED}),
  count(*) FILTER (WHERE state IN {UNFINISHED} AND left_log_at IS NULL
    AND expires_at BETWEEN %s AND %s),
  count(*) FILTER (WHERE state IN {UNFINISHED} AND attempt_count >= 2 AND last_failed_at >= %s),
  count(*) FILTER (WHERE state IN {UNFINISHED} AND (attempt_count >= 2 OR signature_id NOT IN
    (SELECT id FROM ledger_errorsignature WHERE retry = 'yes'))),
  count(*)
FROM ledger_failedorder
"""
ERRORS = f"""
SELECT g.slug, g.template, c.n FROM (SELECT signature_id, count(*) n FROM ledger_failedorder
  WHERE state IN {UNFINISHED} GROUP BY 1) c JOIN ledger_errorsignature g ON g.id = c.signature_id
ORDER BY c.n DESC, g.template
"""
SHOPS = f"""
SELECT s.name, count(*) FROM ledger_failedorder o JOIN ledger_shop s ON s.id = o.shop_id
WHERE o.state IN {UNFINISHED} GROUP BY 1 ORDER BY 2 DESC
"""
KINDS = f"""
SELECT g.category, g.retry, count(*) FROM ledger_failedorder o
JOIN ledger_errorsignature g ON g.id = o.signature_id
WHERE o.state IN {UNFINISHED} GROUP BY 1, 2 ORDER BY 3 DESC
"""
BARE = """{{ total }} {% for v in views %}{{ v }} {% endfor %}
{% for slug, template, n in errors %}<a href="?error={{ slug }}">{{ template }}</a> {{ n }}{% endfor %}
{% for category, retry, n in kinds %}<a href="?category={{ category }}&retry={{ retry }}">{{ category }} {{ retry }}</a> ({{ n }}){% endfor %}
{% for name, n in shops %}<a href="?shop={{ name }}">{{ name }}</a> {{ n }}{% endfor %}
<table>{% for r in rows %}<tr data-order-id="{{ r.0 }}">{% for v in r %}<td>{{ v }}</td>{% endfor %}</tr>{% endfor %}</table>"""


def main() -> None:
    django.setup()
    from datetime import timedelta

    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.template import Context, engines
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from reconciler.ledger.models import SyncState

    now = timezone.now()
    settings.ALLOWED_HOSTS.append("testserver")
    SyncState.objects.update(
        heartbeat_at=now,
        answered_at=now,
        caught_up_at=now,
        found_at=now,
        instance=f"{settings.HOTWAX_URL} {settings.HOTWAX_CORE} {settings.HOTWAX_DOC_TYPE}",
    )
    user, _ = User.objects.get_or_create(username="bench")
    client = Client()
    client.force_login(user, backend="dashboard.accounts.AccountBackend")
    template = engines["django"].from_string(BARE).template

    def ours() -> str:
        SyncState.objects.update(heartbeat_at=timezone.now())
        return client.get("/orders/").content.decode()

    def plainly() -> str:
        context: dict[str, Any] = {}
        with connection.cursor() as cursor:
            cursor.execute(TOTAL)
            context["total"] = cursor.fetchone()[0]
            soon = (now, now + timedelta(days=7), now - timedelta(hours=24))
            cursor.execute(VIEWS, soon)
            context["views"] = cursor.fetchone()
            cursor.execute(ERRORS)
            context["errors"] = cursor.fetchall()
            cursor.execute(KINDS)
            context["kinds"] = cursor.fetchall()
            cursor.execute(SHOPS)
            context["shops"] = cursor.fetchall()
            cursor.execute(ROWS)
            context["rows"] = cursor.fetchall()
        return str(template.render(Context(context)))

    page, bare = ours(), plainly()
    for pattern in (r'data-order-id="(\d+)"',):
        assert re.findall(pattern, page) == re.findall(pattern, bare)
    assert re.search(r'data-total="(\d+)"', page)[1] == re.match(r"\d+", bare)[0]  # type: ignore[index]
    shown = [
        int(n)
        for n in re.findall(r'data-facet="shop".*', page, re.DOTALL)[0].split('data-count="')[1:]
        for n in [n.split('"')[0]]
    ]
    assert sorted(shown) == sorted(int(n) for n in re.findall(r"</a> (\d+)", bare)[-len(shown) :])

    with CaptureQueriesContext(connection) as queries:
        ours()
    count = len(queries) - 1  # the heartbeat is the bench's own
    one, other = median(ours), median(plainly)
    print(
        f"orders list: {ORDERS:,} orders, {count} SQL queries (at most 20); "
        f"{one * 1000:.0f} ms, plainly {other * 1000:.0f} ms; ratio {one / other:.2f} (at most 2)"
    )


main()
