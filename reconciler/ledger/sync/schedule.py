"""Which step is due: rules over SyncState and the time. Asks nobody."""

from datetime import datetime, timedelta

from reconciler.ledger.models import SyncState
from reconciler.ledger.queries import CLOCK_TOLERANCE
from reconciler.ledger.sync.source import AnotherHotWax, Source, configured_source, interval

Step = SyncState.Step

SWEEP_EVERY = timedelta(hours=6)
#: In compatible mode the whole log is read at most this often, and for at most a tenth of the time.
SCAN_PAUSE = timedelta(minutes=5)
COUNT_EVERY = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(seconds=60)


def current_state(source: Source | None = None) -> SyncState:
    """Return the one row of SyncState; raise AnotherHotWax if it belongs to another instance."""
    source = source or configured_source()
    state, _ = SyncState.objects.get_or_create(
        pk=SyncState.ONLY, defaults={"derived_by": source.derivation}
    )
    if state.instance and state.instance != source.instance:
        raise AnotherHotWax(state.instance, source.instance)
    return state


def watcher_is_alive(state: SyncState, now: datetime) -> bool:
    """Return True if a watcher's heartbeat is younger than three intervals."""
    return not older(state.heartbeat_at, 3 * interval(), now)


def is_backing_off(state: SyncState, now: datetime) -> bool:
    """Return True while HotWax must not be asked after a failure."""
    until = state.back_off_until
    return until is not None and now < until <= now + LONGEST_BACK_OFF + CLOCK_TOLERANCE


def scan_pause(state: SyncState) -> timedelta:
    """Return the time between two scans: 5 minutes, or nine times as long as the last one took."""
    return max(SCAN_PAUSE, timedelta(seconds=9 * state.scan_seconds))


def due(state: SyncState, now: datetime, source: Source | None = None) -> Step | None:
    """Return the step to take next; None if nothing is due.

    Catching up goes first, and then takes turns with the rest.
    """
    if state.derived_by != (source or configured_source()).derivation:
        return Step.DERIVE
    if state.step == Step.FIRST:
        return Step.FIRST if older(state.answered_at, interval(), now) else None
    if state.step in (Step.NAMES, Step.INSIDE, Step.OUTSIDE):
        return Step(state.step)
    if state.mode == SyncState.Mode.COMPATIBLE:
        if state.scan_started_at or older(state.scan_ended_at, scan_pause(state), now):
            return Step.PAGE
        return Step.FIRST if older(state.mode_decided_at, SWEEP_EVERY, now) else None
    beside = _due_beside_catching_up(state, now)
    if not _catching_up_is_due(state, now):
        return beside
    # In turns: where one step takes longer than the interval, catching up is always due.
    others_turn = state.last_step == Step.CATCH_UP and not state.catch_up_from
    return beside or Step.CATCH_UP if others_turn else Step.CATCH_UP


def due_for_page(state: SyncState, now: datetime) -> Step | None:
    """Return the step that a page takes: what is due, but never a sweep.

    A sweep is too long for a page; the count shows whether one is needed.
    """
    step = due(state, now)
    if step != Step.SWEEP:
        return step
    if _catching_up_is_due(state, now):
        return Step.COUNT if state.count_due else Step.CATCH_UP
    return Step.COUNT if older(state.found_at, interval(), now) else None


def _catching_up_is_due(state: SyncState, now: datetime) -> bool:
    return bool(state.catch_up_from) or older(state.caught_up_at, interval(), now)


def _due_beside_catching_up(state: SyncState, now: datetime) -> Step | None:
    if state.step in (Step.DATED, Step.UNDATED):
        return Step(state.step)
    if state.scan_started_at or state.sweep_due or older(state.scan_ended_at, SWEEP_EVERY, now):
        return Step.SWEEP
    return Step.COUNT if state.count_due or older(state.found_at, COUNT_EVERY, now) else None


def older(moment: datetime | None, than: timedelta, now: datetime) -> bool:
    """Return True if ``moment`` is at least ``than`` ago, or never was."""
    return moment is None or is_ahead(moment, now) or now - moment >= than


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Return True if a moment of the past lies in the future: a clock was ahead."""
    return moment - now > CLOCK_TOLERANCE
