"""SQL that is written as text: its parameters, and what it returns, on SQLite and PostgreSQL."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

#: Bounds of a period that is open at an end.
FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


def written_sql(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """Return the SQL of a query set and its parameters; no SQL if nothing can match."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return "", ()
    return sql, params


def fetched(statement: str, values: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def rows_of_spans(spans: Sequence[tuple[int, date, date]]) -> tuple[str, list[Any]]:
    """Return the rows of VALUES that hold numbered spans, and their parameters.

    The ends of all spans are moments, or those of all are days.
    """
    # Looked up once: a connection is found in thread-local storage, for each span.
    ops, vendor = connection.ops, connection.vendor
    adapt: Callable[[Any], Any] = ops.adapt_datefield_value
    kind = "date"
    if isinstance(spans[0][1], datetime):
        adapt, kind = ops.adapt_datetimefield_value, "timestamptz"
    row = f"(%s, %s::{kind}, %s::{kind})" if vendor == "postgresql" else "(%s, %s, %s)"
    values = [one for number, low, high in spans for one in (number, adapt(low), adapt(high))]
    return ", ".join([row] * len(spans)), values


def written(moment: datetime) -> Any:
    """Return a moment as a parameter of SQL that is written as text."""
    return connection.ops.adapt_datetimefield_value(moment)


def moment_of(value: str | datetime | None) -> datetime | None:
    """Read a moment as the database returns it: SQLite as text in UTC."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value
