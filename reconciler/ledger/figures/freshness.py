"""How fresh the ledger is, and how the connection to HotWax stands. Asks nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db.models import Max, Min
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan
from django.utils import timezone

from reconciler.hotwax.auth import expiry_of
from reconciler.hotwax.documents import from_text
from reconciler.ledger.figures.cache import cached
from reconciler.ledger.models import (
    Attempt,
    FailedOrder,
    SyncEvent,
    SyncState,
    UnreadableDocument,
    Verdict,
)
from reconciler.ledger.queries import (
    CLOCK_TOLERANCE,
    FailedOrderQuerySet,
    failed_orders,
    is_open,
)
from reconciler.ledger.sync.connection_check import Finding, last_findings, seen_fields
from reconciler.ledger.sync.schedule import (
    current_state,
    older,
    scan_pause,
    watcher_is_alive,
)
from reconciler.ledger.sync.source import AnotherHotWax, configured_source, interval
from reconciler.ledger.work.due import SCHEDULE

#: HotWax's log forgets a failure after this time (HOTWAX.md: ttl "+60DAYS").
LOG_KEEPS = timedelta(days=60)


@dataclass(frozen=True)
class OrderIndexState:
    """What is known of the OMS order index, which says whether orders arrived."""

    #: live, down, loading or off (CONTRACTS.md, "Acting").
    state: str = "loading"
    asked_at: datetime | None = None
    #: Open orders with a name that have no verdict.
    unchecked: int = 0
    #: Why there is no answer, and what to do, in whole sentences; empty if there is one.
    error: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Freshness:
    """What is known of the ledger at ``now``. Read once a page. Counts are of log documents."""

    now: datetime
    #: live, stale, down or loading (CONTRACTS.md, "HTML hooks").
    state: str
    #: When the last answer was asked for; None before any.
    as_of: datetime | None
    #: Number of changes of the ledger so far: figures are cached under it.
    revision: int
    #: From when until when failures were observed; None before the first load is complete.
    seen: tuple[datetime, datetime] | None
    kept: int
    #: HotWax's last numFound; None before any answer.
    found: int | None
    unreadable: int
    #: range or compatible; the reason, if compatible.
    mode: str
    mode_reason: str
    failing_since: datetime | None
    next_try: datetime | None
    error: str
    remedy: str
    #: The whole log was read at least once.
    loaded: bool
    #: The last scan did not find as many documents as HotWax counts.
    short: bool
    zone: str
    #: While every row is derived again: how far it is, in per cent.
    deriving: int | None
    #: When HOTWAX_TOKEN ends, if it says so.
    token_ends_at: datetime | None = None
    #: By how much our clock is ahead of HotWax's; None if by less than a minute either way.
    clock_ahead: timedelta | None = None
    #: Why nothing new can be kept, as a part of a sentence; empty if it can.
    not_kept: str = ""
    #: How the asking of the OMS order index goes.
    oms: OrderIndexState = OrderIndexState()


def unchecked_orders(row: SyncState, now: datetime) -> int:
    """Count open orders that the OMS order index could be asked for and was not yet."""
    # By days, so that the number is counted once a change.
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return cached(row.revision, "unchecked", None, today, _unchecked(today).count)


@lru_cache(maxsize=1)
def _unchecked(today: datetime) -> FailedOrderQuerySet:
    """Return the orders of `unchecked_orders`: the same conditions all day, on every page."""
    # As an expression: by the index of these dates SQLite would read nearly all orders.
    young = GreaterThan(Coalesce("first_at", today), today - SCHEDULE[-1][0])
    return failed_orders().askable().filter(is_open(today), young, verdict=Verdict.UNCHECKED)


def _order_index(row: SyncState, unchecked: int) -> OrderIndexState:
    if row.oms_failing_since is not None:
        state = "off" if row.oms_off else "down"
    else:
        state = "loading" if unchecked or row.oms_answered_at is None else "live"
    return OrderIndexState(state, row.oms_answered_at, unchecked, row.oms_error, row.oms_remedy)


def freshness_of(
    row: SyncState, now: datetime, not_kept: str = "", unchecked: int = 0
) -> Freshness:
    """Return how fresh the ledger is by SyncState's row.

    ``unchecked`` open orders have a name and no verdict.
    """
    compatible = row.mode == SyncState.Mode.COMPATIBLE
    return Freshness(
        now=now,
        state=_state_of(row, now),
        as_of=row.answered_at,
        revision=row.revision,
        seen=_seen(row, now),
        kept=row.kept,
        found=row.found,
        unreadable=row.unreadable,
        mode="compatible" if compatible else "range",
        mode_reason=row.mode_reason if compatible else "",
        failing_since=row.failing_since,
        next_try=row.back_off_until if row.failing_since else None,
        error=row.last_error if row.failing_since else "",
        remedy=row.last_remedy if row.failing_since else "",
        loaded=row.loaded_at is not None,
        short=row.scan_seconds > 0 and row.scan_started_at is None and not row.scan_complete,
        zone=settings.HOTWAX_TIME_ZONE,
        deriving=_deriving(row),
        token_ends_at=expiry_of(settings.HOTWAX_TOKEN),
        clock_ahead=_clock_ahead(row),
        not_kept=not_kept,
        oms=_order_index(row, unchecked),
    )


def _clock_ahead(row: SyncState) -> timedelta | None:
    ahead = timedelta(seconds=row.clock_ahead_seconds)
    return ahead if abs(ahead) > CLOCK_TOLERANCE else None


def freshness() -> Freshness:
    """Return how fresh the ledger is now. Raises AnotherHotWax."""
    row, now = current_state(), timezone.now()
    return freshness_of(row, now, unchecked=unchecked_orders(row, now))


def _seen(row: SyncState, now: datetime) -> tuple[datetime, datetime] | None:
    # The log keeps a failure for LOG_KEEPS, so the first load reaches back that far, and after a
    # shorter pause in our asking the next answer holds all that was missed.
    if row.loaded_at is None or row.answered_at is None:
        return None
    return row.loaded_at - LOG_KEEPS, min(row.answered_at, now)


def _deriving(row: SyncState) -> int | None:
    if not row.derived_by or row.derived_by == configured_source().derivation:
        return None
    # By primary keys, which derivation follows: counting would cost every page a full scan. Each
    # end is asked for by itself: SQLite scans where both are wanted at once.
    first = FailedOrder.objects.aggregate(first=Min("pk"))["first"] or 0
    last = FailedOrder.objects.aggregate(last=Max("pk"))["last"] or 0
    return max(0, 100 * (row.derive_cursor - first + 1) // (last - first + 1))


def _state_of(row: SyncState, now: datetime) -> str:
    if row.failing_since is not None:
        return "down"
    if row.loaded_at is None:
        return "loading"
    limit = 3 * interval()
    if row.mode == SyncState.Mode.COMPATIBLE:
        # Nothing is asked between two scans, and the next one begins within one more interval.
        limit += scan_pause(row)
    return "stale" if older(row.answered_at, limit, now) else "live"


#: The status page judges the zone by this many orders.
NEWEST = 1_000


@dataclass(frozen=True)
class Status:
    """What the status page says beside the trust line."""

    row: SyncState
    instance: str
    api: str
    method_setting: str
    #: Collection of the OMS order index, "" for HotWax's default; shops whose product store is set.
    order_core: str
    product_stores: int
    watcher: bool
    #: Names of fields as last seen: canonical name ("" if unknown) and kind of value.
    fields: list[tuple[str, str, str]]
    #: Of the newest NEWEST orders with both dates: those first tried before they were created.
    negative_lags: tuple[int, int]
    findings: list[Finding]
    events: list[SyncEvent]
    unreadable: list[UnreadableDocument]


def status() -> Status:
    """Return how the connection to HotWax stands, without asking it."""
    row = current_state()
    recent = Attempt.objects.order_by("-seen_last_at", "-pk").values_list("raw", flat=True)[:100]
    fields = seen_fields([from_text(raw) for raw in recent])
    return Status(
        row=row,
        instance=settings.HOTWAX_URL,
        api=settings.HOTWAX_API,
        method_setting=settings.HOTWAX_METHOD,
        order_core=settings.HOTWAX_ORDER_CORE,
        product_stores=len(settings.SHOP_PRODUCT_STORES),
        watcher=watcher_is_alive(row, timezone.now()),
        fields=[(name, field, kind) for name, (field, kind) in fields.items()],
        negative_lags=_negative_lags(),
        findings=last_findings(row),
        events=list(SyncEvent.objects.all()[:30]),
        unreadable=list(UnreadableDocument.objects.order_by("-seen_last_at", "-pk")[:50]),
    )


def _negative_lags() -> tuple[int, int]:
    dated = FailedOrder.objects.exclude(order_created_at=None).exclude(first_attempted_at=None)
    pairs = dated.order_by("-pk").values_list("order_created_at", "first_attempted_at")[:NEWEST]
    early = [first for created, first in pairs if created and first and first < created]
    return len(early), len(pairs)


def check_readable() -> None:
    """Read a row of each table that every page reads.

    Raises AnotherHotWax, and DatabaseError where it cannot be read.
    """
    source = configured_source()
    row = SyncState.objects.filter(pk=SyncState.ONLY).first()
    if row and row.instance and row.instance != source.instance:
        raise AnotherHotWax(row.instance, source.instance)
    FailedOrder.objects.select_related("shop", "signature").first()
