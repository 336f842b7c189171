"""What happened under each signature. An order counts under its latest error (LEDGER.md §5)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import add
from typing import NamedTuple

from django.db.models import Count, Q, Sum

from reconciler.ledger.models import Attempt, ErrorSignature, Verdict
from reconciler.ledger.queries import FailedOrderQuerySet, count_where, is_open
from reconciler.ledger.signatures.changes import NO_CHANGES, Changes
from reconciler.ledger.signatures.dates import SeenDates

_ARRIVED = (Verdict.IMPORTED, Verdict.DUPLICATE)
#: Number of attempts that are searched for texts that differ.
SAMPLED = 200


@dataclass(frozen=True)
class ErrorRow:
    """A signature with its orders among those asked for, and its dates over the whole ledger.

    ``attempts`` are those of the orders counted. The OMS order index was asked for ``asked`` of the
    orders; ``arrived`` are in the OMS, ``missing`` are not. ``label`` is "new" (first seen in the
    period), "back" (seen before, silent for SILENT before the period, seen in it; dates.py),
    "worse", "quiet" (changes.py) or "". ``change`` is how many orders more there are than in the
    period before; None if the two cannot be compared.
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
            count=Count("*"),
            unfinished=count_where(is_open(now)),
            tries=Sum("attempt_count"),
            asked=count_where(~Q(verdict=Verdict.UNCHECKED)),
            arrived=count_where(Q(verdict__in=_ARRIVED)),
            missing=count_where(Q(verdict=Verdict.MISSING)),
        )
    )
    numbers: dict[int, Numbers] = defaultdict(Numbers)
    for signature, _, count, unfinished, *rest in found:
        of_shop = (count, unfinished, 1, *rest)
        numbers[signature] = Numbers(*map(add, numbers[signature], of_shop))
    return dict(numbers)


def error_rows(
    numbers: dict[int, Numbers], dates: Mapping[int, SeenDates], changes: Changes = NO_CHANGES
) -> list[ErrorRow]:
    """Return a row for each signature counted; labels tell of the period of the dates."""
    signatures = ErrorSignature.objects.order_by().in_bulk(list(numbers))
    return [_row(signature, numbers[pk], dates, changes) for pk, signature in signatures.items()]


def label_of(signature: int, dates: Mapping[int, SeenDates], changes: Changes) -> str:
    """Return the label of a signature (its primary key), as `error_rows` does."""
    label = dates.get(signature, SeenDates()).label
    if label:
        return label
    return "worse" if changes.is_worse(signature) else "quiet" if signature in changes.quiet else ""


def _row(
    signature: ErrorSignature, numbers: Numbers, dates: Mapping[int, SeenDates], changes: Changes
) -> ErrorRow:
    pk = signature.pk
    seen, label = dates.get(pk, SeenDates()), label_of(pk, dates, changes)
    before = None if changes.before is None else changes.before.get(pk, 0)
    return ErrorRow(signature, *numbers, seen.first, seen.last, label, changes.of(pk), before)


def error_row(
    signature: ErrorSignature,
    numbers: Mapping[int, Numbers],
    dates: Mapping[int, SeenDates],
    changes: Changes = NO_CHANGES,
) -> ErrorRow:
    """Return the row of one signature. Without orders it still has its dates."""
    return _row(signature, numbers.get(signature.pk, Numbers()), dates, changes)


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
