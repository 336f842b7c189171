"""Which HotWax, and which step is due: rules over SyncState, without asking anybody."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from reconciler.hotwax.client import Endpoint
from reconciler.hotwax.documents import Reading
from reconciler.ledger.models import SyncState
from reconciler.ledger.signatures import rules as signatures

SWEEP_EVERY = timedelta(hours=6)
#: Compatible mode reads the whole log at most so often, and for at most a tenth of the time.
SCAN_PAUSE = timedelta(minutes=5)
COUNT_EVERY = timedelta(minutes=5)


class AnotherHotWax(Exception):
    """The ledger belongs to another HotWax than the settings name."""

    def __init__(self, ledger: str, wanted: str) -> None:
        super().__init__(
            f"This ledger was filled from {ledger}, but the settings name {wanted}. "
            "Set HOTWAX_URL, HOTWAX_CORE and HOTWAX_DOC_TYPE back, or give the other HotWax a "
            "database of its own with DATABASE_URL."
        )


@dataclass(frozen=True)
class Source:
    """Which HotWax the settings name, and how its documents are to be read."""

    endpoint: Endpoint
    core: str
    doc_type: str
    reading: Reading

    @property
    def instance(self) -> str:
        """What the ledger remembers to recognise it by."""
        return f"{self.endpoint.url} {self.core} {self.doc_type}"

    @property
    def derivation(self) -> str:
        """Changes whenever rows would be derived differently from the same documents."""
        parts = f"{self.reading.fingerprint} signatures {signatures.VERSION}"
        return hashlib.sha256(parts.encode()).hexdigest()


def source() -> Source:
    """Read the settings."""
    return Source(
        Endpoint(
            settings.HOTWAX_URL,
            settings.HOTWAX_API,
            settings.HOTWAX_METHOD,
            settings.HOTWAX_TOKEN,
            settings.HOTWAX_TIMEOUT_SECONDS,
            settings.HOTWAX_USERNAME,
            settings.HOTWAX_PASSWORD,
        ),
        settings.HOTWAX_CORE,
        settings.HOTWAX_DOC_TYPE,
        Reading(ZoneInfo(settings.HOTWAX_TIME_ZONE), settings.SHOPIFY_STORES),
    )


def fresh() -> timedelta:
    """Interval between two questions: HOTWAX_FRESH_SECONDS."""
    return timedelta(seconds=settings.HOTWAX_FRESH_SECONDS)


def current_state() -> SyncState:
    """Load the one row; raise AnotherHotWax if it belongs to another instance."""
    now = source()
    state, _ = SyncState.objects.get_or_create(
        pk=SyncState.ONLY, defaults={"derived_by": now.derivation}
    )
    wanted = now.instance
    if state.instance and state.instance != wanted:
        raise AnotherHotWax(state.instance, wanted)
    return state


def watcher_is_alive(state: SyncState, now: datetime) -> bool:
    """Say whether a watcher gave a sign of life within three intervals."""
    return state.heartbeat_at is not None and now - state.heartbeat_at < 3 * fresh()


def scan_pause(state: SyncState) -> timedelta:
    """Time between two scans of compatible mode: 5 minutes, or nine times the last scan."""
    return max(SCAN_PAUSE, timedelta(seconds=9 * state.scan_seconds))


def due(state: SyncState, now: datetime) -> str:
    """Name the step to take next; "" if nothing is due. Catch-up goes first."""
    if state.derived_by != source().derivation:
        return "derive"
    if state.step == SyncState.Step.FIRST:
        return "first" if older(state.answered_at, fresh(), now) else ""
    if state.step in (SyncState.Step.NAMES, SyncState.Step.INSIDE, SyncState.Step.OUTSIDE):
        return str(state.step)
    if state.mode == SyncState.Mode.COMPATIBLE:
        if state.scan_started_at or older(state.scan_ended_at, scan_pause(state), now):
            return "page"
        return "first" if older(state.mode_decided_at, SWEEP_EVERY, now) else ""
    return _due_in_range_mode(state, now)


def _due_in_range_mode(state: SyncState, now: datetime) -> str:
    if state.catch_up_from or older(state.caught_up_at, fresh(), now):
        return "catch_up"
    return _beside_catching_up(state, now)


def due_for_page(state: SyncState, now: datetime) -> str:
    """Name the step that a page takes: catching up and the rest in turn, and never a sweep.

    A page comes once per interval, and then catching up is always due.
    """
    step = due(state, now)
    if step == "catch_up" and state.last_step == "catch_up" and not state.catch_up_from:
        step = _beside_catching_up(state, now)
        if step == "sweep":
            step = "count" if state.count_due else ""
        step = step or "catch_up"
    elif step == "sweep":  # too much for a page; what differs shows in the count
        step = "count" if older(state.found_at, fresh(), now) else ""
    return step


def _beside_catching_up(state: SyncState, now: datetime) -> str:
    if state.step in (SyncState.Step.DATED, SyncState.Step.UNDATED):
        return str(state.step)
    if state.scan_started_at or state.sweep_due or older(state.scan_ended_at, SWEEP_EVERY, now):
        return "sweep"
    return "count" if state.count_due or older(state.found_at, COUNT_EVERY, now) else ""


def older(moment: datetime | None, than: timedelta, now: datetime) -> bool:
    """Say whether a moment is so long ago, or never was."""
    return moment is None or now - moment >= than
