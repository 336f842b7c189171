"""Who asks HotWax, and when: the watcher all the time, `manage.py sync` once, a page for itself.

A sync is a row of steps (steps.py); which one is due is a rule (schedule.py). The watcher takes
steps until nothing is due; a page without a watcher takes one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from reconciler.hotwax.client import Client, Endpoint
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import SyncState
from reconciler.ledger.sync import lease
from reconciler.ledger.sync.schedule import (
    AnotherHotWax,
    Source,
    current_state,
    due,
    due_for_page,
    fresh,
    older,
    scan_pause,
    source,
    watcher_is_alive,
)
from reconciler.ledger.sync.syncer import Syncer, count_kept

__all__ = [
    "AnotherHotWax",
    "Answer",
    "Source",
    "Syncer",
    "ask_now",
    "beat",
    "count_kept",
    "current_state",
    "due",
    "fresh",
    "refresh_for_page",
    "scan_pause",
    "source",
    "sync_once",
    "watch_cycle",
    "watcher_is_alive",
]

#: A page without a watcher waits no longer than this for HotWax, in seconds.
PAGE_TIMEOUT = 0.8
ASK_NOW_TIMEOUT = 5.0


def refresh_for_page(client_of: Callable[[Endpoint], Client] = Client) -> None:
    """Ask once, briefly, if nobody else does: at most once per interval over all processes."""
    state, now = current_state(), timezone.now()
    if watcher_is_alive(state, now) or (state.back_off_until and state.back_off_until > now):
        return
    step = due_for_page(state, now)
    if step and older(state.asked_at, fresh(), now):
        _step_for_page(state, step, PAGE_TIMEOUT, client_of)


@dataclass(frozen=True)
class Answer:
    """What "Ask HotWax now" brought: how many new documents, or why there is no answer."""

    new_documents: int = 0
    error: str = ""


def ask_now(client_of: Callable[[Endpoint], Client] = Client) -> Answer:
    """Ask what changed, at once, for a person who wants to know."""
    state, now = current_state(), timezone.now()
    step = due(state, now)
    if state.mode == SyncState.Mode.RANGE and state.step == SyncState.Step.DONE:
        step = "catch_up"
    elif not step:
        step = "page" if state.mode == SyncState.Mode.COMPATIBLE else "first"
    return _step_for_page(state, step, ASK_NOW_TIMEOUT, client_of, insist=True)


def _step_for_page(
    state: SyncState,
    step: str,
    timeout: float,
    client_of: Callable[[Endpoint], Client],
    *,
    insist: bool = False,
) -> Answer:
    owner = lease.new_owner("page")
    conditions = {} if insist else {"asked_at": state.asked_at}
    tries = 10 if insist else 1
    while not lease.take(owner, lease.PAGE_LEASE, **conditions):
        tries -= 1
        if not tries:
            return Answer(error="Somebody else is asking HotWax right now.")
        time.sleep(0.2)
    try:
        with client_of(source().endpoint) as client:
            syncer = Syncer(client, owner, timeout=timeout)
            syncer.take_step(step)
            return Answer(syncer.new_documents)
    except (HotWaxError, lease.LeaseLost) as error:
        return Answer(error=str(error))
    finally:
        lease.give_back(owner)


def sync_once(syncer: Syncer, report: Callable[[SyncState], None]) -> SyncState:
    """Load what is missing, then read the whole log once. The lease must be held.

    Returns the state after that scan; raises HotWaxError, LeaseLost.
    """
    began = timezone.now()
    SyncState.objects.filter(pk=SyncState.ONLY).update(
        sweep_due=True, caught_up_at=None, scan_ended_at=None, answered_at=None
    )
    while step := _next_of_once(current_state(), began):
        syncer.take_step(step)
        report(current_state())
    if current_state().mode == SyncState.Mode.RANGE:
        syncer.take_step("count")
    return current_state()


def _next_of_once(state: SyncState, began: datetime) -> str:
    answered = state.answered_at is not None and state.answered_at >= began
    if state.step == SyncState.Step.FIRST and answered:
        return ""  # an empty log
    scanned = state.scan_ended_at is not None and state.scan_ended_at >= began
    if scanned and not state.sweep_due and not state.scan_started_at:
        return ""
    step = due(state, timezone.now())
    return "sweep" if step in ("", "count") and state.mode == SyncState.Mode.RANGE else step


def watch_cycle(syncer: Syncer, keep_on: Callable[[], bool]) -> None:
    """Take every step that is due. The lease must be held. Raises HotWaxError, LeaseLost."""
    while keep_on():
        state, now = current_state(), timezone.now()
        step = due(state, now)
        if not step or (state.back_off_until and state.back_off_until > now):
            return
        syncer.take_step(step, heartbeat=True)


def beat() -> None:
    """Give the watcher's sign of life."""
    SyncState.objects.filter(pk=SyncState.ONLY).update(heartbeat_at=timezone.now())
