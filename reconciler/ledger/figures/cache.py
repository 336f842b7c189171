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


def cached(
    revision: int, name: str, rows: QuerySet[Any] | None, rest: object, count: Callable[[], Figure]
) -> Figure:
    """Cache ``count()`` under the ledger's revision.

    ``name``, ``rows`` and ``rest`` say what the figure depends on; without ``rows`` it is one of
    the whole ledger. Read the revision before calling this: a concurrent write may then be counted
    early, but never be missed for long.
    """
    try:
        sql, params = rows.query.sql_with_params() if rows is not None else ("", ())
    except EmptyResultSet:
        return count()
    database = settings.DATABASES["default"]
    ledger = (settings.HOTWAX_URL, database.get("HOST"), database["NAME"])
    key = hashlib.sha256(repr((ledger, revision, name, sql, params, rest)).encode()).hexdigest()
    return cast("Figure", cache.get_or_set(f"figure:{key}", count, SECONDS))
