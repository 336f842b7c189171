"""Readings of the whole log: sweeps in range mode, page after page in compatible mode.

A scan finds documents that arrived late, and attempts that left the log. These are marked only
after a complete scan, and only if a look-up by name does not find them either (LEDGER.md §3).
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.documents import FailureDocument
from reconciler.hotwax.exceptions import RequestRefused
from reconciler.ledger.database import refresh_statistics
from reconciler.ledger.models import Attempt, SyncEvent, SyncState
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.roll_up import roll_up
from reconciler.ledger.sync.detection import NO_SCAN, field_names
from reconciler.ledger.sync.range_mode import TRIES, span_page
from reconciler.ledger.sync.syncer import (
    Changes,
    Form,
    Syncer,
    documents_kept,
    failures_in,
    keys_of,
    note,
)

NAMES_A_REQUEST = 100
BY_NAME: tuple[Form, ...] = (requests.named, requests.named_as_phrases)
BY_ID: tuple[Form, ...] = (requests.identified,)


def sweep(syncer: Syncer, state: SyncState) -> None:
    """Compare ids and timestamps of the whole log with the ledger, page by page."""
    if state.scan_started_at is None:
        before = syncer.ask(state, requests.count(syncer.log(state)))
        state = _begin(syncer, found=before.found)
    if state.scan_undated:
        _sweep_undated(syncer, state)
        return
    page = span_page(syncer, state, state.scan_from, None, ids_only=True)
    if page is None:
        return
    late = _unknown(failures_in(page.documents))
    # Ids alone do not show that a document cannot be read.
    in_full = bool(late) or len(failures_in(page.documents)) < len(page.documents)
    if in_full:
        page = span_page(syncer, state, state.scan_from, None)
        if page is None:
            return
    changes: Changes = {"scan_from": page.go_on, "scan_undated": page.is_finished}
    if late and state.loaded_at:
        changes["overlap_seconds"] = _wider(state.overlap_seconds, late, state.watermark)
    known = [] if in_full else failures_in(page.documents)
    syncer.store(page.reply, page.documents if in_full else [], changes)
    _touch(known, page.reply.asked_at)


def _begin(syncer: Syncer, found: int | None = None) -> SyncState:
    changes = {
        **NO_SCAN,
        "scan_started_at": timezone.now(),
        "scan_complete": False,
        "scan_found": found,
    }
    SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)
    return syncer.state()


def _sweep_undated(syncer: Syncer, state: SyncState) -> None:
    payload = requests.undated(syncer.log(state), offset=state.scan_offset)
    try:
        reply = syncer.ask(state, payload)
    except RequestRefused:
        _finish(syncer, state, complete=False)
        return
    documents = syncer.read(reply)
    offset = state.scan_offset + len(reply.documents)
    syncer.store(reply, documents, {"scan_offset": offset})
    if any(document.logged_at for document in failures_in(documents)):
        # They do carry a timestamp, under another name than the one we ask by.
        syncer.set(step=SyncState.Step.FIRST, mode=SyncState.Mode.UNDECIDED, answered_at=None)
    if offset >= reply.found or not reply.documents:
        after = syncer.ask(state, requests.count(syncer.log(state)))
        syncer.store(after, [], {"found": after.found, "found_at": after.asked_at})
        # Documents may come and go during a scan, so the smaller of the two counts is needed.
        few = min(after.found, after.found if state.scan_found is None else state.scan_found)
        assert state.scan_started_at
        complete = _seen_since(state.scan_started_at) >= few
        _finish(syncer, syncer.state(), complete=complete)


def page(syncer: Syncer, state: SyncState) -> None:
    """Read the next page of the documented request, until a page brings nothing new."""
    if state.scan_started_at is None:
        state = _begin(syncer)
    assert state.scan_started_at
    payload = requests.documented_page(syncer.log(state), start=state.scan_offset)
    reply = syncer.ask(state, payload)
    before = _seen_since(state.scan_started_at)
    offset = state.scan_offset + len(reply.documents)
    found = reply.found if state.scan_found is None else state.scan_found
    names = field_names(reply.documents)
    changes: Changes = {
        "scan_offset": offset,
        "scan_found": found,
        "found": reply.found,
        "found_at": reply.asked_at,
        "count_due": False,
        **names,
    }
    if any(getattr(state, column) != name for column, name in names.items()):
        changes["mode_decided_at"] = None  # a range under the new name may work
    syncer.store(reply, syncer.read(reply), changes)
    seen = _seen_since(state.scan_started_at)
    if seen > before and offset < reply.found:
        return
    if seen == found == reply.found:
        _finish(syncer, syncer.state(), complete=True)
    elif state.scan_try + 1 < TRIES:
        SyncState.objects.filter(pk=SyncState.ONLY).update(
            scan_try=F("scan_try") + 1, scan_offset=0, scan_found=None
        )
    else:
        _finish(syncer, syncer.state(), complete=False)


def _finish(syncer: Syncer, state: SyncState, *, complete: bool) -> None:
    assert state.scan_started_at
    began, now = state.scan_started_at, timezone.now()
    if complete:
        _mark_left(syncer, began)
    seconds = (now - began).total_seconds()
    words = "complete" if complete else "not complete"
    note(SyncEvent.Kind.SCANNED, f"{words}, {seconds:.1f} s, {state.found or 0:,} in the log")
    with transaction.atomic():
        syncer.set(
            **{
                **NO_SCAN,
                "scan_ended_at": now,
                "scan_seconds": seconds,
                "scan_complete": complete,
                "loaded_at": state.loaded_at or now,
                "sweep_due": False,
                "count_due": state.mode == SyncState.Mode.RANGE,
                "differs_times": 0,
                "kept": documents_kept(),
                "unreadable": Unreadable.objects.filter(left_log_at=None).count(),
                "revision": F("revision") + 1,
            }
        )
    if state.loaded_at is None:
        refresh_statistics()


# ------------------------------------------------------------------------------ what left the log


def _mark_left(syncer: Syncer, began: datetime) -> None:
    """Mark attempts that left the log: absent from a complete scan and from a look-up."""
    with transaction.atomic():
        syncer.hold_lease()
        unreadable = Unreadable.objects.filter(left_log_at=None, seen_last_at__lt=began)
        syncer.rows_changed(unreadable.update(left_log_at=timezone.now()))
    seen = Attempt.objects.filter(seen_last_at__gte=began)
    absent = (
        Attempt.objects.filter(left_log_at=None, seen_last_at__lt=began)
        .exclude(document_key__in=seen.values("document_key"))
        .select_related("order")
        .only("document_key", "expires_at", "order__order_name")
    )
    by_name: dict[str, list[Attempt]] = {}
    by_id: dict[str, list[Attempt]] = {}
    for attempt in absent.iterator():
        name = attempt.order.order_name
        groups = by_name if name else by_id
        groups.setdefault(name or attempt.document_key, []).append(attempt)
    control = seen.exclude(order__order_name="").order_by("-pk").first()
    if control is not None:
        _mark_absent(syncer, BY_NAME, by_name, control.order.order_name)
    control = seen.exclude(document_key__startswith="sha256:").order_by("-pk").first()
    if control is not None:
        _mark_absent(syncer, BY_ID, by_id, control.document_key)


def _mark_absent(
    syncer: Syncer, forms: Sequence[Form], groups: dict[str, list[Attempt]], control: str
) -> None:
    wanted = list(groups)
    for i in range(0, len(wanted), NAMES_A_REQUEST - 1):
        chunk = wanted[i : i + NAMES_A_REQUEST - 1]
        reply = syncer.find(forms, chunk, control)
        if reply is None:
            return
        there = keys_of(syncer.read(reply))
        gone = [a for key in chunk for a in groups[key] if a.document_key not in there]
        _mark(syncer, gone)


def _mark(syncer: Syncer, gone: list[Attempt]) -> None:
    now = timezone.now()
    expired = [a.pk for a in gone if a.expires_at and a.expires_at <= now]
    removed = [a.pk for a in gone if not a.expires_at or a.expires_at > now]
    with transaction.atomic():
        syncer.hold_lease()
        for keys, reason in ((expired, Attempt.Left.EXPIRED), (removed, Attempt.Left.REMOVED)):
            Attempt.objects.filter(pk__in=keys).update(left_log_at=now, left_log_reason=reason)
        orders = Attempt.objects.filter(pk__in=[a.pk for a in gone])
        roll_up(set(orders.values_list("order_id", flat=True)))
        syncer.rows_changed(len(gone))


# ------------------------------------------------------------------------------ what was seen


def _seen_since(began: datetime) -> int:
    seen = Attempt.objects.filter(seen_last_at__gte=began)
    documents = seen.values("document_key").distinct().count()
    return documents + Unreadable.objects.filter(seen_last_at__gte=began).count()


def _unknown(documents: list[FailureDocument]) -> list[FailureDocument]:
    keys = {document.document_key for document in documents}
    rows = Attempt.objects.filter(document_key__in=keys, left_log_at=None)
    known = set(rows.values_list("document_key", "logged_key"))
    return [d for d in documents if (d.document_key, d.logged_key) not in known]


def _touch(documents: list[FailureDocument], seen_at: datetime) -> None:
    keys = {document.document_key for document in documents}
    Attempt.objects.filter(document_key__in=keys).update(seen_last_at=seen_at)


def _wider(seconds: int, late: list[FailureDocument], watermark: datetime | None) -> int:
    """Widen the overlap (5, 15, 60 minutes) for documents that became visible too late."""
    if not watermark or not any(d.logged_at and d.logged_at < watermark for d in late):
        return seconds
    return 900 if seconds < 900 else 3600
