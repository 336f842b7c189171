"""Figures are cached until the ledger changes."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

Figure = TypeVar("Figure")
SECONDS = 3600
_UNKNOWN = object()


def cached(
    revision: int, name: str, rows: QuerySet[Any] | None, rest: object, count: Callable[[], Figure]
) -> Figure:
    """Cache ``count()`` under the ledger's revision.

    ``name``, ``rows`` (in whatever order) and ``rest`` say what the figure depends on; without
    ``rows`` it is one of the whole ledger. Read the revision before calling this: a concurrent
    write may then be counted early, but never be missed for long.
    """
    try:
        sql, params = ("", ()) if rows is None else _sql_of(rows)
    except EmptyResultSet:
        return count()
    database = settings.DATABASES["default"]
    ledger = (settings.HOTWAX_URL, database.get("HOST"), database["NAME"])
    key = hashlib.sha256(repr((ledger, revision, name, sql, params, rest)).encode()).hexdigest()
    # Not get_or_set, which reads what it has just written.
    known = cache.get(f"figure:{key}", _UNKNOWN)
    if known is _UNKNOWN:
        known = count()
        cache.set(f"figure:{key}", known, SECONDS)
    return cast("Figure", known)


def _sql_of(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of a query set without order and columns: many figures are of the same one."""
    known: tuple[str, tuple[Any, ...]] | None = rows.__dict__.get("_sql_of_figures")
    if known is None:
        keys = rows.order_by().values("pk")
        known = rows.__dict__["_sql_of_figures"] = keys.query.sql_with_params()
    return known
