"""Which mode fits this HotWax: three requests decide between range and compatible mode.

    first ─ inside ─ outside ─┬─ range mode:      range_mode.py, sweeps of scans.py
      │                       └─ compatible mode: page after page, scans.py
      └─ names (where docType is unknown) ─ first

A tokenised text timestamp answers range and sort without an error, and wrongly. So a range counts
only if it finds what is in it and leaves out what is not (LEDGER.md §2).
"""

import logging
from typing import Any

from django.utils import timezone

from reconciler.hotwax import requests
from reconciler.hotwax.documents import FIELD_OF_NAME
from reconciler.hotwax.exceptions import RequestRefused
from reconciler.hotwax.ranges import SECOND, fault_of_page, newest, whole_second
from reconciler.ledger.models import SyncEvent, SyncState
from reconciler.ledger.sync.syncer import Changes, Syncer, failures_in, keys_of, note

logger = logging.getLogger(__name__)

#: Columns of SyncState for the names of the fields that requests use.
_COLUMNS = {
    "doc_type": "doc_type_field",
    "timestamp": "timestamp_field",
    "document_id": "document_id_field",
    "order_name": "order_name_field",
}
#: SyncState while no scan is under way.
NO_SCAN: Changes = {
    "scan_started_at": None,
    "scan_offset": 0,
    "scan_from": None,
    "scan_undated": False,
    "scan_try": 0,
    "scan_found": None,
}


def first(syncer: Syncer, state: SyncState) -> None:
    """Ask for the newest documents, their number and the names of their fields."""
    request = requests.documented_page if state.probe_try else requests.latest
    reply = syncer.ask(state, request(syncer.log(state)))
    documents = syncer.read(reply)
    latest = newest(failures_in(documents))
    changes: Changes = {
        "found": reply.found,
        "found_at": reply.asked_at,
        "count_due": False,
        **field_names(reply.documents),
    }
    if len(keys_of(documents)) == reply.found:
        changes["loaded_at"] = state.loaded_at or reply.asked_at
    if latest:
        changes |= {"step": SyncState.Step.INSIDE, "probe_at": latest.logged_at}
    syncer.store(reply, documents, changes)
    if reply.documents and not latest:
        turn_compatible(syncer, "no document carries a timestamp")


def names(syncer: Syncer, state: SyncState) -> None:
    """Learn the names of the fields from documents of any type, then begin anew."""
    reply = syncer.ask(state, requests.anything(syncer.log(state)))
    found = field_names(reply.documents)
    if not reply.documents or found.get("doc_type_field", "") == state.doc_type_field:
        syncer.set(step=SyncState.Step.FIRST)
        core = syncer.source.core
        raise RequestRefused(
            f"HotWax's core {core} does not know the field docType."
            if reply.documents
            else f"HotWax refuses to search its core {core}, which is empty."
        )
    syncer.store(reply, [], {"step": SyncState.Step.FIRST, "answered_at": None, **found})


def inside(syncer: Syncer, state: SyncState) -> None:
    """Ask whether a range finds what is in it: the second of a document just seen."""
    assert state.probe_at
    since = whole_second(state.probe_at)
    before = since + SECOND
    reply = syncer.ask(state, requests.span(syncer.log(state), since, before))
    documents = syncer.read(reply)
    if fault := fault_of_page(failures_in(documents), since, before):
        turn_compatible(syncer, fault)
    elif documents:
        syncer.store(reply, documents, {"step": SyncState.Step.OUTSIDE})
    elif state.probe_try < 2:  # the document may have been indexed anew meanwhile: take another
        again = {"step": SyncState.Step.FIRST, "answered_at": None}
        syncer.store(reply, [], {"probe_try": state.probe_try + 1, **again})
    else:
        turn_compatible(syncer, "the server finds nothing in a range that holds a document")


def outside(syncer: Syncer, state: SyncState) -> None:
    """Ask whether a range leaves out what is not in it: what is newer than the newest."""
    assert state.probe_at
    since = whole_second(state.probe_at) + SECOND
    reply = syncer.ask(state, requests.span(syncer.log(state), since, None))
    documents = syncer.read(reply)
    if fault := fault_of_page(failures_in(documents), since, None):
        turn_compatible(syncer, fault)
        return
    loaded = state.loaded_at is not None
    changes: Changes = {
        "mode": SyncState.Mode.RANGE,
        "mode_reason": "",
        "mode_decided_at": reply.asked_at,
        "probe_try": 0,
        "step": SyncState.Step.DONE if loaded else SyncState.Step.DATED,
        "watermark": min(state.probe_at, reply.asked_at),
        "watermark_key": "",
        "backfill_cursor": None,
        "backfill_offset": 0,
        "caught_up_at": None,
        **NO_SCAN,
    }
    if loaded:
        changes["scan_ended_at"] = reply.asked_at
    syncer.store(reply, documents, changes)
    note(SyncEvent.Kind.MODE, "range and sort on the timestamp work")


def turn_compatible(syncer: Syncer, reason: str) -> None:
    """Turn to compatible mode; ``reason`` is what the trust line says."""
    logger.warning("Compatible mode: %s", reason)
    note(SyncEvent.Kind.MODE, f"compatible: {reason}")
    syncer.set(
        **{
            **NO_SCAN,
            "mode": SyncState.Mode.COMPATIBLE,
            "mode_reason": reason[:300],
            "mode_decided_at": timezone.now(),
            "step": SyncState.Step.DONE,
            "catch_up_from": None,
            "sweep_due": False,
            "scan_ended_at": None,
        }
    )


def field_names(raw_documents: list[Any]) -> Changes:
    """Return the names under which documents carry the fields that requests use."""
    found: Changes = {}
    for raw in raw_documents:
        if isinstance(raw, dict):
            for name, value in raw.items():
                column = _COLUMNS.get(FIELD_OF_NAME.get(name, ""))
                if column and value and column not in found and len(name) <= 100:
                    found[column] = name
        if len(found) == len(_COLUMNS):
            break
    return found
