"""Asking the OMS order index: with a control, within a budget, and what follows from its answers."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.hotwax.exceptions import HotWaxError
from reconciler.ledger.models import FailedOrder, RequestSlot, SyncState
from reconciler.ledger.sync import order_index
from reconciler.ledger.sync.budgets import CHECKS, VERDICTS
from reconciler.ledger.sync.order_index import OrderIndex, check_now, take_round
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.work import packs
from reconciler.ledger.work.due import SCHEDULE, due_orders, interval_of
from tests.clock import NOW
from tests.ledger.cores import CONTROL, CREATED, HALF, LOGGED, Make, failed, order, told
from tests.makers import document, oms_order, two_cores

pytestmark = pytest.mark.django_db


def test_what_arrived_is_resolved_by_the_program_and_the_rest_is_missing(cores: Any) -> None:
    both = cores(failed("#1"), failed("#2"))
    both.orders += oms_order("#1", CREATED, order_id="M7", shopify_id="617")
    assert both.round() == (2, 2)
    one, two = order("#1"), order("#2")
    assert (one.verdict, one.state, two.verdict, two.state) == (
        "imported",
        "resolved",
        "missing",
        "open",
    )
    assert [(oms.order_id, oms.shopify_id) for oms in one.in_oms] == [("M7", "617")]
    assert one.verdict_at == two.verdict_at
    assert told("#1") == [
        ("verdict", "system", "unchecked", "imported"),
        ("state", "system", "open", "resolved"),
    ]
    assert told("#2") == [("verdict", "system", "unchecked", "missing")]


def test_nothing_is_asked_twice_before_its_time_and_the_same_answer_is_no_event(
    cores: Any,
) -> None:
    both = cores(failed("#1"))
    both.round()
    assert both.round() == (0, 0)
    FailedOrder.objects.update(verdict_at=NOW - timedelta(minutes=16))
    assert both.round() == (1, 0)
    assert len(told("#1")) == 1


def test_a_request_asks_a_hundred_names_with_its_control(cores: Any) -> None:
    many = cores(*(failed(f"#{n}") for n in range(250)))
    many.round()
    named = [body["filter"][2]["terms"]["query"].split("\u0001") for body in many.asked[1:]]
    assert [len(names) for names in named] == [100, 100, 53]
    assert all(names[-1] == "#control" for names in named)
    assert len(many.asked) == 4  # one to learn the control


def test_the_watcher_makes_four_requests_a_minute_newest_first(cores: Any) -> None:
    many = cores(
        *(
            document(f"#{n}", created=CREATED, logged=LOGGED - timedelta(minutes=n))
            for n in range(500)
        )
    )
    many.tick()
    many.tick()
    assert len(many.asked) == 4
    asked = FailedOrder.objects.exclude(verdict="unchecked")
    assert {o.order_name for o in asked} == {f"#{n}" for n in range(297)}
    assert VERDICTS.left(NOW) == 0
    assert VERDICTS.left(NOW + timedelta(minutes=2)) == 4


def test_without_the_control_there_is_no_verdict(cores: Any) -> None:
    both = cores(failed("#1"))
    both.round()
    FailedOrder.objects.update(verdict="unchecked", verdict_at=None)
    both.orders.clear()  # the control is gone, and with it every proof
    with pytest.raises(HotWaxError):
        both.round()
    assert order("#1").verdict == "unchecked"
    state = current_state()
    assert state.oms_off
    assert "does not find" in state.oms_error
    with pytest.raises(HotWaxError, match="holds no sales order"):
        both.round()


def test_a_new_control_is_learned_when_the_old_one_went(cores: Any) -> None:
    both = cores(failed("#1"))
    both.round()
    both.orders[:] = oms_order("#other", NOW, order_id="M2")
    FailedOrder.objects.update(verdict_at=None)
    with pytest.raises(HotWaxError):
        both.round()
    assert both.round() == (1, 0)
    assert current_state().oms_control == "#other"
    assert not current_state().oms_off


def test_a_tokenised_name_is_asked_for_as_a_phrase_and_longer_names_are_others(
    hotwax_of: Make,
) -> None:
    orders = [*CONTROL, *oms_order("EXC-#1-1", CREATED), *oms_order("#2", CREATED, order_id="M3")]

    def tokenised(body: dict[str, Any]) -> httpx.Response:
        filters = body["json"]["filter"]
        if "terms" in str(filters):
            found = []
        elif len(filters) == 3:
            names = [one["field"]["query"] for one in filters[2]["bool"]["should"]]
            found = [d for d in orders if any(name in d["orderName"] for name in names)]
        else:
            found = orders
        reply = {"response": {"numFound": len(found), "start": 0, "docs": found}}
        return httpx.Response(200, json=reply)

    log = two_cores([failed("#1"), failed("#2")], [])
    hotwax = hotwax_of(answer=lambda body: log(body) if "coreName" in body else tokenised(body))
    hotwax.sync()
    with hotwax.client() as client:
        take_round(OrderIndex(client, hotwax.source))
    assert (order("#1").verdict, order("#2").verdict) == ("missing", "imported")
    assert current_state().oms_phrases


def test_where_grouping_is_refused_it_is_asked_without(hotwax_of: Make) -> None:
    inner = two_cores([failed("#1")], [*CONTROL, *oms_order("#1", CREATED, order_id="M7", items=3)])

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "group" in body["json"].get("params", {}):
            error = {"msg": "can not use FieldCache on multivalued field", "code": 500}
            return httpx.Response(500, json={"error": error})
        return inner(body)

    hotwax = hotwax_of(answer=answer)
    hotwax.sync()
    with hotwax.client() as client:
        take_round(OrderIndex(client, hotwax.source))
    assert order("#1").verdict == "imported"
    assert not current_state().oms_grouped


PARTIAL = {
    "responseHeader": {"status": 0, "partialResults": True},
    "response": {"numFound": 1, "start": 0, "docs": CONTROL},
}


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (httpx.Response(401, json={}), "off"),
        (httpx.Response(403, json={}), "off"),
        (httpx.Response(404, text="<h1>Not Found</h1>"), "off"),
        (httpx.Response(503, text="later"), "down"),
        (httpx.Response(200, json=PARTIAL), "down"),
        (httpx.Response(200, json=HALF), "down"),
        (httpx.Response(200, text="<html>"), "down"),
        (httpx.Response(200, json={"response": {"numFound": 0, "start": 0, "docs": []}}), "off"),
    ],
)
def test_a_failure_is_no_verdict_and_no_failure_of_the_log(
    reply: httpx.Response, state: str, cores: Any
) -> None:
    from reconciler import service

    both = cores(failed("#1"))
    both.round()
    FailedOrder.objects.update(verdict="unchecked", verdict_at=None)
    both.refuse = reply
    with pytest.raises(HotWaxError):
        both.round()
    assert order("#1").verdict == "unchecked"
    fresh = service.freshness()
    assert (fresh.oms.state, fresh.oms.unchecked) == (state, 1)
    assert fresh.oms.error
    assert fresh.state == "live"
    assert order_index.is_resting(current_state(), NOW)
    both.refuse = None
    FailedOrder.objects.update(verdict_at=None)
    both.round()
    assert service.freshness().oms.state == "live"


def test_while_it_rests_the_watcher_asks_nothing(cores: Any) -> None:
    both = cores(failed("#1"))
    both.refuse = httpx.Response(503, text="later")
    both.tick()
    assert len(both.asked) == 1
    both.tick()
    assert len(both.asked) == 1


@pytest.mark.parametrize(("age", "every"), SCHEDULE)
def test_an_order_is_due_by_its_age(age: timedelta, every: timedelta, cores: Any) -> None:
    cores(failed("#1"))
    begun = NOW - age + timedelta(minutes=1)
    FailedOrder.objects.update(
        first_at=begun, verdict="missing", verdict_at=NOW - every + timedelta(seconds=30)
    )
    assert interval_of(order("#1"), NOW) == every
    assert not any(due_orders(NOW)[-1])
    assert [o.order_name for o in due_orders(NOW + timedelta(seconds=31))[-1]] == ["#1"]


def test_what_is_due_is_open_named_young_and_never_of_the_future(cores: Any) -> None:
    cores(failed("#1"), document(None, document_id="nameless"))  # type: ignore[arg-type]

    def due() -> list[str]:
        return [one.order_name for one in due_orders(NOW)[-1]]

    assert due() == ["#1"]
    FailedOrder.objects.update(verdict="missing", verdict_at=NOW + timedelta(days=1))
    assert due() == ["#1"]  # a clock was ahead
    FailedOrder.objects.update(first_at=NOW - timedelta(days=181), verdict_at=None)
    assert due() == []
    FailedOrder.objects.update(first_at=None)
    assert due() == ["#1"]
    FailedOrder.objects.update(state="resolved")
    assert due() == []


# ------------------------------------------------------------------------ what fails again


def test_check_now_asks_at_once_and_beyond_its_budget_the_watcher_does(cores: Any) -> None:
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7")
    checked = check_now([order("#1")], both.client)
    assert (checked.changed, checked.later, checked.error) == (1, 0, "")
    while CHECKS.spend(NOW):
        pass
    FailedOrder.objects.update(state="open", verdict="missing")
    checked = check_now([order("#1")], both.client)
    assert (checked.changed, checked.later) == (0, 1)
    assert order("#1").asks_first
    assert both.round() == (1, 1)


def test_check_now_says_why_there_is_no_answer(cores: Any) -> None:
    both = cores(failed("#1"))
    both.refuse = httpx.Response(403, json={})
    checked = check_now([order("#1")], both.client)
    assert "refused the credentials" in checked.error


def test_the_stores_of_a_shop_decide_by_any_of_its_hosts(cores: Any, settings: Any) -> None:
    settings.SHOP_PRODUCT_STORES = {"hc-demo.myshopify.com": "STORE_EU"}
    both = cores(failed("#1"))
    both.orders += oms_order("#1", CREATED, order_id="M7", store="STORE_US")
    both.round()
    assert order("#1").verdict == "unconfirmed"
    both.orders += oms_order("#1", CREATED, order_id="M8", store="STORE_EU")
    FailedOrder.objects.update(asks_first=True)
    both.round()
    assert order("#1").verdict == "imported"


# ----------------------------------------------------------------------- what must not happen


def test_a_control_that_went_is_replaced_within_the_watchers_budget(cores: Any, clock: Any) -> None:
    both = cores(failed("#1"))
    both.round()
    both.orders[:] = oms_order("#other", NOW, order_id="M2")
    for minute in range(1, 4):
        FailedOrder.objects.update(verdict="unchecked", verdict_at=None)
        RequestSlot.objects.update(used_at=NOW - timedelta(minutes=2))
        SyncState.objects.update(oms_back_off_until=None)
        before = len(both.asked)
        both.tick()
        assert len(both.asked) - before <= 4, minute
    assert order("#1").verdict == "missing"


def test_with_a_part_of_its_budget_the_watcher_does_not_begin(cores: Any) -> None:
    both = cores(failed("#1"))
    assert VERDICTS.spend(NOW)
    both.tick()
    assert not both.asked


def test_one_name_without_an_answer_holds_back_no_other(cores: Any) -> None:
    both = cores(*(failed(f"#{n}") for n in range(6)))
    inner = both.hotwax.answer

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "coreName" not in body and "#3" in str(body).replace("#control", ""):
            return httpx.Response(200, json=HALF)
        return inner(body)

    both.hotwax.answer = answer
    for _ in range(12):
        SyncState.objects.update(oms_back_off_until=None)
        RequestSlot.objects.update(used_at=NOW - timedelta(minutes=2))
        both.tick()
    verdicts = dict(FailedOrder.objects.values_list("order_name", "verdict"))
    assert verdicts.pop("#3") == "unchecked"
    assert set(verdicts.values()) == {"missing"}


@pytest.mark.parametrize("name", ["#a\x00b", "#a\x01b", "#" + "x" * 200])
def test_a_name_that_cannot_be_asked_for_is_never_missing(name: str, cores: Any) -> None:
    both = cores(document(name, document_id="odd"), failed("#1"))
    assert both.round()[0] == 1
    odd = FailedOrder.objects.exclude(order_name="#1").get()
    assert (odd.verdict, odd.verdict_at) == ("unchecked", None)


@pytest.mark.parametrize("control", ["1001", "#1001"])
def test_a_control_that_proves_nothing_about_tokens_is_not_relied_on(
    control: str, hotwax_of: Make
) -> None:
    """On a field of lower-case tokens `terms` finds 1001, but neither #2002 nor Lune#1."""
    orders = [
        *oms_order(control, NOW - timedelta(days=3), order_id="M1"),
        *oms_order("Lune#1", CREATED, order_id="M2"),
        *oms_order("#2002", CREATED, order_id="M3"),
    ]

    def tokenised(body: dict[str, Any]) -> httpx.Response:
        filters = body["json"]["filter"]
        if len(filters) == 2:
            found = orders[:1]
        elif "terms" in str(filters[2]):
            wanted = filters[2]["terms"]["query"].split("\u0001")
            found = [d for d in orders if d["orderName"] == control and control in wanted]
        else:
            wanted = [one["field"]["query"] for one in filters[2]["bool"]["should"]]
            found = [d for d in orders if d["orderName"] in wanted]
        reply = {"response": {"numFound": len(found), "start": 0, "docs": found}}
        return httpx.Response(200, json=reply)

    log = two_cores([failed("Lune#1"), failed("#2002")], [])
    hotwax = hotwax_of(answer=lambda body: log(body) if "coreName" in body else tokenised(body))
    hotwax.sync()
    with hotwax.client() as client:
        take_round(OrderIndex(client, hotwax.source))
    assert {o.verdict for o in FailedOrder.objects.all()} == {"imported"}


