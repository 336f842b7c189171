"""What to do about an error: one runbook per signature, with its history.

Texts are Markdown with placeholders such as {order}; pages fill them in. The first text comes from
what is known of the error and is computed, so that it gets better with every release until
somebody writes another.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Max

from reconciler.hotwax.documents import clean
from reconciler.ledger.models import ErrorSignature, Event, EventKind, RunbookRevision, SyncState
from reconciler.ledger.signatures.classification import classify

LONGEST_TEXT = 20_000


class RunbookChanged(Exception):
    """Somebody else saved another text since this one was begun."""


@dataclass(frozen=True)
class Runbook:
    """A text, who wrote it and when. ``number`` 0 is the first text, which nobody wrote."""

    text: str
    number: int = 0
    actor: str = ""
    at: datetime | None = None


def first_text(template: str) -> str:
    """Return the text composed from errors.tsv; "" for an error that it does not hold."""
    known = classify(template)
    steps = [f"{number}. {step}" for number, step in enumerate(known.steps, 1)]
    return "\n\n".join(part for part in (known.cause, "\n".join(steps)) if part)


def runbook_of(signature: ErrorSignature) -> Runbook:
    """Return the latest text."""
    latest = signature.revisions.order_by("-number").first()
    return _read(latest) if latest else Runbook(first_text(signature.template))


def runbook_history(signature: ErrorSignature) -> list[Runbook]:
    """Return all texts, the latest first, down to the first text, number 0."""
    written = [_read(revision) for revision in signature.revisions.order_by("-number")]
    return [*written, Runbook(first_text(signature.template))]


def _read(revision: RunbookRevision) -> Runbook:
    return Runbook(revision.text, revision.number, revision.actor, revision.at)


def edit_runbook(pk: int, text: str, base: int, actor: str, now: datetime) -> bool:
    """Save a text as the next revision; return False if it equals the latest.

    ``base`` is the number of the revision that the text was begun from. Raises RunbookChanged
    where that is not the latest any more: nothing is overwritten unseen.
    """
    text = clean(text.replace("\r\n", "\n")).rstrip().lstrip("\n")
    with transaction.atomic():
        signature = ErrorSignature.objects.select_for_update().get(pk=pk)
        latest = runbook_of(signature)
        if text == latest.text:
            return False
        if latest.number != base:
            raise RunbookChanged
        signature.revisions.create(number=base + 1, text=text, actor=actor, at=now)
        before, after = (f"revision {n}" if n else "first text" for n in (base, base + 1))
        Event.objects.create(
            signature=signature,
            actor=actor,
            kind=EventKind.RUNBOOK,
            at=now,
            before=before,
            after=after,
        )
        SyncState.raise_revision()
    return True


def hand_over(old: ErrorSignature, new: ErrorSignature) -> None:
    """Add the texts of a signature to those of the one that took over its errors.

    All are kept, in the order in which they were written.
    """
    if not old.revisions.exists():
        return
    highest = new.revisions.aggregate(highest=Max("number"))["highest"] or 0
    rows = RunbookRevision.objects.filter(signature__in=(old, new)).order_by("at", "number", "pk")
    merged = list(rows)
    # Out of the way first: a number is one row's at every moment.
    new.revisions.update(number=F("number") + highest + len(merged))
    for number, revision in enumerate(merged, 1):
        revision.signature, revision.number = new, number
        revision.save()
