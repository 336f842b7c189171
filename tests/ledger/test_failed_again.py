"""Orders that were resolved and failed again: looked up first, and opened where they are missing."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import FailedOrder, RequestSlot, State, SyncState
from reconciler.ledger.work import triage
from reconciler.ledger.work.due import due_orders
from tests.clock import NOW
from tests.ledger.cores import CREATED, HALF, LOGGED, Cores, failed, order, told
from tests.makers import document, oms_order

pytestmark = pytest.mark.django_db


def fail_again(both: Cores, name: str) -> None:
    both.documents.append(
        document(name, created=CREATED, logged=NOW + timedelta(minutes=5), document_id="again")
    )
    both.hotwax.sync()


def test_a_new_attempt_on_what_is_still_in_the_oms_leaves_it_resolved(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    fail_again(both, "#1")
    assert (order("#1").state, order("#1").asks_first) == ("resolved", True)
    assert both.round() == (1, 1)
    assert (order("#1").state, order("#1").failed_since) == ("resolved", True)
    assert told("#1")[2:] == [("verdict", "system", "imported", "imported")]


def test_a_new_attempt_on_what_is_no_longer_there_opens_it_again(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    del both.orders[1:]
    fail_again(both, "#1")
    both.round()
    assert (order("#1").state, order("#1").verdict) == ("open", "missing")
    assert told("#1")[2:] == [
        ("verdict", "system", "imported", "missing"),
        ("reopened", "system", "resolved", "open"),
    ]


def test_where_the_oms_cannot_be_asked_a_new_attempt_opens_it_at_once(cores: Any) -> None:
    both = cores(failed("#1"))
    FailedOrder.objects.update(state="resolved", state_at=NOW)
    fail_again(both, "#1")
    assert order("#1").state == "open"
    assert told("#1") == [("reopened", "system", "resolved", "open")]


def test_what_waits_for_a_look_up_is_opened_when_that_fails(cores: Any) -> None:
    both = cores(failed("#1"))
    both.round()
    FailedOrder.objects.update(state="resolved", state_at=NOW)
    fail_again(both, "#1")
    assert order("#1").state == "resolved"
    both.refuse = httpx.Response(503, text="later")
    with pytest.raises(HotWaxError):
        both.round()
    assert order("#1").state == "open"


def test_a_late_document_of_before_does_not_open_it(cores: Any) -> None:
    both = cores(failed("#1"))
    FailedOrder.objects.update(state="resolved", state_at=NOW)
    both.documents.append(
        document("#1", created=CREATED, logged=NOW - timedelta(hours=1), document_id="late")
    )
    both.hotwax.sync()
    assert order("#1").attempt_count == 2
    assert order("#1").state == "resolved"


def test_another_order_that_the_proof_could_prove_takes_it_away(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    both.documents.append(
        document(
            "#1",
            created=CREATED,
            logged=LOGGED,
            document_id="x",
            host="other.myshopify.com",
            shop_id="2",
        )
    )
    both.hotwax.sync()
    both.round()
    verdicts = FailedOrder.objects.values_list("verdict", "state")
    assert sorted(verdicts) == [("unconfirmed", "open"), ("unconfirmed", "open")]


def test_an_imported_order_that_a_person_opened_stays_open(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    triage.set_state([order("#1").pk], State.OPEN, "", "ann", NOW)
    FailedOrder.objects.update(verdict_at=NOW - timedelta(hours=1))
    assert both.round() == (1, 0)
    assert order("#1").state == "open"


def test_what_was_removed_from_the_log_says_so_and_is_looked_up_first(cores: Any) -> None:
    both = cores(failed("#1"), failed("#2"))
    both.round()
    del both.documents[0]
    both.hotwax.sync()
    assert told("#1")[1:] == [("left_log", "system", "", "removed")]
    assert [o.order_name for o in due_orders(NOW)[0]] == ["#1"]


# -------------------------------------------------------------------------- check now


def test_what_the_program_opened_is_resolved_once_the_oms_answers_again(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    fail_again(both, "#1")
    both.refuse = httpx.Response(503, text="later")
    with pytest.raises(HotWaxError):
        both.round()
    assert order("#1").state == "open"
    both.refuse = None
    both.round()
    assert (order("#1").state, order("#1").verdict) == ("resolved", "imported")


@pytest.mark.parametrize(
    "again",
    [
        {"timestamp": None},
        {"logged": NOW + timedelta(minutes=1)},
        {"logged": NOW - timedelta(minutes=3)},
        {"logged": NOW + timedelta(days=900)},
    ],
)
def test_every_new_attempt_counts_whatever_its_time(again: dict[str, Any], cores: Any) -> None:
    both = cores(
        failed("#1"),
        failed("#1", expire_at=None) | {"document-id": "far", "timestamp": "2099-01-01T00:00:00Z"},
    )
    FailedOrder.objects.update(state="resolved", state_at=NOW)
    both.documents.append(document("#1", created=CREATED, document_id="again", **again))
    both.hotwax.sync()
    assert order("#1").attempt_count == 3
    assert order("#1").state == "open"


def test_a_state_set_by_a_clock_that_was_ahead_hides_nothing(cores: Any) -> None:
    both = cores(failed("#1"))
    FailedOrder.objects.update(state="resolved", state_at=NOW + timedelta(days=2))
    fail_again(both, "#1")
    assert order("#1").state == "open"


def test_without_a_watcher_what_waits_is_opened_when_the_index_is_not_asked_any_more(
    cores: Any,
) -> None:
    both = cores(failed("#1"))
    both.round()
    FailedOrder.objects.update(state="resolved", state_at=NOW)
    fail_again(both, "#1")
    assert order("#1").state == "resolved"
    SyncState.objects.update(oms_answered_at=NOW - timedelta(minutes=16))
    both.hotwax.sync()
    assert order("#1").state == "open"


def test_what_waits_for_a_name_without_an_answer_is_opened(cores: Any) -> None:
    both = cores(failed("#1"), failed("#2"))
    both.tick()
    FailedOrder.objects.filter(order_name="#1").update(
        state="resolved", failed_since=True, asks_first=True
    )
    SyncState.objects.update(oms_names=1)
    RequestSlot.objects.update(used_at=NOW - timedelta(minutes=2))
    both.refuse = httpx.Response(200, json=HALF)
    both.tick()
    assert order("#1").state == "open"


def test_an_arrival_is_of_what_was_known_to_be_missing(cores: Any) -> None:
    both = cores(failed("#1"))
    FailedOrder.objects.update(verdict="duplicate")
    both.orders += oms_order("#1", CREATED, order_id="M7")
    both.round()
    assert (order("#1").verdict, order("#1").arrived_at) == ("imported", None)
