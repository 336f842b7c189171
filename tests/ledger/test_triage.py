"""Owner, state, notes, undo: every change with its event, and nobody's work overwritten."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.ledger.models import Action, Event, FailedOrder, State
from reconciler.ledger.queries import failed_orders
from reconciler.ledger.work import triage
from reconciler.ledger.work_models import AppendOnly
from tests.clock import NOW, local
from tests.makers import document

pytestmark = pytest.mark.django_db
Keep = Callable[..., None]
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def three(hotwax_of: Any) -> list[int]:
    hotwax_of([document(f"#{n}", document_id=f"d{n}") for n in range(3)]).sync()
    return list(FailedOrder.objects.order_by("order_name").values_list("pk", flat=True))


def told(pk: int) -> list[tuple[str, str, str, str]]:
    events = Event.objects.filter(order=pk).order_by("pk")
    return list(events.values_list("kind", "actor", "before", "after"))


def states() -> list[str]:
    return [order.state_text for order in FailedOrder.objects.order_by("order_name")]


def test_an_action_changes_what_is_otherwise_and_tells_it(three: list[int]) -> None:
    assert triage.assign(three[:1], "bob", "ann", NOW).changed == 1
    done = triage.assign(three, "bob", "ann", NOW)
    assert (done.changed, done.left) == (2, 1)
    assert told(three[0]) == [("assign", "ann", "", "bob")]
    assert triage.assign(three, "", "ann", NOW).changed == 3
    assert told(three[0])[-1] == ("assign", "ann", "bob", "")
    assert [o.assignee for o in FailedOrder.objects.all()] == [None] * 3


def test_a_state_carries_its_detail(three: list[int]) -> None:
    triage.set_state(three[:1], State.WAITING, "shop", "ann", NOW)
    triage.set_state(three[:1], State.WAITING, "hotwax", "ann", LATER)
    triage.set_state(three[:1], State.IGNORED, "2026-12-01", "ann", LATER)
    assert told(three[0]) == [
        ("state", "ann", "open", "waiting:shop"),
        ("state", "ann", "waiting:shop", "waiting:hotwax"),
        ("state", "ann", "waiting:hotwax", "ignored:2026-12-01"),
    ]
    assert FailedOrder.objects.get(pk=three[0]).revision == 3


def test_an_ignored_order_is_open_again_on_its_day_and_when_it_failed(three: list[int]) -> None:
    tomorrow = (local(NOW).date() + timedelta(days=1)).isoformat()
    triage.set_state(three[:1], State.IGNORED, tomorrow, "ann", NOW)
    triage.set_state(three[1:], State.IGNORED, "", "ann", NOW)
    assert failed_orders().in_view("open", NOW).count() == 0
    assert failed_orders().in_view("open", NOW + timedelta(days=1)).count() == 1
    FailedOrder.objects.filter(pk=three[2]).update(failed_since=True)
    assert failed_orders().in_view("open", NOW).count() == 1
    assert states()[2] == "ignored"
    # Ignoring it once more is a change.
    assert triage.set_state(three[2:], State.IGNORED, "", "ann", LATER).changed == 1


def test_who_acted_since_is_not_overwritten(three: list[int]) -> None:
    triage.assign(three[:1], "bob", "bob", NOW, seen=0)
    with pytest.raises(triage.ActedSince):
        triage.set_state(three[:1], State.RESOLVED, "", "ann", NOW, seen=0)
    assert (states()[0], len(told(three[0]))) == ("open", 1)
    triage.add_note(three[:1], "hello", "ann", NOW)
    triage.set_state(three[:1], State.RESOLVED, "", "ann", NOW, seen=1)


def test_undo_takes_back_exactly_this_action_where_nobody_acted_since(three: list[int]) -> None:
    triage.set_state(three[:1], State.WAITING, "shop", "bob", NOW - timedelta(hours=3))
    done = triage.set_state(three, State.RESOLVED, "", "ann", NOW)
    triage.assign(three[1:2], "bob", "bob", LATER)
    back = triage.undo(done.action.pk, "ann", LATER)
    assert (back.changed, back.left) == (2, 1)
    assert states() == ["waiting:shop", "resolved", "open"]
    assert FailedOrder.objects.get(pk=three[0]).state_at == NOW - timedelta(hours=3)
    assert told(three[0])[-1] == ("undo", "ann", "resolved", "waiting:shop")
    with pytest.raises(triage.CannotUndo):
        triage.undo(done.action.pk, "ann", LATER)


def test_undo_restores_that_it_had_failed(three: list[int]) -> None:
    triage.set_state(three[:1], State.IGNORED, "", "ann", NOW)
    FailedOrder.objects.filter(pk=three[0]).update(failed_since=True)
    done = triage.set_state(three[:1], State.RESOLVED, "", "ann", LATER)
    triage.undo(done.action.pk, "ann", LATER)
    assert failed_orders().in_view("open", NOW).count() == 3


@pytest.mark.parametrize(
    ("actor", "after", "anybodys", "may"),
    [
        ("ann", timedelta(minutes=10), False, True),
        ("ann", timedelta(minutes=10, seconds=1), False, False),
        ("bob", timedelta(minutes=1), False, False),
        ("bob", timedelta(minutes=1), True, True),
        ("ann", timedelta(minutes=-1), False, False),
    ],
)
def test_undo_is_for_ten_minutes_and_for_ones_own(
    actor: str, after: timedelta, anybodys: bool, may: bool, three: list[int]
) -> None:
    done = triage.assign(three, "bob", "ann", NOW)
    assert triage.can_undo(done.action, actor, NOW + after, anybodys=anybodys) is may
    if may:
        triage.undo(done.action.pk, actor, NOW + after, anybodys=anybodys)
    else:
        with pytest.raises(triage.CannotUndo):
            triage.undo(done.action.pk, actor, NOW + after, anybodys=anybodys)


def test_an_undo_cannot_be_undone_nor_can_nothing(three: list[int]) -> None:
    done = triage.assign(three, "bob", "ann", NOW)
    back = triage.undo(done.action.pk, "ann", NOW)
    assert not triage.can_undo(back.action, "ann", NOW)
    assert not triage.can_undo(triage.assign(three, "", "ann", NOW).action, "ann", NOW)


def test_a_note_is_taken_back_without_being_deleted(three: list[int]) -> None:
    done = triage.add_note(three, "wrong **order**", "ann", NOW)
    assert triage.undo(done.action.pk, "ann", LATER).changed == 3
    assert told(three[0]) == [
        ("note", "ann", "", "wrong **order**"),
        ("undo", "ann", "wrong **order**", ""),
    ]
    assert Action.objects.get(pk=done.action.pk).undone_at == LATER


def test_the_latest_action_is_ones_own_and_young(three: list[int]) -> None:
    triage.assign(three, "bob", "ann", NOW)
    last = triage.add_note(three, "x", "ann", LATER).action
    triage.assign(three, "", "bob", LATER)
    assert triage.latest_action("ann", LATER) == last
    assert triage.latest_action("ann", LATER + timedelta(minutes=11)) is None


def test_events_are_only_ever_added(three: list[int]) -> None:
    triage.add_note(three, "x", "ann", NOW)
    event = Event.objects.first()
    assert event is not None
    for refused in (
        event.save,
        event.delete,
        lambda: Event.objects.all().delete(),
        lambda: Event.objects.update(after="y"),
        lambda: Event.objects.bulk_update([event], ["after"]),
        lambda: Event.objects.all().follow(after="y"),
    ):
        with pytest.raises(AppendOnly):
            refused()
    assert Event.objects.filter(after="x").count() == 3


def test_ten_thousand_orders_take_few_statements(
    three: list[int], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        done = triage.set_state(three, State.RESOLVED, "", "ann", NOW)
    with django_assert_max_num_queries(14):
        triage.undo(done.action.pk, "ann", NOW)


def test_undo_does_not_hide_that_it_failed_meanwhile(three: list[int]) -> None:
    triage.set_state(three[:1], State.RESOLVED, "", "ann", NOW - timedelta(minutes=30))
    done = triage.set_state(three[:1], State.OPEN, "", "ann", NOW)
    FailedOrder.objects.filter(pk=three[0]).update(last_failed_at=NOW + timedelta(minutes=2))
    triage.undo(done.action.pk, "ann", NOW + timedelta(minutes=3))
    order = FailedOrder.objects.get(pk=three[0])
    assert (order.state, order.failed_since, order.asks_first) == ("resolved", True, True)


def test_nothing_is_no_error(three: list[int]) -> None:
    assert triage.assign([], "bob", "ann", NOW).changed == 0
    assert triage.set_state([10**9], State.OPEN, "", "ann", NOW).changed == 0


def test_what_was_done_moves_with_an_order_that_another_takes_in(hotwax_of: Any) -> None:
    at = NOW - timedelta(hours=2)
    documents = [
        document("#1", document_id="d1", logged=at),
        document("#2", document_id="d2", logged=at),
    ]
    hotwax = hotwax_of(documents)
    hotwax.sync()
    one, two = FailedOrder.objects.order_by("order_name")
    given = triage.assign([one.pk], "bob", "ann", NOW)
    triage.set_state([one.pk], State.WAITING, "shop", "ann", NOW)
    triage.assign([two.pk], "carl", "ann", NOW)
    documents[0] = document("HC#1", document_id="d1", logged=at, version=7)
    hotwax.sync()
    moved = FailedOrder.objects.get(order_name="HC#1")
    assert (moved.state_text, moved.assignee) == ("waiting:shop", "bob")
    assert moved.events.count() == 2
    # It is taken in by one that somebody works on: nobody's work there is undone.
    documents[0] = document("#2", document_id="d1", logged=at, version=8)
    hotwax.sync()
    assert FailedOrder.objects.get().assignee == "carl"
    assert triage.undo(given.action.pk, "ann", NOW).changed == 0
    assert FailedOrder.objects.get().assignee == "carl"


def test_undo_gives_back_who_resolved_it_and_that_nobody_did(three: list[int]) -> None:
    one = FailedOrder.objects.filter(pk=three[0])
    one.update(state="resolved", state_by="system", was_resolved=True)
    opened = triage.set_state(three[:1], State.OPEN, "", "ann", NOW)
    triage.undo(opened.action.pk, "ann", NOW)
    assert (one.get().state_by, one.get().was_reopened) == ("system", False)
    closed = triage.set_state(three[1:2], State.RESOLVED, "", "ann", NOW)
    triage.undo(closed.action.pk, "ann", NOW)
    assert not FailedOrder.objects.get(pk=three[1]).was_resolved
