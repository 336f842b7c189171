"""Range mode: reads spans of the log by timestamp. Backfill, catching up, counting.

Every page is checked against what was asked for; a page that is wrong turns to compatible mode.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.documents import FailureDocument, UnreadableDocument
from reconciler.hotwax.exceptions import IncompleteReply, RequestRefused
from reconciler.hotwax.ranges import SECOND, fault_of_page, newest, whole_second
from reconciler.hotwax.replies import Reply
from reconciler.ledger.database import refresh_statistics
from reconciler.ledger.models import Attempt, SyncState
from reconciler.ledger.sync.detection import turn_compatible
from reconciler.ledger.sync.schedule import older, scan_pause
from reconciler.ledger.sync.syncer import (
    Changes,
    Documents,
    Syncer,
    failures_in,
    key_of,
    keys_of,
)

#: How often a block or a scan is read again before it is called incomplete.
TRIES = 3


@dataclass
class Page:
    """One page of a span. ``go_on`` is the bound of the next page, None after the last."""

    reply: Reply
    documents: Documents
    go_on: datetime | None = None

    @property
    def is_last(self) -> bool:
        """Return True if the reply holds all that was found."""
        return len(self.reply.documents) >= self.reply.found

    @property
    def is_finished(self) -> bool:
        """Return True if no page follows."""
        return self.go_on is None

    @property
    def last_second(self) -> datetime | None:
        """Return the second of the last document; None if it has no timestamp."""
        failures = failures_in(self.documents)
        moment = failures[-1].logged_at if failures else None
        return whole_second(moment) if moment else None


def dated(syncer: Syncer, state: SyncState) -> None:
    """Read the next page of the backfill, newest first."""
    page = span_page(syncer, state, None, state.backfill_cursor, newest_first=True)
    if page is None:
        return
    changes: Changes = {"backfill_cursor": page.go_on}
    if page.is_finished:
        changes["step"] = SyncState.Step.UNDATED
    syncer.store(page.reply, page.documents, changes)


def undated(syncer: Syncer, state: SyncState) -> None:
    """Read the next page of documents without a timestamp; the first load ends with them."""
    offset = state.backfill_offset
    documents: Documents = []
    try:
        reply = syncer.ask(state, requests.undated(syncer.log(state), offset=offset))
        documents = syncer.read(reply)
        read = len(reply.documents)
        done = offset + read >= reply.found or not read
    except RequestRefused:
        # They cannot be filtered for. If there are any, found and kept will differ.
        reply = syncer.ask(state, requests.count(syncer.log(state)))
        read, done = 0, True
    changes: Changes = {"backfill_offset": offset + read}
    if done:
        changes |= {
            "step": SyncState.Step.DONE,
            "loaded_at": state.loaded_at or timezone.now(),
            "scan_ended_at": timezone.now(),
            "count_due": True,
        }
    syncer.store(reply, documents, changes)
    if done:
        refresh_statistics()


def catch_up(syncer: Syncer, state: SyncState) -> None:
    """Read what was logged since the watermark, with an overlap."""
    assert state.watermark
    overlap = timedelta(seconds=state.overlap_seconds)
    since = state.catch_up_from or whole_second(state.watermark - overlap)
    page = span_page(syncer, state, since, None)
    if page is None:
        return
    changes: Changes = {"catch_up_from": page.go_on, **_watermark(state, page)}
    if page.is_finished:
        # The time of reading, not of asking: with a HotWax slower than our interval catching up
        # would otherwise be due again at once, and nothing else would ever be done.
        changes["caught_up_at"] = timezone.now()
    whole = page.is_finished and state.catch_up_from is None
    if whole and state.watermark_key and state.watermark_key not in keys_of(page.documents):
        # The watermark's own document is gone. A sweep finds out why; the next page that is
        # caught up with sets another key.
        changes |= {"sweep_due": True, "watermark_key": ""}
    syncer.store(page.reply, page.documents, changes)


def _watermark(state: SyncState, page: Page) -> Changes:
    latest = newest(failures_in(page.documents))
    if latest is None or latest.logged_at is None or state.watermark is None:
        return {}
    # One document dated 2099 must not stop the feed.
    mark = min(latest.logged_at, page.reply.asked_at)
    if mark < state.watermark:
        return {}
    key = latest.document_key if mark == latest.logged_at else ""
    return {"watermark": mark, "watermark_key": key}


def count(syncer: Syncer, state: SyncState) -> None:
    """Compare the number of documents in HotWax with ours; two differences call for a sweep."""
    reply = syncer.ask(state, requests.count(syncer.log(state)))
    kept = state.kept - _past_expiry(reply.asked_at)
    differs = 0 if reply.found == kept else state.differs_times + 1
    changes: Changes = {
        "found": reply.found,
        "found_at": reply.asked_at,
        "count_due": differs == 1,  # count again at once: it may have changed between two answers
        "differs_times": differs,
    }
    # Right after a sweep another one would find nothing more.
    if differs >= 2 and older(state.scan_ended_at, scan_pause(state), reply.asked_at):
        changes |= {"sweep_due": True, "differs_times": 0}
    syncer.store(reply, [], changes)


def _past_expiry(now: datetime) -> int:
    """Count kept documents past their expiry, which HotWax may have removed since."""
    here = Attempt.objects.filter(left_log_at=None)
    keys = here.filter(expires_at__lt=now).values("document_key")
    last = (
        here.filter(document_key__in=keys).values("document_key").annotate(last=Max("expires_at"))
    )
    return last.filter(last__lt=now).count()


def span_page(
    syncer: Syncer,
    state: SyncState,
    since: datetime | None,
    before: datetime | None,
    *,
    newest_first: bool = False,
    ids_only: bool = False,
) -> Page | None:
    """Read one page of a span; return None after turning to compatible mode.

    A page that does not get past one second is read again as a whole block.
    """
    log = syncer.log(state)
    payload = requests.span(log, since, before, newest_first=newest_first, ids_only=ids_only)
    reply = syncer.ask(state, payload)
    page = Page(reply, syncer.read(reply))
    failures = failures_in(page.documents)
    if fault := fault_of_page(failures, since, before, newest_first=newest_first):
        turn_compatible(syncer, fault)
        return None
    if page.is_last:
        return page
    if not page.last_second:
        raise IncompleteReply("HotWax found documents and sent none of them.")
    second = page.last_second
    # The page may end within this second, so the next page reads all of it again.
    page.go_on = second + SECOND if newest_first else second
    if page.go_on == (before if newest_first else since):
        page = _block(syncer, state, second, ids_only=ids_only)
        page.go_on = second if newest_first else second + SECOND
    return page


def _block(syncer: Syncer, state: SyncState, second: datetime, *, ids_only: bool) -> Page:
    """Read all documents of one second in one request, or in parts if that is not enough."""
    payload = requests.span(
        syncer.log(state),
        second,
        second + SECOND,
        rows=requests.BLOCK_ROWS,
        ids_only=ids_only,
    )
    reply = syncer.ask(state, payload)
    page = Page(reply, syncer.read(reply))
    if len(keys_of(page.documents)) >= page.reply.found:
        return page
    return _long_block(syncer, state, second)


def _long_block(syncer: Syncer, state: SyncState, second: datetime) -> Page:
    """Read a block longer than any reply in parts, until every id was seen.

    Paging by offset misses documents that are indexed anew meanwhile, so it is repeated.
    """
    seen: dict[str, FailureDocument | UnreadableDocument] = {}
    for _ in range(TRIES):
        offset, found = 0, None
        while found is None or offset < found:
            payload = requests.block(syncer.log(state), second, second + SECOND, offset=offset)
            reply = syncer.ask(state, payload)
            seen |= {key_of(document): document for document in syncer.read(reply)}
            offset += len(reply.documents)
            found = reply.found
            if not reply.documents:
                break
        if len(seen) >= found:
            return Page(reply, list(seen.values()))
    raise IncompleteReply(
        f"HotWax holds {found} documents of {second:%Y-%m-%d %H:%M:%S} UTC and sent {len(seen)}."
    )
