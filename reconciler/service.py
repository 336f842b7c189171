"""The one door to the core: what pages, exports and commands of the dashboard may ask.

Every function answers from the ledger; ``refresh`` sees to it that the ledger is as fresh as it
can be without making anybody wait. All datetimes are in UTC.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Count, F, Q
from django.utils import timezone

from reconciler.hotwax.auth import expiry_of
from reconciler.hotwax.client import Client
from reconciler.hotwax.documents import ALIASES, FIELD_OF_NAME, as_text, from_text
from reconciler.hotwax.exceptions import HotWaxError
from reconciler.hotwax.links import admin_link, host_of, import_screen, link_of, mask_keys
from reconciler.ledger.figures.cache import kept, revision
from reconciler.ledger.figures.counts import (
    SHORT_SILENCE,
    counts_between,
    earliest,
    lags,
    latest,
    percentile,
    quarters,
    silence,
    totals,
)
from reconciler.ledger.figures.facets import FACETS, FacetValue, facets, shops_called, shops_of
from reconciler.ledger.models import (
    DATES,
    SORTS,
    VIEWS,
    Attempt,
    AttemptQuerySet,
    Category,
    ErrorSignature,
    FailedOrder,
    FailedOrderQuerySet,
    Retry,
    SignatureAlias,
    State,
    SyncEvent,
    SyncState,
    UnreadableDocument,
    signatures_named,
    view_condition,
)
from reconciler.ledger.signatures.corrections import correct
from reconciler.ledger.signatures.runbooks import LONGEST_TEXT as LONGEST_RUNBOOK
from reconciler.ledger.signatures.runbooks import (
    Runbook,
    RunbookChanged,
    edit_runbook,
    runbook_history,
    runbook_of,
)
from reconciler.ledger.signatures.statistics import (
    ErrorRow,
    error_row,
    error_rows,
    new_signatures,
    sample_texts,
)
from reconciler.ledger.sort_keys import name_keys
from reconciler.ledger.sync import watcher as sync
from reconciler.ledger.sync.connection_check import (
    Finding,
    check_and_remember,
    last_findings,
    seen_fields,
)
from reconciler.ledger.sync.lookup import look_up_now
from reconciler.ledger.sync.watcher import AnotherHotWax, Answer, ask_now

__all__ = [
    "ALIASES",
    "DATES",
    "FACETS",
    "FIELD_OF_NAME",
    "LOG_KEEPS",
    "LONGEST_RUNBOOK",
    "SHORT_SILENCE",
    "SORTS",
    "VIEWS",
    "AnotherHotWax",
    "Answer",
    "Attempt",
    "Category",
    "ErrorRow",
    "ErrorSignature",
    "FacetValue",
    "FailedOrder",
    "FailedOrderQuerySet",
    "Freshness",
    "HotWaxError",
    "Neighbours",
    "Retry",
    "Runbook",
    "RunbookChanged",
    "State",
    "Status",
    "SyncState",
    "UnreadableDocument",
    "admin_link",
    "answers_by_name",
    "as_text",
    "ask_now",
    "attempts_of",
    "check_connection",
    "correct",
    "counts_between",
    "earliest",
    "edit_runbook",
    "error_named",
    "error_row",
    "error_rows",
    "facets",
    "failed_order",
    "failed_orders",
    "following",
    "freshness",
    "from_text",
    "full_errors",
    "histogram",
    "host_of",
    "import_link",
    "kept",
    "lags",
    "latest",
    "link_of",
    "mask_keys",
    "neighbours",
    "new_signatures",
    "percentile",
    "quarters",
    "refresh",
    "revision",
    "runbook_history",
    "runbook_of",
    "sample_texts",
    "seen_between",
    "shops_called",
    "shops_of",
    "signatures_of",
    "silence",
    "sorted_value",
    "spans_by_error",
    "status",
    "templates_of",
    "totals",
    "view_counts",
]


#: HotWax's log forgets a failure after this time (HOTWAX.md: ttl "+60DAYS").
LOG_KEEPS = timedelta(days=60)

# --------------------------------------------------------------------------- how fresh it is


@dataclass(frozen=True)
class Freshness:
    """What the trust line says. Counts are of log documents."""

    #: live, stale, down or loading (CONTRACTS.md, "HTML hooks").
    state: str
    #: When the last answer was asked for; None before any.
    as_of: datetime | None
    kept: int
    #: HotWax's last numFound; None before any answer.
    found: int | None
    unreadable: int
    #: range or compatible; why, if compatible.
    mode: str
    mode_reason: str
    failing_since: datetime | None
    next_try: datetime | None
    error: str
    remedy: str
    #: The whole log was read at least once.
    loaded: bool
    #: The last complete reading did not find as many documents as HotWax counts.
    short: bool
    zone: str
    #: While every row is derived again: orders done, and of how many.
    deriving: tuple[int, int] | None
    #: When HOTWAX_TOKEN ends, if it says so.
    token_ends_at: datetime | None = None


def refresh() -> Freshness:
    """Ask HotWax what changed, if nobody else does and the last answer is old; then report.

    Waits at most 0.8 s. Raises AnotherHotWax.
    """
    sync.refresh_for_page()
    return freshness()


def freshness() -> Freshness:
    """Report how fresh the ledger is, without asking."""
    row, now = sync.current_state(), timezone.now()
    compatible = row.mode == SyncState.Mode.COMPATIBLE
    return Freshness(
        state=_state_of(row, now),
        as_of=row.answered_at,
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
    )


def _deriving(row: SyncState) -> tuple[int, int] | None:
    if not row.derived_by or row.derived_by == sync.source().derivation:
        return None
    orders = FailedOrder.objects.all()
    return orders.filter(pk__lte=row.derive_cursor).count(), orders.count()


def _state_of(row: SyncState, now: datetime) -> str:
    if row.failing_since is not None:
        return "down"
    if row.loaded_at is None:
        return "loading"
    limit = 3 * sync.fresh()
    if row.mode == SyncState.Mode.COMPATIBLE:
        # Between two scans nothing is asked; a scan begins within one more interval.
        limit += sync.scan_pause(row)
    answered = row.answered_at
    return "live" if answered is not None and now - answered < limit else "stale"


@dataclass(frozen=True)
class Status:
    """What the status page says beside the trust line."""

    row: SyncState
    instance: str
    api: str
    method_setting: str
    watcher: bool
    #: Names of fields as last seen: canonical name ("" if unknown) and kind of value.
    fields: list[tuple[str, str, str]]
    #: Orders whose first attempt lies before their creation, and of how many.
    negative_lags: tuple[int, int]
    findings: list[Finding]
    events: list[SyncEvent]
    unreadable: list[UnreadableDocument]


def status() -> Status:
    """Gather how the connection to HotWax stands, without asking it."""
    row = sync.current_state()
    recent = Attempt.objects.order_by("-seen_last_at", "-pk").values_list("raw", flat=True)[:100]
    fields = seen_fields([from_text(raw) for raw in recent])
    dated = FailedOrder.objects.exclude(order_created_at=None).exclude(first_attempted_at=None)
    return Status(
        row=row,
        instance=settings.HOTWAX_URL,
        api=settings.HOTWAX_API,
        method_setting=settings.HOTWAX_METHOD,
        watcher=sync.watcher_is_alive(row, timezone.now()),
        fields=[(name, field, kind) for name, (field, kind) in fields.items()],
        negative_lags=(
            dated.filter(first_attempted_at__lt=F("order_created_at")).count(),
            dated.count(),
        ),
        findings=last_findings(row),
        events=list(SyncEvent.objects.all()[:30]),
        unreadable=list(UnreadableDocument.objects.order_by("-seen_last_at", "-pk")[:50]),
    )


def check_connection() -> None:
    """Check the connection step by step, live, and keep the findings for ``status``."""
    source = sync.source()
    with Client(source.endpoint) as client:
        check_and_remember(client, source)


# ------------------------------------------------------------------------------------ orders


def failed_orders() -> FailedOrderQuerySet:
    """All failed orders, to be narrowed by the methods of FailedOrderQuerySet."""
    return FailedOrder.objects.all()


def failed_order(pk: int) -> FailedOrder | None:
    """One order with its shop and signature."""
    rows = FailedOrder.objects.select_related("shop", "signature").defer("search_text")
    return rows.filter(pk=pk).first()


def view_counts(orders: FailedOrderQuerySet, now: datetime, revision: int) -> dict[str, int]:
    """Count how many of these orders each view holds, at a revision of the ledger."""
    # All views but one hold only what is unfinished: few orders, once people work on them.
    conditions = {view: view_condition(view, now) for view in VIEWS if view != "all"}
    counts = {view: Count("pk", filter=condition) for view, condition in conditions.items()}
    unfinished = orders.filter(view_condition("open", now)).order_by()
    everything = kept(revision, "orders", orders.order_by(), (), orders.count)
    return unfinished.aggregate(**counts) | {"all": everything}


def seen_between() -> tuple[datetime, datetime] | None:
    """Say from when until when we know what failed; None before the first load is complete.

    The log keeps a failure for LOG_KEEPS, so the first load reaches back so far, and a shorter
    pause in the asking is made up for by the next answer.
    """
    row = sync.current_state()
    if row.loaded_at is None or row.answered_at is None:
        return None
    return row.loaded_at - LOG_KEEPS, row.answered_at


def histogram(
    orders: FailedOrderQuerySet, which: str, edges: Sequence[datetime], revision: int
) -> list[dict[Category, int]]:
    """Count orders per span between the edges, and in each per category of their latest error."""
    count = partial(_histogram, orders, which, edges)
    return kept(revision, "histogram", orders.order_by(), (which, edges), count)


def _histogram(
    orders: FailedOrderQuerySet, which: str, edges: Sequence[datetime]
) -> list[dict[Category, int]]:
    counts = counts_between(orders, DATES[which], edges)
    signatures = ErrorSignature.objects.in_bulk({signature for _, signature in counts})
    spans: list[dict[Category, int]] = [{} for _ in edges[1:]]
    for (span, signature), n in counts.items():
        category = Category(signatures[signature].category)
        spans[span][category] = spans[span].get(category, 0) + n
    return spans


def spans_by_error(
    orders: FailedOrderQuerySet, which: str, edges: Sequence[datetime]
) -> dict[int, list[int]]:
    """Count orders per signature (its key) in each span between the edges."""
    spans: dict[int, list[int]] = defaultdict(lambda: [0] * (len(edges) - 1))
    for (span, signature), n in counts_between(orders, DATES[which], edges).items():
        spans[signature][span] = n
    return spans


def error_named(slug: str) -> ErrorSignature | None:
    """Find a signature by its slug, or by one that it had under earlier rules."""
    return signatures_named([slug]).first()


def signatures_of(keys: Iterable[int]) -> dict[int, ErrorSignature]:
    """Load signatures by their keys."""
    return ErrorSignature.objects.in_bulk(set(keys))


def attempts_of(orders: FailedOrderQuerySet) -> AttemptQuerySet:
    """All attempts of orders, to be narrowed by the methods of AttemptQuerySet."""
    return Attempt.objects.of(orders)


def templates_of(slugs: list[str]) -> dict[str, str]:
    """Find the templates of signatures by their slugs; an unknown slug is left out."""
    if not slugs:
        return {}
    aliases = SignatureAlias.objects.filter(slug__in=slugs)
    rows = ErrorSignature.objects.filter(slug__in=slugs)
    templates = dict(aliases.values_list("slug", "signature__template"))
    return templates | dict(rows.values_list("slug", "template"))


def answers_by_name(names: list[str]) -> list[tuple[str, str]]:
    """Say for each name, in the order asked, what is known of it.

    ``found`` in the ledger; else HotWax's log is asked at once: ``in_log`` (and kept now),
    ``unknown``, or ``cannot_ask`` (HotWax gave no answer that can be trusted).
    """
    if not names:
        return []
    rows = FailedOrder.objects.named(names).values_list("name_key", "name_tail")
    full: set[str] = set()
    tails: set[str] = set()
    for key, tail in rows.iterator():
        full.add(key)
        tails.add(tail)

    def is_known(name: str) -> bool:
        key, _ = name_keys(name)
        return key in full or ("#" not in key and key in tails)

    unknown = [name for name in names if not is_known(name)]
    live = look_up_now(unknown) if unknown else {}
    return [(name, live.get(name, "found")) for name in names]


@dataclass(frozen=True)
class Neighbours:
    """Where an order stands in a list. ``place`` counts from 1; None if it left the list."""

    previous: FailedOrder | None
    next: FailedOrder | None
    place: int | None
    total: int


def neighbours(orders: FailedOrderQuerySet, order: FailedOrder, sort: str) -> Neighbours:
    """Find the orders before and after one in a sorted list, also after it left the list."""
    descending = sort.startswith("-")
    column = SORTS[sort.removeprefix("-")]
    value = sorted_value(order.pk, sort)
    before, after = _either_side(column, value, order.pk, descending=descending)
    light = orders.only("order_name", "latest_document_key")
    ahead = orders.filter(before).count()
    return Neighbours(
        previous=light.filter(before).sorted_by(sort).reverse().first(),
        next=light.filter(after).sorted_by(sort).first(),
        place=ahead + 1 if orders.filter(pk=order.pk).exists() else None,
        total=orders.count(),
    )


def sorted_value(pk: int, sort: str) -> object:
    """Return the value by which an order is sorted."""
    column = SORTS[sort.removeprefix("-")]
    return FailedOrder.objects.values_list(column, flat=True).get(pk=pk)


def following(
    orders: FailedOrderQuerySet, sort: str, value: object, pk: int
) -> FailedOrderQuerySet:
    """Keep the orders that come after a place in a sorted list, wherever its order is by now."""
    column, descending = SORTS[sort.removeprefix("-")], sort.startswith("-")
    return orders.filter(_either_side(column, value, pk, descending=descending)[1])


def _either_side(column: str, value: object, pk: int, *, descending: bool) -> tuple[Q, Q]:
    smaller, larger = Q(pk__lt=pk), Q(pk__gt=pk)
    before_tie, after_tie = (larger, smaller) if descending else (smaller, larger)
    nothing = Q(**{f"{column}__isnull": True})
    if value is None:  # nulls are last in both directions
        return ~nothing | (nothing & before_tie), nothing & after_tie
    same = Q(**{column: value})
    less, more = Q(**{f"{column}__lt": value}), Q(**{f"{column}__gt": value})
    first, last = (more, less) if descending else (less, more)
    return first | (same & before_tie), last | nothing | (same & after_tie)


def full_errors(orders: list[FailedOrder]) -> dict[int, str]:
    """Load the whole text of each order's latest error."""
    rows = Attempt.objects.filter(
        order__in=orders, document_key=F("order__latest_document_key")
    ).order_by("logged_key")
    return dict(rows.values_list("order_id", "error_text"))


def import_link() -> str:
    """Link to HotWax's import screen."""
    return import_screen(settings.HOTWAX_URL)
