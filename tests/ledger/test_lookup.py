"""Live look-ups: with a control, at most so often, and never "not there" without proof."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.test import Client as Browser

from reconciler.demo.server import Demo
from reconciler.ledger.models import FailedOrder, LookedUpName, RequestSlot, SyncState
from reconciler.ledger.sync import lease, lookup
from reconciler.ledger.sync.schedule import current_state
from reconciler.ledger.sync.syncer import documents_kept
from tests.clock import NOW
from tests.conftest import HotWax
from tests.makers import document, envelope

pytestmark = pytest.mark.django_db
Make = Callable[..., HotWax]


@pytest.fixture
def hotwax(hotwax_of: Make) -> HotWax:
    documents = [
        document(f"LUNE#{i}", logged=NOW - timedelta(hours=2, minutes=i)) for i in range(9)
    ]
    made = hotwax_of(documents)
    made.sync()
    # Visible since, and too late for catching up.
    documents.append(document("LUNE#77", logged=NOW - timedelta(days=9)))
    made.requests.clear()
    return made


def ask(hotwax: HotWax, *names: str) -> dict[str, str]:
    return lookup.look_up_now(list(names), hotwax.client)


def test_a_name_that_the_log_has_is_found_and_kept(hotwax: HotWax) -> None:
    before = current_state().kept
    assert ask(hotwax, "LUNE#77", "LUNE#78") == {"LUNE#77": "in_log", "LUNE#78": "unknown"}
    assert FailedOrder.objects.filter(order_name="LUNE#77").exists()
    assert current_state().kept == documents_kept() == before + 1
    assert len(hotwax.requests) == 1


@pytest.mark.parametrize("typed", ["77", "#77", "lune#77"])
def test_a_name_is_found_as_people_type_it(typed: str, hotwax: HotWax) -> None:
    assert ask(hotwax, typed) == {typed: "in_log"}


def test_each_name_is_asked_once_per_fifteen_seconds(hotwax: HotWax) -> None:
    assert ask(hotwax, "LUNE#78") == {"LUNE#78": "unknown"}
    assert ask(hotwax, "LUNE#78", "lune#78") == {"LUNE#78": "unknown", "lune#78": "unknown"}
    assert len(hotwax.requests) == 1
    LookedUpName.objects.update(asked_at=NOW - timedelta(seconds=16))
    ask(hotwax, "LUNE#78")
    assert len(hotwax.requests) == 2


def test_many_names_go_in_requests_of_a_hundred(hotwax: HotWax) -> None:
    names = [f"LUNE#9{i:03d}" for i in range(250)]
    assert set(ask(hotwax, *names).values()) == {"unknown"}
    for request in hotwax.requests:
        query = request["json"]["filter"][0]["terms"]["query"]
        assert len(query.split("\u0001")) <= 100


def test_without_its_control_an_answer_is_never_not_there(hotwax: HotWax) -> None:
    hotwax.answer = lambda body: httpx.Response(200, json=envelope([]))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "cannot_ask"}
    assert len(hotwax.requests) == 2  # as terms, then as phrases


def test_a_server_that_answers_anything_with_anything_cannot_be_asked(hotwax: HotWax) -> None:
    page = [document("#other")]
    hotwax.answer = lambda body: httpx.Response(200, json=envelope(page))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "cannot_ask"}


def test_a_longer_name_that_holds_it_is_another_one(hotwax: HotWax) -> None:
    held = [document("LUNE#0"), document("EXC-LUNE#77-1")]
    hotwax.answer = lambda body: httpx.Response(200, json=envelope([*held, document("LUNE#1")]))
    SyncState.objects.update(method="GET")
    answers = ask(hotwax, "LUNE#77")
    assert answers["LUNE#77"] in ("unknown", "cannot_ask")
    assert not FailedOrder.objects.filter(order_name="LUNE#77").exists()


def test_while_hotwax_is_down_nothing_is_asked(hotwax: HotWax) -> None:
    SyncState.objects.update(back_off_until=datetime.now(UTC) + timedelta(minutes=1))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "cannot_ask"}
    assert not hotwax.requests


def test_with_an_empty_ledger_there_is_no_control(hotwax_of: Make) -> None:
    assert ask(hotwax_of([]), "#1") == {"#1": "cannot_ask"}


def test_in_log_means_kept_so_it_waits_for_another_syncer(hotwax: HotWax) -> None:
    assert lease.take("watcher", lease.LEASE)
    answers = ask(hotwax, "LUNE#77", "LUNE#78")
    assert answers == {"LUNE#77": "cannot_ask", "LUNE#78": "unknown"}
    assert not FailedOrder.objects.filter(order_name="LUNE#77").exists()
    lease.give_back("watcher")
    LookedUpName.objects.update(asked_at=NOW - timedelta(seconds=16))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "in_log"}
    assert FailedOrder.objects.filter(order_name="LUNE#77").exists()


def test_while_one_page_asks_another_is_not_told_unknown(hotwax: HotWax) -> None:
    told: list[str] = []
    held = hotwax.answer

    def answer_late(body: Any) -> httpx.Response:
        if not told:
            told.append("asked")
            told.append(ask(hotwax, "LUNE#78")["LUNE#78"])  # a second page, meanwhile
        return held(body)

    LookedUpName.objects.create(
        name_key="lune#78", asked_at=NOW - timedelta(minutes=1), answer="unknown"
    )
    hotwax.answer = answer_late
    assert ask(hotwax, "LUNE#78") == {"LUNE#78": "unknown"}
    assert told == ["asked", "cannot_ask"]


def test_a_page_that_died_while_it_asked_leaves_no_answer(hotwax: HotWax) -> None:
    def die(body: Any) -> httpx.Response:
        raise KeyboardInterrupt

    LookedUpName.objects.create(
        name_key="lune#78", asked_at=NOW - timedelta(minutes=1), answer="unknown"
    )
    hotwax.answer = die
    with pytest.raises(KeyboardInterrupt):
        ask(hotwax, "LUNE#78")
    assert ask(hotwax, "LUNE#78") == {"LUNE#78": "cannot_ask"}


def test_twenty_requests_a_minute_are_asked_and_no_more(hotwax: HotWax) -> None:
    first = ask(hotwax, *(f"LUNE#8{n:04d}" for n in range(450)))
    assert len(hotwax.requests) == 20
    assert list(first.values()).count("unknown") < 450
    assert set(list(first.values())[-10:]) == {"cannot_ask"}
    hotwax.requests.clear()
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "cannot_ask"}
    assert not hotwax.requests
    RequestSlot.objects.filter(number__lt=2).update(used_at=NOW - timedelta(minutes=1))
    LookedUpName.objects.update(asked_at=NOW - timedelta(seconds=16))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "in_log"}
    assert len(hotwax.requests) == 1


def test_slots_of_tomorrow_are_free(hotwax: HotWax) -> None:
    ask(hotwax, *(f"LUNE#8{n:04d}" for n in range(450)))
    RequestSlot.objects.update(used_at=NOW + timedelta(days=1))
    assert ask(hotwax, "LUNE#77") == {"LUNE#77": "in_log"}


def test_the_page_says_what_came_back_and_shows_the_order(browser: Browser, demo: Demo) -> None:
    browser.get("/orders/")  # the first 500 documents; the rest is not known yet
    known = set(FailedOrder.objects.values_list("order_name", flat=True))
    names = {d.get("shopifyOrderName") for d in demo.history.documents(datetime.now(UTC))}
    new: Any = sorted(n for n in names - known if n)[0]
    SyncState.objects.update(heartbeat_at=datetime.now(UTC))
    html = browser.get("/orders/", {"order": f"{new},#nobody"}).content.decode()
    assert f'data-asked-name="{new}" data-answer="in_log"' in html
    assert 'data-asked-name="#nobody" data-answer="unknown"' in html
    assert f'data-order-name="{new}"' in html
