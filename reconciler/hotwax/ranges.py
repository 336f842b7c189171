"""Is a page of documents what was asked for? Pure rules, no database, no network.

A tokenised text timestamp answers range and sort without an error, and wrongly; a static file
answers anything. So no reply to a range or a sort is believed before it was checked (LEDGER.md
§2). Everything counts in whole seconds: within one second the order of a string-typed timestamp
need not be the order of time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.hotwax.documents import FailureDocument

SECOND = timedelta(seconds=1)


def whole_second(moment: datetime) -> datetime:
    """Begin of the second that ``moment`` lies in."""
    return moment.replace(microsecond=0)


def fault_of_page(
    documents: Sequence[FailureDocument],
    since: datetime | None,
    before: datetime | None,
    *,
    newest_first: bool = False,
) -> str:
    """Say what is wrong with a reply to range and sort; "" if nothing is.

    Every document must lie in [since, before), and the sequence must never fall (rise, newest
    first) from one second to another.
    """
    last: datetime | None = None
    for document in documents:
        moment = document.logged_at
        if moment is None:
            return "the server answers a range with documents that have no timestamp"
        if (since and moment < since) or (before and moment >= before):
            return "the server answers a range with documents outside of it"
        second = whole_second(moment)
        if last is not None and (second > last if newest_first else second < last):
            return "the server does not sort by time"
        last = second
    return ""


def newest(documents: Sequence[FailureDocument]) -> FailureDocument | None:
    """Document with the latest timestamp; None if none has one."""
    dated = [d for d in documents if d.logged_at]
    return max(dated, key=lambda d: (d.logged_key, d.document_key), default=None)
