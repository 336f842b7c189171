"""Corrections of a signature's category and advice by people.

Neither new rules nor a regrouping takes a correction back. Each correction is an event.
"""

from datetime import datetime

from django.db import transaction

from reconciler.ledger.models import (
    Category,
    ErrorSignature,
    Event,
    EventKind,
    PackOrder,
    Retry,
    SyncState,
)
from reconciler.ledger.signatures.classification import classify


def correct(pk: int, category: Category, retry: Retry, actor: str, now: datetime) -> bool:
    """Correct a signature; return False if nothing changes.

    Choosing the rules' own values clears the correction.
    """
    with transaction.atomic():
        signature = ErrorSignature.objects.select_for_update().get(pk=pk)
        before = (signature.category, signature.retry)
        if before == (category, retry):
            return False
        rules = classify(signature.template)
        undone = (category, retry) == (rules.category, rules.retry)
        signature.category, signature.retry = category, retry
        signature.corrected_by = "" if undone else actor
        signature.corrected_at = None if undone else now
        signature.save()
        Event.objects.create(
            signature=signature,
            actor=actor,
            kind=EventKind.CORRECTION,
            at=now,
            before=", ".join(before),
            after=f"{category}, {retry}",
        )
        SyncState.raise_revision()
    return True


def hand_over(old: ErrorSignature, new: ErrorSignature) -> None:
    """Give what belongs to a signature to the one that took over its errors."""
    Event.objects.filter(signature=old).follow(signature=new)
    PackOrder.objects.filter(signature=old).update(signature=new)
    if old.corrected_at and (not new.corrected_at or new.corrected_at < old.corrected_at):
        new.category, new.retry = old.category, old.retry
        new.corrected_by, new.corrected_at = old.corrected_by, old.corrected_at
        new.save()