def test_a_page_that_waits_too_short_a_time_is_no_failure_of_the_index(cores: Any) -> None:
    both = cores(failed("#1"))
    both.round()
    both.refuse = httpx.Response(503, text="later")
    assert check_now([order("#1")], both.client).error
    assert current_state().oms_failing_since is None


@pytest.mark.parametrize("changes", [{"asks_first": True}, {"verdict": "missing"}, {"pack": True}])
def test_one_name_without_an_answer_holds_back_no_other_wherever_it_stands(
    changes: dict[str, Any], cores: Any
) -> None:
    both = cores(*(failed(f"#{n}") for n in range(6)))
    inner, rows = both.hotwax.answer, FailedOrder.objects.filter(order_name="#3")
    if changes.pop("pack", False):
        pack = packs.make_pack([rows.get().pk], "ann", NOW - timedelta(minutes=30))
        packs.imported(pack.batches.get(), "ann", NOW - timedelta(minutes=30))
    else:
        rows.update(**changes, last_failed_at=NOW, verdict_at=NOW - timedelta(hours=1))

    def answer(body: dict[str, Any]) -> httpx.Response:
        if "coreName" not in body and "#3" in str(body).replace("#control", ""):
            return httpx.Response(200, json=HALF)
        return inner(body)

    both.hotwax.answer = answer
    for _ in range(12):
        SyncState.objects.update(oms_back_off_until=None)
        RequestSlot.objects.update(used_at=NOW - timedelta(minutes=2))
        both.tick()
    others = FailedOrder.objects.exclude(order_name="#3")
    assert set(others.values_list("verdict", flat=True)) == {"missing"}
    assert not rows.filter(verdict_at=NOW).exists()  # nothing is said that was not answered
    assert SyncState.objects.get().oms_failing_since is None


def test_check_now_asks_first_for_what_was_asked_longest_ago(cores: Any) -> None:
    both = cores(*(failed(f"#{n}") for n in range(150)))
    for _ in range(2):
        check_now(list(FailedOrder.objects.all()), both.client)
        RequestSlot.objects.update(used_at=NOW - timedelta(minutes=2))
        FailedOrder.objects.filter(verdict_at=NOW).update(verdict_at=NOW - timedelta(minutes=1))
    assert not FailedOrder.objects.filter(verdict="unchecked").exists()
