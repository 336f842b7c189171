"""Orders as their attempts tell them: what is derived again whenever attempts change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

from django.utils import timezone

from reconciler.ledger.models import EXCERPT_LENGTH, Attempt, FailedOrder
from reconciler.ledger.signatures.rules import RULES, SignatureRules
from reconciler.ledger.signatures.values import write_values
from reconciler.ledger.work.events import record
from reconciler.ledger.work.reopening import Before, Change, what_follows

#: Sorts before every real timestamp, so that an attempt without one is never the latest.
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)

_ROLLED_UP = (
    "site_url",
    "order_created_at",
    "first_attempted_at",
    "first_failed_at",
    "first_at",
    "last_failed_at",
    "attempt_count",
    "latest_document_key",
    "signature",
    "error_excerpt",
    "expires_at",
    "left_log_at",
    "left_log_reason",
    "search_text",
    # What follows from new attempts (work/reopening.py).
    "state",
    "state_detail",
    "state_at",
    "state_by",
    "was_reopened",
    "failed_since",
    "revision",
    "asks_first",
    "kept_open",
)
#: Columns that a roll-up reads of every attempt; of the latest it reads all but `raw`.
_LIGHT = (
    "order_id",
    "document_key",
    "logged_at",
    "expires_at",
    "order_created_at",
    "first_attempted_at",
    "signature_id",
    "left_log_at",
    "left_log_reason",
    "seen_first_at",
)


class NewRow(SimpleNamespace):
    """Columns of a row that is to be inserted.

    Making an instance of a model takes ten times as long, and a backfill makes hundreds of
    thousands (`make bench`).
    """


#: An attempt that is kept, or one that is to be.
AnAttempt = Attempt | NewRow


def roll_up(order_ids: Iterable[int], rules: SignatureRules = RULES) -> None:
    """Recompute orders from all their attempts; an order that lost its last one goes."""
    ids = list(order_ids)
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(order_id__in=ids).only(*_LIGHT):
        attempts[attempt.order_id].append(attempt)
    FailedOrder.objects.filter(pk__in=[pk for pk in ids if pk not in attempts]).delete()
    newest = [max(rows, key=logged_when).pk for rows in attempts.values()]
    latest = {row.order_id: row for row in Attempt.objects.filter(pk__in=newest).defer("raw")}
    orders = list(FailedOrder.objects.filter(pk__in=attempts))
    before = [Before.of(order) for order in orders]
    for order in orders:
        fill_order(order, attempts[order.pk], latest[order.pk])
    changes = [
        Change(order, was, attempts[order.pk]) for order, was in zip(orders, before, strict=True)
    ]
    record(what_follows(changes, timezone.now()))
    # One upsert for all; bulk_update would write a CASE for each column and row.
    FailedOrder.objects.bulk_create(
        orders, update_conflicts=True, unique_fields=["id"], update_fields=_ROLLED_UP
    )
    write_values([(row.order_id, row.error_text) for row in latest.values()], rules)


def logged_when(attempt: AnAttempt) -> tuple[datetime, str]:
    """Return what sorts attempts by time: the latest tells what an order's error is."""
    return (attempt.logged_at or _NO_TIME, attempt.document_key)


def fill_order(
    order: FailedOrder | NewRow, attempts: Sequence[AnAttempt], latest: AnAttempt
) -> None:
    """Fill the columns of an order that its attempts tell."""
    logged = [row.logged_at for row in attempts if row.logged_at]
    created = [row.order_created_at for row in attempts if row.order_created_at]
    tried = [row.first_attempted_at for row in attempts if row.first_attempted_at]
    left = [row.left_log_at for row in attempts if row.left_log_at]
    expires = [row.expires_at for row in attempts if row.expires_at]
    order.order_created_at = latest.order_created_at or min(created, default=None)
    order.first_attempted_at = min(tried, default=None)
    order.first_failed_at = min(logged, default=None)
    order.first_at = order.first_attempted_at or order.first_failed_at
    order.last_failed_at = max(logged, default=None)
    order.attempt_count = len(attempts)
    order.latest_document_key = latest.document_key
    order.signature_id = latest.signature_id
    order.error_excerpt = _excerpt(latest.error_text)
    order.expires_at = latest.expires_at or max(expires, default=None)
    gone = len(left) == len(attempts)
    order.left_log_at = max(left) if gone else None
    order.left_log_reason = latest.left_log_reason if gone else ""
    order.site_url = latest.site
    order.search_text = f"{order.order_name}\n{latest.error_text}".casefold()


def _excerpt(error: str) -> str:
    text = " ".join(error[: EXCERPT_LENGTH * 4].split())
    return text if len(text) <= EXCERPT_LENGTH else text[:EXCERPT_LENGTH] + "…"
