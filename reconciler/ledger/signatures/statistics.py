"""What happened under each signature. An order counts under its latest error (LEDGER.md §5)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import add
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum

from reconciler.ledger.models import Attempt, ErrorSignature, Verdict
from reconciler.ledger.queries import FailedOrderQuerySet, is_open
from reconciler.ledger.signatures.changes import NO_CHANGES, Changes

#: A signature that was silent for this long before the period is back.
SILENT = timedelta(days=7)
_ARRIVED = (Verdict.IMPORTED, Verdict.DUPLICATE)
#: Number of attempts that are searched for texts that differ.
SAMPLED = 200


@dataclass(frozen=True)
class ErrorRow:
    """A signature with its orders among those asked for, and its dates over the whole ledger.

    ``attempts`` are those of the orders counted. The OMS order index was asked for ``asked`` of the
    orders; ``arrived`` are in the OMS, ``missing`` are not. ``label`` is "new" (first seen in the
    period), "back" (seen before, silent for SILENT before the period, seen in it), "worse", "quiet"
    (changes.py) or "". ``change`` is how many orders more there are than in the period before;
    None if the two cannot be compared.
    """

    signature: ErrorSignature
    orders: int
    open: int
    shops: int
    attempts: int
    asked: int
    arrived: int
    missing: int
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    label: str
    change: int | None = None
    before: int | None = None

    @property
    def sort_key(self) -> str:
        """Return the key by which errors sort."""
        return self.signature.sort_key


class Numbers(NamedTuple):
    """What is counted of a signature's orders; what each number is, ErrorRow says."""

    orders: int = 0
    open: int = 0
    shops: int = 0
    attempts: int = 0
    asked: int = 0
    arrived: int = 0
    missing: int = 0


def error_numbers(orders: FailedOrderQuerySet, now: datetime) -> dict[int, Numbers]:
    """Count these orders by the primary key of their signature; what is open is so at ``now``."""
    # A group for each shop is cheaper than to count distinct shops.
    found = (
        orders.order_by()
        .values_list("signature", "shop")
        .annotate(
            count=Count("pk"),
            unfinished=Count("pk", filter=is_open(now)),
            tries=Sum("attempt_count"),
            asked=Count("pk", filter=~Q(verdict=Verdict.UNCHECKED)),
            arrived=Count("pk", filter=Q(verdict__in=_ARRIVED)),
            missing=Count("pk", filter=Q(verdict=Verdict.MISSING)),
        )
    )
    numbers: dict[int, Numbers] = defaultdict(Numbers)
    for signature, _, count, unfinished, *rest in found:
        of_shop = (count, unfinished, 1, *rest)
        numbers[signature] = Numbers(*map(add, numbers[signature], of_shop))
    return dict(numbers)


def error_rows(
    numbers: dict[int, Numbers],
    start: datetime | None,
    end: datetime | None,
    changes: Changes = NO_CHANGES,
) -> list[ErrorRow]:
    """Return a row for each signature counted; labels tell of the period [start, end)."""
    signatures = _with_dates(start, end).in_bulk(list(numbers))
    return [
        _row(signature, numbers[pk], _label(signature, start, end), changes)
        for pk, signature in signatures.items()
    ]


def labels_of(
    signatures: Iterable[int], start: datetime | None, end: datetime | None, changes: Changes
) -> dict[int, str]:
    """Return the labels of these signatures (primary keys).

    They are those of `error_rows`, if that is given the same changes.
    """
    dated = _with_dates(start, end).in_bulk(list(signatures))
    return {
        pk: _row(one, Numbers(), _label(one, start, end), changes).label
        for pk, one in dated.items()
    }


def _row(signature: ErrorSignature, numbers: Numbers, label: str, changes: Changes) -> ErrorRow:
    first: datetime | None = signature.first_seen_at  # type: ignore[attr-defined]
    last: datetime | None = signature.last_seen_at  # type: ignore[attr-defined]
    pk = signature.pk
    if not label:
        label = "worse" if changes.is_worse(pk) else "quiet" if pk in changes.quiet else ""
    before = None if changes.before is None else changes.before.get(pk, 0)
    return ErrorRow(signature, *numbers, first, last, label, changes.of(pk), before)


def new_signatures(
    orders: FailedOrderQuerySet, start: datetime | None, end: datetime | None
) -> int:
    """Count the orders' signatures whose earliest log timestamp, ever, lies in [start, end)."""
    if orders.query.where:
        rows = ErrorSignature.objects.filter(pk__in=orders.order_by().values("signature"))
    else:  # of all orders: one search of an index for each signature
        rows = ErrorSignature.objects.filter(Exists(orders.filter(signature=OuterRef("pk"))))
    rows = rows.annotate(first_seen_at=_first_seen()).exclude(first_seen_at=None)
    if start is not None:
        rows = rows.filter(first_seen_at__gte=start)
    if end is not None:
        rows = rows.filter(first_seen_at__lt=end)
    return rows.count()


def _logged() -> QuerySet[Attempt]:
    return Attempt.objects.filter(signature=OuterRef("pk")).exclude(logged_at=None)


def _first_seen() -> Subquery:
    return Subquery(_logged().order_by("logged_at").values("logged_at")[:1])


def _with_dates(start: datetime | None, end: datetime | None) -> QuerySet[ErrorSignature]:
    """Return signatures annotated with their dates; each date is one search of an index."""
    rows = ErrorSignature.objects.order_by().annotate(
        first_seen_at=_first_seen(),
        last_seen_at=Subquery(_logged().order_by("-logged_at").values("logged_at")[:1]),
    )
    if start is None:
        return rows
    before = _logged().filter(logged_at__lt=start).order_by("-logged_at")
    within = _logged().filter(logged_at__gte=start)
    if end is not None:
        within = within.filter(logged_at__lt=end)
    return rows.annotate(
        seen_before_at=Subquery(before.values("logged_at")[:1]), seen_within=Exists(within)
    )


def _label(signature: ErrorSignature, start: datetime | None, end: datetime | None) -> str:
    first: datetime | None = signature.first_seen_at  # type: ignore[attr-defined]
    if first is None:
        return ""
    if start is None:
        return "new" if end is None or first < end else ""
    if first >= start:
        return "new" if end is None or first < end else ""
    before: datetime = signature.seen_before_at  # type: ignore[attr-defined]
    silent = before < start - SILENT
    return "back" if silent and signature.seen_within else ""  # type: ignore[attr-defined]


def error_row(
    signature: ErrorSignature,
    numbers: dict[int, Numbers],
    start: datetime | None,
    end: datetime | None,
    changes: Changes = NO_CHANGES,
) -> ErrorRow:
    """Return the row of one signature. Without orders it still has its dates."""
    counted = numbers.get(signature.pk, Numbers())
    dated = _with_dates(start, end).get(pk=signature.pk)
    return _row(dated, counted, _label(dated, start, end), changes)


def sample_texts(signature: ErrorSignature, most: int) -> list[Attempt]:
    """Return its latest attempts whose texts differ, at most ``most``."""
    # Attempts without a date come last on every database.
    recent = signature.attempts.exclude(logged_at=None).order_by("-logged_at", "-pk")[:SAMPLED]
    undated = signature.attempts.filter(logged_at=None).order_by("-pk")[:most]
    samples: dict[str, Attempt] = {}
    for attempt in [*recent.select_related("order"), *undated.select_related("order")]:
        samples.setdefault(attempt.error_text, attempt)
        if len(samples) == most:
            break
    return list(samples.values())
