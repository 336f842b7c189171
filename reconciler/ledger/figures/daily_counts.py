"""Orders per day of UTC and signature, which the database's triggers keep up to date.

A chart over a year would otherwise count every order of that year anew whenever the ledger
changes: 0.4 s for a million. Whatever writes orders fires the triggers, so no writer can forget.

The triggers are removed before migrations and made anew after them (`apps`). So a change of them
needs a migration, be it an empty one.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from reconciler.ledger.models import DailyCount, ErrorSignature, FailedOrder
from reconciler.ledger.statements import fetched, rows_of_spans

#: The dates of an order that are counted.
COLUMNS = ("first_at", "last_failed_at")
#: Numbered spans of time, [low, high).
Spans = list[tuple[int, datetime, datetime]]

_DAY = timedelta(days=1)
_TABLE = DailyCount._meta.db_table
_ORDERS = FailedOrder._meta.db_table
#: The day of UTC of a moment.
_DAY_OF = {
    "sqlite": "substr({row}.{column}, 1, 10)",
    "postgresql": "({row}.{column} AT TIME ZONE 'UTC')::date",
}
_ADD = f"""INSERT INTO {_TABLE} (dated_by, day, signature_id, orders)
  SELECT '{{column}}', {{day}}, NEW.signature_id, 1 WHERE NEW.{{column}} IS NOT NULL
  ON CONFLICT (dated_by, day, signature_id)
  DO UPDATE SET orders = {_TABLE}.orders + excluded.orders;"""
_TAKE_AWAY = f"""UPDATE {_TABLE} SET orders = orders - 1
  WHERE dated_by = '{{column}}' AND day = {{day}} AND signature_id = OLD.signature_id;"""  # noqa: S608 - names of ours
_REFILL = f"""INSERT INTO {_TABLE} (dated_by, day, signature_id, orders)
  SELECT '{{column}}', {{day}}, signature_id, count(*) FROM {_ORDERS}
  WHERE {{column}} IS NOT NULL GROUP BY 2, 3"""  # noqa: S608 - names of ours
#: With {kind} and {joined}, so that counts by category are added up in one pass over the days.
_SUM = f"""WITH span(number, low, high) AS (VALUES {{spans}})
SELECT span.number, {{kind}}, sum(daily.orders)
FROM span CROSS JOIN {_TABLE} daily {{joined}}
WHERE daily.dated_by = %s AND daily.day >= span.low AND daily.day < span.high
GROUP BY 1, 2 HAVING sum(daily.orders) > 0"""  # noqa: S608 - a name of ours
#: Stands for a column whose values are the categories of signatures.
CATEGORY = "category"
_KINDS = {
    "signature": {"kind": "daily.signature_id", "joined": ""},
    CATEGORY: {
        "kind": "signature.category",
        "joined": f"JOIN {ErrorSignature._meta.db_table} signature"
        " ON signature.id = daily.signature_id",
    },
}


def serves(rows: QuerySet[Any], column: str, kind: str) -> bool:
    """Return True if these rows, by this date and kind, are what is counted per day."""
    everything = rows.model is FailedOrder and not rows.query.where
    return everything and column in COLUMNS and kind in _KINDS


def whole_days(edges: Sequence[datetime]) -> tuple[list[tuple[int, date, date]], Spans]:
    """Divide the spans between edges into whole days of UTC, and what is left at their ends.

    Spans are numbered from 0. A span without a whole day is left as it is.
    """
    days, rest = [], []
    for number, (low, high) in enumerate(pairwise(edges)):
        first, last = _midnight(low + _DAY - timedelta(microseconds=1)), _midnight(high)
        if first >= last:
            rest.append((number, low, high))
            continue
        days.append((number, first.date(), last.date()))
        rest += [(number, *ends) for ends in ((low, first), (last, high)) if ends[0] < ends[1]]
    return days, rest


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def counts_of_days(
    column: str, days: list[tuple[int, date, date]], kind: str
) -> dict[tuple[int, Any], int]:
    """Count orders by the number of a span of days, and by signature or CATEGORY."""
    if not days:
        return {}
    rows, values = rows_of_spans(days)
    statement = _SUM.format(spans=rows, **_KINDS[kind])
    return {(number, found): int(n) for number, found, n in fetched(statement, [*values, column])}


def install() -> None:
    """Create the triggers and count every order, unless they are there."""
    with transaction.atomic(), connection.cursor() as cursor:
        if _TABLE not in connection.introspection.table_names(cursor) or _is_installed():
            return
        uninstall()
        for statement in _triggers(connection.vendor):
            cursor.execute(statement)
        cursor.execute(f"DELETE FROM {_TABLE}")  # noqa: S608 - a name of ours
        for column in COLUMNS:
            day = _DAY_OF[connection.vendor].format(row=_ORDERS, column=column)
            cursor.execute(_REFILL.format(column=column, day=day))


def uninstall() -> None:
    """Remove the triggers: SQLite alters no table of which a trigger speaks."""
    with connection.cursor() as cursor:
        on = f" ON {_ORDERS}" if connection.vendor == "postgresql" else ""
        if _ORDERS in connection.introspection.table_names(cursor):
            for name in _EVENTS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def _is_installed() -> bool:
    catalog, name = ("sqlite_master", "name")
    if connection.vendor == "postgresql":
        catalog, name = ("pg_trigger", "tgname")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {catalog} WHERE {name} LIKE 'daily_counts_%%'",  # noqa: S608
            [],
        )
        return bool(cursor.fetchone()[0] == len(_EVENTS))


#: Name of a trigger -> what it fires after, what it does about which values, and on what condition.
_EVENTS = {
    "daily_counts_insert": ("INSERT", {"NEW": _ADD}, ""),
    "daily_counts_delete": ("DELETE", {"OLD": _TAKE_AWAY}, ""),
    "daily_counts_update": (
        f"UPDATE OF signature_id, {', '.join(COLUMNS)}",
        {"OLD": _TAKE_AWAY, "NEW": _ADD},
        "OLD.signature_id {differs} NEW.signature_id OR OLD.first_at {differs} NEW.first_at"
        " OR OLD.last_failed_at {differs} NEW.last_failed_at",
    ),
}


def _triggers(vendor: str) -> list[str]:
    statements = []
    for name, (event, rows, condition) in _EVENTS.items():
        body = "\n".join(
            statement.format(column=column, day=_DAY_OF[vendor].format(row=row, column=column))
            for row, statement in rows.items()
            for column in COLUMNS
        )
        differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
        when = f"WHEN ({condition.format(differs=differs)})" if condition else ""
        head = f"CREATE TRIGGER {name} AFTER {event} ON {_ORDERS} FOR EACH ROW {when}"
        if vendor == "postgresql":
            statements += [
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {body} RETURN NULL; END $$",
                f"{head} EXECUTE FUNCTION {name}()",
            ]
        else:
            statements.append(f"{head} BEGIN {body} END")
    return statements
