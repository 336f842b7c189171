"""A signature that takes over another's errors takes over what people did with it."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.models import ErrorSignature, Event, EventKind
from reconciler.ledger.signatures import corrections, runbooks

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)

pytestmark = pytest.mark.django_db


def signature(name: str, category: str, corrected_at: datetime | None = None) -> ErrorSignature:
    return ErrorSignature.objects.create(
        template=name,
        slug=name,
        sort_key=name,
        rules_version=1,
        category=category,
        retry="fix",
        corrected_at=corrected_at,
        corrected_by="ana" if corrected_at else "",
    )


@pytest.mark.parametrize(
    ("old_at", "new_at", "kept"),
    [
        (NOW, None, "mapping"),
        (NOW, EARLIER, "mapping"),
        (EARLIER, NOW, "catalog"),
        (None, NOW, "catalog"),
        (None, None, "catalog"),
    ],
)
def test_the_later_correction_is_kept(
    old_at: datetime | None, new_at: datetime | None, kept: str
) -> None:
    old, new = signature("old", "mapping", old_at), signature("new", "catalog", new_at)
    Event.objects.create(signature=old, actor="ana", kind=EventKind.CORRECTION, at=EARLIER)
    corrections.hand_over(old, new)
    new.refresh_from_db()
    assert new.category == kept
    assert new.corrected_at == max(filter(None, (old_at, new_at)), default=None)
    assert Event.objects.get().signature == new


@pytest.mark.parametrize("writers", ["noono", "ooonn", "nnnoo", "ooooon", "nonon"])
def test_the_texts_of_both_are_kept_in_the_order_they_were_written(writers: str) -> None:
    old, new = signature("old", "mapping"), signature("new", "catalog")
    third = signature("third", "data")
    assert runbooks.edit_runbook(third.pk, "of a third", 0, "ana", EARLIER)
    for n, writer in enumerate(writers):
        owner = new if writer == "n" else old
        latest = owner.revisions.count()
        assert runbooks.edit_runbook(
            owner.pk, f"text {n}", latest, "ana", EARLIER + timedelta(minutes=n)
        )
    runbooks.hand_over(old, new)
    kept = new.revisions.order_by("number").values_list("number", "text")
    assert list(kept) == [(n + 1, f"text {n}") for n in range(len(writers))]
    assert not old.revisions.exists()
    assert [book.text for book in runbooks.runbook_history(third)] == ["of a third", ""]


def test_a_signature_without_texts_takes_over_those_of_the_other() -> None:
    old, new = signature("old", "mapping"), signature("new", "catalog")
    assert runbooks.edit_runbook(old.pk, "text", 0, "ana", NOW)
    assert runbooks.edit_runbook(old.pk, "text", 1, "ana", NOW) is False
    runbooks.hand_over(old, new)
    assert list(new.revisions.values_list("number", "text")) == [(1, "text")]
