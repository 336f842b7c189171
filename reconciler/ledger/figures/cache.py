"""Figures that depend only on ledger and filters are kept until the ledger changes."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from reconciler.ledger.models import SyncState

Figure = TypeVar("Figure")
SECONDS = 3600


def revision() -> int:
    """Count the changes of the ledger so far; every change of rows counts it up, as it commits."""
    row = SyncState.objects.values_list("revision", flat=True).filter(pk=SyncState.ONLY).first()
    return row or 0


def kept(
    at: int, what: str, rows: QuerySet[Any], rest: object, count: Callable[[], Figure]
) -> Figure:
    """Count at a revision, or return what was counted at it before.

    ``rest`` is what the figure depends on besides the rows. ``at`` is read before the counting: a
    change in between is then counted early, and never kept for longer than it is true.
    """
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return count()
    database = settings.DATABASES["default"]
    ledger = (settings.HOTWAX_URL, database.get("HOST"), database["NAME"])
    named = repr((ledger, at, what, sql, params, rest))
    key = f"figure:{hashlib.sha256(named.encode()).hexdigest()}"
    found: Figure | None = cache.get(key)
    if found is None:
        found = count()
        cache.set(key, found, SECONDS)
    return found
