"""When signatures were seen in the log, once a revision of the ledger."""

from datetime import datetime
from functools import partial

from reconciler.ledger.figures.cache import cached
from reconciler.ledger.signatures.dates import Dates, find_dates


def dates_of_signatures(
    start: datetime | None, end: datetime | None, revision: int
) -> dict[int, Dates]:
    """Return the dates of every signature, by its primary key, beside the period [start, end)."""
    find = partial(find_dates, start, end)
    return cached(revision, "dates of signatures", None, (start, end), find)
