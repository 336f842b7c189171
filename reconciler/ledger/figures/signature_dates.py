"""When signatures were seen in the log; cached per revision of the ledger."""

from datetime import datetime
from functools import partial

from reconciler.ledger.figures.cache import cached
from reconciler.ledger.signatures.dates import SeenDates, find_dates


def dates_of_signatures(
    start: datetime | None, end: datetime | None, revision: int
) -> dict[int, SeenDates]:
    """Return the dates of every signature, by its primary key, with regard to [start, end)."""
    find = partial(find_dates, start, end)
    return cached(revision, "dates of signatures", None, (start, end), find)
