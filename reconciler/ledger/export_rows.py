"""What an export tells of orders, read by plain SQL."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

#: The dates that an export tells, and how each database writes one to the second.
_DATES = ("order_created_at", "first_at", "last_failed_at", "expires_at", "verdict_at")
_TO_SECONDS = {
    "sqlite": "substr({0}, 1, 19)",
    "postgresql": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
}
#: An order with the whole text of its latest error.
_WHOLE = """
SELECT o.id, o.order_name, s.name, s.handle, a.error_text, g.plain, g.template, g.category, g.retry,
  o.attempt_count, {dates}, o.state, o.assignee, o.verdict, o.oms_orders
FROM ledger_failedorder o JOIN ledger_shop s ON s.id = o.shop_id
JOIN ledger_errorsignature g ON g.id = o.signature_id
LEFT JOIN ledger_attempt a ON a.id = (SELECT id FROM ledger_attempt WHERE order_id = o.id
  AND document_key = o.latest_document_key ORDER BY logged_key DESC LIMIT 1)
WHERE o.id IN ({keys})
"""


def whole_rows(keys: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Return what an export tells of these orders, by primary key: the columns of _WHOLE.

    The dates are texts of UTC, to the second, or None. Plain SQL, because an export reads every
    order: query sets spend three times as long on each row, and datetimes as long again.
    """
    dates = ", ".join(_TO_SECONDS[connection.vendor].format(f"o.{column}") for column in _DATES)
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE.format(dates=dates, keys=", ".join(map(str, keys))))
        return {row[0]: row[1:] for row in cursor.fetchall()}
