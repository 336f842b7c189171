"""Who takes steps, and when: the watcher all the time, `manage.py sync` once, a page for itself.

schedule.py says which step is due. The watcher takes steps until none is; a page without a watcher
takes one.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.exceptions import HotWaxError, MalformedReply, RequestRefused
from reconciler.ledger.database import UNAVAILABLE, brief_wait, reason_of
from reconciler.ledger.derive import derive_again
from reconciler.ledger.models import SyncEvent, SyncState
from reconciler.ledger.models import UnreadableDocument as Unreadable
from reconciler.ledger.sync import detection, lease, range_mode, scans
from reconciler.ledger.sync.schedule import (
    current_state,
    due,
    due_for_page,
    is_backing_off,
    older,
    watcher_is_alive,
)
from reconciler.ledger.sync.source import configured_source, interval
from reconciler.ledger.sync.syncer import Changes, Syncer, documents_kept, note
from reconciler.ledger.work.reopening import reopen_unasked

logger = logging.getLogger(__name__)

Step = SyncState.Step
#: A page without a watcher waits no longer than this for HotWax, in seconds.
PAGE_TIMEOUT = 0.8
ASK_NOW_TIMEOUT = 5.0


def derive(syncer: Syncer, state: SyncState) -> None:
    """Read the next kept documents again, after a setting or a rule changed."""
    source = syncer.source
    with transaction.atomic():
        syncer.hold_lease()
        last = derive_again(state.derive_cursor, source.doc_type, source.reading, source.rules)
        changes: Changes = {"derive_cursor": last, "revision": F("revision") + 1}
        if not last:
            note(SyncEvent.Kind.DERIVED, "every document, after a setting or a rule changed")
            changes |= {
                "derived_by": source.derivation,
                "kept": documents_kept(),
                "unreadable": Unreadable.objects.filter(left_log_at=None).count(),
            }
        SyncState.objects.filter(pk=SyncState.ONLY).update(**changes)


STEPS: dict[Step, Callable[[Syncer, SyncState], None]] = {
    Step.DERIVE: derive,
    Step.FIRST: detection.first,
    Step.NAMES: detection.names,
    Step.INSIDE: detection.inside,
    Step.OUTSIDE: detection.outside,
    Step.DATED: range_mode.dated,
    Step.UNDATED: range_mode.undated,
    Step.CATCH_UP: range_mode.catch_up,
    Step.COUNT: range_mode.count,
    Step.SWEEP: scans.sweep,
    Step.PAGE: scans.page,
}


def take_step(syncer: Syncer, step: Step, *, heartbeat: bool = False) -> None:
    """Take one step. Raises HotWaxError, after noting it, or LeaseLost."""
    state = syncer.state()
    now = timezone.now()
    beat = {"heartbeat_at": now} if heartbeat else {}
    syncer.set(asked_at=now, last_step=step, instance=syncer.source.instance, **beat)
    try:
        STEPS[step](syncer, state)
    except RequestRefused as error:
        _try_otherwise(syncer, state, step, error)
    except HotWaxError as error:
        syncer.note_failure(state, error)
        raise
    except (lease.LeaseLost, *UNAVAILABLE):
        raise
    except Exception as error:
        # Whatever HotWax answered, it must not end the watcher or a page.
        logger.exception("Step %s", step)
        odd = MalformedReply(
            f"An answer of HotWax's could not be worked on ({type(error).__name__})."
        )
        syncer.note_failure(state, odd)
        raise odd from error


def _try_otherwise(syncer: Syncer, state: SyncState, step: Step, error: RequestRefused) -> None:
    """Choose another way to ask after a refusal; raise ``error`` where there is none."""
    if error.not_solr or step == Step.NAMES:
        syncer.note_failure(state, error)
        raise error
    if step == Step.FIRST and not state.probe_try:
        syncer.set(probe_try=1)  # without a sort
    elif step in (Step.FIRST, Step.COUNT, Step.PAGE):
        # docType may go by another name: learn the names before giving up.
        syncer.set(step=Step.NAMES, mode=SyncState.Mode.UNDECIDED)
    else:
        detection.turn_compatible(syncer, f"HotWax refuses to search by time: {error}")


# ------------------------------------------------------------------------------------- pages


@dataclass(frozen=True)
class Refresh:
    """Whether a page asked HotWax, and why nothing new can be kept (empty if it can)."""

    tried: bool = False
    not_kept: str = ""


def refresh_for_page(
    state: SyncState, now: datetime, client_of: Callable[[Endpoint], Client] = Client
) -> Refresh:
    """Take a step if nobody else does: at most one per interval over all processes.

    Waits at most PAGE_TIMEOUT seconds for HotWax, and PAGE_WAIT seconds for a lock. A database
    that cannot be written to is no error here: the page answers from what is kept.
    """
    if watcher_is_alive(state, now) or is_backing_off(state, now):
        return Refresh()
    step = due_for_page(state, now)
    if step is None or not older(state.asked_at, interval(), now):
        return Refresh()
    try:
        _step_for_page(state, step, PAGE_TIMEOUT, client_of)
    except UNAVAILABLE as error:
        logger.warning("Nothing new can be kept: %s", error)
        return Refresh(not_kept=reason_of(error))
    return Refresh(tried=True)


@dataclass(frozen=True)
class Answer:
    """What "Ask HotWax now" brought: how many new documents, or why there is none."""

    new_documents: int = 0
    #: Why HotWax gave no answer, in whole sentences; empty if it did.
    error: str = ""
    #: Why nothing new can be kept, as a part of a sentence; empty if it can.
    not_kept: str = ""


def ask_now(client_of: Callable[[Endpoint], Client] = Client) -> Answer:
    """Ask what changed, at once, for a person who wants to know."""
    state = current_state()
    step = due(state, timezone.now())
    if state.mode == SyncState.Mode.RANGE and state.step == Step.DONE:
        step = Step.CATCH_UP
    elif step is None:
        step = Step.PAGE if state.mode == SyncState.Mode.COMPATIBLE else Step.FIRST
    try:
        return _step_for_page(state, step, ASK_NOW_TIMEOUT, client_of, insist=True)
    except UNAVAILABLE as error:
        logger.warning("Nothing new can be kept: %s", error)
        return Answer(not_kept=reason_of(error))


def _answer_to_others(before: SyncState) -> Answer | None:
    """Return what somebody else was answered since; None if nothing came yet."""
    now = current_state()
    if now.last_error_at != before.last_error_at and now.failing_since:
        return Answer(error=now.last_error)
    if now.answered_at is None or now.answered_at == before.answered_at:
        return None
    return Answer(new_documents=max(0, now.kept - before.kept))


def _step_for_page(
    state: SyncState,
    step: Step,
    timeout: float,
    client_of: Callable[[Endpoint], Client],
    *,
    insist: bool = False,
) -> Answer:
    owner = lease.new_owner("page")
    conditions = {} if insist else {"asked_at": state.asked_at}
    tries = 10 if insist else 1
    with brief_wait():
        while not lease.take(owner, lease.PAGE_LEASE, **conditions):
            tries -= 1
            if not tries:
                return Answer(error="Somebody else is asking HotWax right now.")
            time.sleep(0.2)
            if insist and (answer := _answer_to_others(state)):
                return answer
        try:
            with client_of(configured_source().endpoint) as client:
                syncer = Syncer(client, owner, timeout=timeout)
                take_step(syncer, step)
                reopen_unasked(timezone.now())
                return Answer(syncer.new_documents)
        except (HotWaxError, lease.LeaseLost) as error:
            return Answer(error=str(error))
        finally:
            lease.give_back_if_possible(owner)


# ------------------------------------------------------------------------- commands


def sync_once(syncer: Syncer, report: Callable[[SyncState], None]) -> SyncState:
    """Load what is missing, then read the whole log once. The lease must be held.

    Returns the state after that scan. Raises HotWaxError, LeaseLost.
    """
    began = timezone.now()
    SyncState.objects.filter(pk=SyncState.ONLY).update(
        sweep_due=True, caught_up_at=None, scan_ended_at=None, answered_at=None
    )
    while step := _next_of_once(syncer, began):
        take_step(syncer, step)
        report(syncer.state())
    if syncer.state().mode == SyncState.Mode.RANGE:
        take_step(syncer, Step.COUNT)
    reopen_unasked(timezone.now())
    return syncer.state()


def _next_of_once(syncer: Syncer, began: datetime) -> Step | None:
    state = syncer.state()
    answered = state.answered_at is not None and state.answered_at >= began
    if state.step == Step.FIRST and answered:
        return None  # an empty log
    scanned = state.scan_ended_at is not None and state.scan_ended_at >= began
    if scanned and not state.sweep_due and not state.scan_started_at:
        return None
    step = due(state, timezone.now(), syncer.source)
    if step in (None, Step.COUNT) and state.mode == SyncState.Mode.RANGE:
        return Step.SWEEP
    return step


def watch_cycle(syncer: Syncer, keep_on: Callable[[], bool]) -> None:
    """Take every step that is due. The lease must be held. Raises HotWaxError, LeaseLost."""
    while keep_on():
        state, now = syncer.state(), timezone.now()
        step = due(state, now, syncer.source)
        if step is None or is_backing_off(state, now):
            return
        take_step(syncer, step, heartbeat=True)


def beat() -> None:
    """Write the watcher's heartbeat."""
    SyncState.objects.filter(pk=SyncState.ONLY).update(heartbeat_at=timezone.now())
